"""`runcast up`: the service and the dashboard in one process, on one port."""

from __future__ import annotations

from pathlib import Path

import click

from runcast.cli.group import load
from runcast.cli.place import directory_option


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), metavar="PORT", help="The port; 0: any that is free.  [default: 8484]"
)
@click.option(
    "--host", metavar="ADDRESS", help="The address; others than loopback demand RUNCAST_TOKEN.  [default: 127.0.0.1]"
)
@directory_option
@click.option("--no-dashboard", "bare", is_flag=True, help="The API and the live websocket alone.")
@click.option("--detach", is_flag=True, help="Leave it running in the background; `runcast down` stops it.")
@click.option("--open/--no-open", "opens", default=False, help="Open the dashboard in a browser.")
def up(port: int | None, host: str | None, directory: Path, *, bare: bool, detach: bool, opens: bool) -> None:
    """Start the service and the dashboard.

    Trainings on this machine find it by themselves. What they logged before is taken in, and so is what a training
    that was killed has left. Without RUNCAST_URL it brings its own stream server.

    \b
    runcast up
    runcast up --detach --port 8500
    RUNCAST_TOKEN_FILE=token runcast up --host 0.0.0.0
    """
    load("runcast.cli.serving", "up").start(directory, host, port, bare=bare, detach=detach, opens=opens)
