"""`runcast dashboard`: the pages alone, for a service that runs elsewhere."""

from __future__ import annotations

import asyncio
import os
from urllib.parse import urlsplit

import click
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from runcast.cli.api import Service, server_option
from runcast.cli.background import open_page
from runcast.gate import Gate
from runcast_dashboard.mount import pages
from runcast_dashboard.settings import DashboardSettings
from runcast_ingest.ports import listen
from runcast_ingest.settings import Settings

PORT_DEFAULT = 8485  # Beside the service's own.
LIVE_URL = "RUNCAST_LIVE_URL"


@click.command()
@server_option
@click.option(
    "--live", "live", envvar=LIVE_URL, metavar="URL", help="Where browsers open /live; default: at the service itself."
)
@click.option("--port", type=click.IntRange(0, 65535), default=PORT_DEFAULT, show_default=True, help="0: any.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address; others than loopback need a token.")
@click.option("--open/--no-open", "opens", default=False, help="Open the page in a browser.")
def dashboard(server: str | None, live: str | None, port: int, host: str, *, opens: bool) -> None:
    """Start the dashboard alone, for a service elsewhere.

    Both are given the same token. The service must know the dashboard's address, because a browser tells it where a
    page came from: RUNCAST_ORIGINS=https://dash.example.org there.

    \b
    runcast dashboard --server http://10.0.0.5:8484
    runcast dashboard --server http://10.0.0.5:8484 --live wss://runs.example.org/live
    """
    settings = Settings.from_env(os.environ, host=host, port=port)
    service = Service.find(server)
    given = DashboardSettings.apart(service.url, settings.token or "")
    if live is not None:
        if urlsplit(live).scheme not in {"ws", "wss"} and not live.startswith("/"):
            raise click.UsageError(f"--live is {live!r}; it begins with ws://, wss:// or /")
        given = DashboardSettings(given.server, given.token, live)
    with listen(settings.host, settings.port) as line:
        app, lifespan = pages(given)
        gate = Gate(
            Starlette(routes=[Route("/healthz", _healthz), Mount("/", app)], lifespan=lifespan),
            token=settings.token,
            hosts=settings.hosts or None,
            origins=settings.origins,
        )
        url = f"http://{settings.host}:{line.getsockname()[1]}"
        click.echo(f"dashboard  {click.style(url, bold=True)}, for the service at {service.url}")
        if opens:
            open_page(url, always=True)
        config = uvicorn.Config(gate, log_level="warning", timeout_graceful_shutdown=5, ws="websockets-sansio")
        asyncio.run(uvicorn.Server(config).serve(sockets=[line]))


async def _healthz(request: Request) -> JSONResponse:
    """Answer those who watch over processes."""
    del request
    return JSONResponse({"status": "ok"})
