"""The dashboard as a process of its own: what `runcast dashboard` starts."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import click
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from runcast.cli.background import open_page
from runcast.gate import Gate
from runcast.service import Service
from runcast.surroundings.secrets import mask_text
from runcast_dashboard.mount import pages
from runcast_dashboard.relay import PREFIX, Relay
from runcast_dashboard.settings import DashboardSettings
from runcast_ingest.ports import listen
from runcast_ingest.settings import Settings


def start(server: str | None, live: str | None, host: str, port: int, *, opens: bool) -> None:
    """Serve the pages until a signal comes."""
    settings = Settings.from_env(os.environ, host=host, port=port)
    service = Service.find(server)
    given = DashboardSettings.apart(service.url, settings.token or "")
    if live is not None:
        given = DashboardSettings(given.server, given.token, live)
    with listen(settings.host, settings.port) as line:
        app, lifespan = pages(given)
        relay = Relay(given)

        @asynccontextmanager
        async def opened(app: Starlette) -> AsyncIterator[None]:
            async with lifespan(app), relay.lifespan(app):
                yield

        gate = Gate(
            Starlette(
                routes=[
                    Route("/healthz", _healthz),
                    Route(f"{PREFIX}/{{rest:path}}", relay.answer, methods=["GET", "POST", "DELETE"]),
                    Mount("/", app),
                ],
                lifespan=opened,
            ),
            token=settings.token,
            hosts=settings.hosts or None,
            origins=settings.origins,
        )
        url = f"http://{settings.host}:{line.getsockname()[1]}"

        def ready() -> None:
            where = f"{click.style(url, bold=True)}, for the service at {mask_text(service.url)}"
            click.echo(f"dashboard  {where}; Ctrl-C stops it")
            if opens:
                open_page(url, always=True)

        config = uvicorn.Config(gate, log_level="warning", timeout_graceful_shutdown=5, ws="websockets-sansio")
        web = _Server(config, ready)
        # uvicorn ends in order, and then raises the signal once more.
        with suppress(KeyboardInterrupt):
            asyncio.run(web.serve(sockets=[line]))
    click.echo("stopped; the service goes on")


class _Server(uvicorn.Server):
    """Says that it serves when it does, and not before it has an answer to Ctrl-C."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


async def _healthz(request: Request) -> JSONResponse:
    """Answer those who watch over processes."""
    del request
    return JSONResponse({"status": "ok"})
