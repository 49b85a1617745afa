"""`runcast dashboard`: the pages alone, for a service that runs elsewhere."""

from __future__ import annotations

from urllib.parse import urlsplit

import click

from runcast.cli.group import load
from runcast.cli.place import server_option

PORT_DEFAULT = 8485  # Beside the service's own.
LIVE_URL = "RUNCAST_LIVE_URL"


@click.command()
@server_option
@click.option(
    "--live", "live", envvar=LIVE_URL, metavar="URL", help="Where browsers open /live; default: at the service itself."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    default=PORT_DEFAULT,
    show_default=True,
    help="The port; 0: any that is free.",
)
@click.option(
    "--host",
    metavar="ADDRESS",
    default="127.0.0.1",
    show_default=True,
    help="The address; others than loopback demand RUNCAST_TOKEN.",
)
@click.option("--open/--no-open", "opens", default=False, help="Open the page in a browser.")
def dashboard(server: str | None, live: str | None, port: int, host: str, *, opens: bool) -> None:
    """Start the dashboard alone, for a service elsewhere.

    Both are given the same token. The service must know the dashboard's address, because a browser tells it where a
    page came from: RUNCAST_ORIGINS=https://dash.example.org there.

    \b
    runcast dashboard --server http://10.0.0.5:8484
    runcast dashboard --server http://10.0.0.5:8484 --live wss://runs.example.org/live
    """
    if live is not None and urlsplit(live).scheme not in {"ws", "wss"} and not live.startswith("/"):
        raise click.UsageError(f"--live is {live!r}; it begins with ws://, wss:// or /")
    load("runcast.cli.apart", "dashboard").start(server, live, host, port, opens=opens)
