"""The service's API under the pages' own address, for a dashboard that is served apart.

A browser asks where its page came from, and sends neither its cookie nor a token elsewhere; who may ask was decided at
the door of the pages, and the service is shown the secret that both know.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from runcast_dashboard.settings import DashboardSettings

PREFIX = "/api/v1"
SECONDS_MAX = 60.0  # For an answer to begin.
BODY_BYTES_MAX = 4 * 1024 * 1024  # Of a question: ten thousand ids.
PASSED = (
    "content-type",
    "content-disposition",
    "content-security-policy",
    "cache-control",
    "accept-ranges",
    "content-range",
)


class Relay:
    """Answers as the service does; open it around the server with `lifespan`."""

    def __init__(self, settings: DashboardSettings) -> None:
        self._settings = settings
        self._client: httpx.AsyncClient | None = None

    @asynccontextmanager
    async def lifespan(self, app: Any) -> AsyncIterator[None]:
        """Hold connections to the service."""
        del app
        token = self._settings.token
        headers = {"authorization": f"Bearer {token}"} if token else {}
        async with httpx.AsyncClient(headers=headers, timeout=SECONDS_MAX, trust_env=False) as self._client:
            yield

    async def answer(self, request: Request) -> Response:
        """Ask the service, and hand on what it says as it comes."""
        assert self._client is not None  # noqa: S101  # A server opens the lifespan before it takes a request.
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > BODY_BYTES_MAX:
                return _trouble(413, "too_large", f"a question has at most {BODY_BYTES_MAX} bytes")
        # The path as it came: a project's name may have an encoded slash.
        path = request.scope.get("raw_path", request.url.path.encode()).decode("ascii", "replace").partition("?")[0]
        url = f"{self._settings.server}{path}" + (f"?{request.url.query}" if request.url.query else "")
        headers = {name: value for name in ("content-type", "range") if (value := request.headers.get(name))}
        asked = self._client.build_request(request.method, url, content=body or None, headers=headers)
        try:
            answer = await self._client.send(asked, stream=True)
        except httpx.HTTPError as error:
            return _trouble(502, "away", f"no answer from the service: {error or type(error).__name__}")
        passed = {name: value for name in PASSED if (value := answer.headers.get(name))}
        return StreamingResponse(
            answer.aiter_bytes(), answer.status_code, passed, background=BackgroundTask(answer.aclose)
        )


def _trouble(status: int, code: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status)
