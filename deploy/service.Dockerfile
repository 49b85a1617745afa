# The service alone: it reads Redis, stores, and serves the API and the live websocket on 8484.
# Build from the repository's root: docker build -f deploy/service.Dockerfile -t runcast-service .
FROM python:3.11.14-slim-bookworm

RUN useradd --uid 10001 --create-home runcast && install -d -o runcast -g runcast -m 0700 /data
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY producer producer
COPY ingest ingest
COPY dashboard dashboard
RUN pip install --no-cache-dir '.[server]'

USER runcast
WORKDIR /home/runcast
ENV RUNCAST_DIR=/data
VOLUME /data
EXPOSE 8484
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8484/healthz', timeout=4)"]
# Any address but loopback demands a token: RUNCAST_TOKEN_FILE names the file that holds it.
CMD ["runcast", "up", "--no-dashboard", "--host", "0.0.0.0", "--port", "8484", "--no-open"]
