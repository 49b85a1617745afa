"""Every route of the service as one ASGI app: the API, the live socket, the probes, and pages below them.

It composes and holds no state. What stands in front of it is the gate, which closes everything that it does not open.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runcast.errors import UsageError
from runcast.gate import LIVE
from runcast_ingest.api import (
    artifacts,
    catalog,
    export,
    happenings,
    history,
    media,
    notes,
    rules,
    series,
    stop,
    table,
    views,
)
from runcast_ingest.api import files as file_routes
from runcast_ingest.api import health as health_routes
from runcast_ingest.api.answers import Trouble, say
from runcast_ingest.files import Files
from runcast_ingest.health import Health
from runcast_ingest.stops import Stops

PREFIX = "/api/v1"
DESCRIPTION = """
What Runcast stores, for programs. Where the service demands a token, send it as `Authorization: Bearer TOKEN`.

Times are ISO 8601 in UTC. A project's name stands in the path as it is or percent-encoded. Every error is
`{"error": {"code", "message"}}` with a sentence that says what to do. What happens now comes over the websocket
`/live`.
"""
_API_HEADERS = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}

Lifespan = Callable[[Any], AbstractAsyncContextManager[Any]]


def compose(
    health: Health,
    files: Files,
    stops: Stops,
    *,
    pages: ASGIApp | None = None,
    pages_lifespan: Lifespan | None = None,
) -> FastAPI:
    """Make the app; `pages` are mounted at `/`, and whoever serves it runs `pages_lifespan` around it."""
    app = FastAPI(
        title="Runcast",
        version=version("runcast"),
        summary="Live experiment tracking",
        description=DESCRIPTION,
        lifespan=pages_lifespan,
        openapi_url=f"{PREFIX}/openapi.json",
        # The interactive pages load their scripts from elsewhere; this service calls nobody.
        docs_url=None,
        redoc_url=None,
        openapi_tags=[
            {"name": "runs", "description": "Projects and runs."},
            {"name": "points", "description": "What runs logged."},
            {"name": "files", "description": "Files and artifacts."},
            {"name": "health", "description": "How the service is."},
        ],
    )
    app.router.routes.append(WebSocketRoute(LIVE, health.live.attend, name="live"))
    # The longer paths first: a project's name may have slashes in it.
    for router in (
        file_routes.routes(health.store, files),
        media.routes(health.store),
        artifacts.routes(health.store, files),
        history.routes(health.store),
        series.routes(health.store),
        export.routes(health.store),
        happenings.routes(health.store),
        table.routes(health.store, stops.asked, health.broadcast.curated),
        notes.routes(health.store),
        stop.routes(health.store, stops),
        rules.routes(health.store),
        views.routes(health.store),
        catalog.routes(health.store, stops.asked),
        health_routes.routes(health),
    ):
        app.include_router(router, prefix=PREFIX)
    app.include_router(health_routes.probes(health))
    app.add_api_route("/api/{rest:path}", _nothing_here, methods=["GET"], include_in_schema=False)
    app.add_exception_handler(Trouble, _answer_trouble)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(UsageError, _answer_usage)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_middleware(_ApiHeaders)
    if pages is not None:
        app.mount("/", pages)
    return app


class _ApiHeaders:
    """Adds to what the API answers that it is no page: nothing in it may run, and nothing may frame it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _API_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, add)


async def _nothing_here(rest: str) -> Response:
    raise Trouble(
        404, "unknown_path", f"there is nothing at /api/{rest[:200]}; {PREFIX}/openapi.json lists what there is"
    )


async def _answer_trouble(_: Request, error: Exception) -> Response:
    assert isinstance(error, Trouble)  # noqa: S101  # It is registered for nothing else.
    return error.answer()


async def _answer_usage(_: Request, error: Exception) -> Response:
    return Trouble(422, "bad_value", str(error)).answer()


async def _answer_http(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) else str(error)
    return say({"error": {"code": f"http_{status}", "message": detail}}, status=status)


async def _answer_invalid(_: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    sentences = []
    for each in found:
        name = str(each["loc"][-1])
        why = each["msg"][:1].lower() + each["msg"][1:]
        sentences.append(
            f"{name} is missing" if each["type"] == "missing" else f"{name} is {str(each['input'])[:80]!r}: {why}"
        )
    return Trouble(422, "bad_value", "; ".join(sentences) or "the request cannot be read").answer()
