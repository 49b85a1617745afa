# The dashboard alone, for a service elsewhere, on 8485.
# Build from the repository's root: docker build -f deploy/dashboard.Dockerfile -t runcast-dashboard .
FROM python:3.11.14-slim-bookworm

RUN useradd --uid 10001 --create-home runcast
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY producer producer
COPY ingest ingest
COPY dashboard dashboard
RUN pip install --no-cache-dir '.[dashboard]'

USER runcast
WORKDIR /home/runcast
EXPOSE 8485
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8485/healthz', timeout=4)"]
# RUNCAST_SERVER says where the service is.
CMD ["runcast", "dashboard", "--host", "0.0.0.0", "--port", "8485"]
