"""`runcast sync`: send what dead processes left in their journals."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import click

from runcast import discovery, settings
from runcast.drain import DrainReport, drain, journals
from runcast.errors import ServerMissing

WAIT_SECONDS = 60.0


@click.command()
@click.argument("directory", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--url", metavar="REDIS", help="Where to send; default: RUNCAST_URL, else the server on this machine.")
def sync(directory: Path | None, url: str | None) -> None:
    """Send journals that dead processes left behind.

    DIRECTORY is a Runcast directory, default RUNCAST_DIR. Runs that go on are left alone; doing it twice stores
    nothing twice. Ctrl-C stops between two steps and keeps what is not yet stored.

    \b
    runcast sync
    RUNCAST_URL=rediss://redis.example.org runcast sync
    """
    given = settings.Settings.from_env(os.environ)
    directory = (directory or given.directory).absolute()
    url = url or given.url
    found = discovery.read(directory) or discovery.read(given.directory)
    if url is None and found is None:
        raise ServerMissing("nothing to send to: start the service with `runcast up`, or set RUNCAST_URL")

    def find_url() -> str | None:
        if url is not None:
            return url
        now = discovery.read(directory) or discovery.read(given.directory)
        return now.redis if now is not None else None

    interrupted = False

    def interrupt(*_: object) -> None:
        nonlocal interrupted
        interrupted = True

    before = signal.signal(signal.SIGINT, interrupt)
    bar = _Bar()
    try:
        report = drain(directory, find_url, wait_seconds=WAIT_SECONDS, progress=bar.show, stopping=lambda: interrupted)
    finally:
        signal.signal(signal.SIGINT, before)
        bar.end()
    _tell(report, directory)
    if interrupted:
        raise click.Abort
    sys.exit(1 if report.waiting or report.unreadable else 0)


def _tell(report: DrainReport, directory: Path) -> None:
    for path in report.runs:
        click.echo(f"stored  {path}")
    for folder in report.waiting:
        click.echo(f"waiting {folder}: not stored; is the service running? see `runcast status`", err=True)
    for folder, reason in report.unreadable.items():
        click.echo(f"unreadable {folder}: {reason}", err=True)
    alive = len(journals(directory)) - len(report.waiting) - len(report.unreadable)
    rest = f"; {alive} more belong to processes that run" if alive > 0 else ""
    click.echo(f"{len(report.runs)} journals sent, {report.events} events{rest}")


class _Bar:
    """A line that says how far the current journal is; only on a terminal."""

    def __init__(self) -> None:
        self._on = sys.stderr.isatty()
        self._shown = False

    def show(self, path: str, stored: int, events: int) -> None:
        """Draw it again."""
        if self._on:
            done = 24 * max(stored, 0) // max(events, 1)
            click.echo(f"\r{path[:40]:<40} {'█' * done}{'░' * (24 - done)} {stored}/{events}\x1b[K", err=True, nl=False)
            self._shown = True

    def end(self) -> None:
        """Leave the line."""
        if self._shown:
            click.echo("\r\x1b[K", err=True, nl=False)
