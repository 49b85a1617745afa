"""`runcast sync`: send what dead processes left in their journals."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import click

from runcast import discovery, settings
from runcast.cli import table
from runcast.cli.progress import Progress, bar
from runcast.drain import DrainReport, drain, journals
from runcast.errors import ServerMissing, UsageError

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
    if url is not None and not url.startswith(settings.URL_SCHEMES):
        raise UsageError(f"--url is {url!r}; it begins with one of {', '.join(settings.URL_SCHEMES)}")
    url = url or given.url
    found = discovery.read(directory) or discovery.read(given.directory)
    if url is None and found is None:
        raise ServerMissing("nowhere to send to: start the service with `runcast up`, or set RUNCAST_URL or --url")

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
    try:
        with Progress() as progress:
            report = drain(
                directory,
                find_url,
                wait_seconds=WAIT_SECONDS,
                progress=lambda path, stored, events: progress.show(
                    f"{bar(stored, events)} {max(stored, 0)}/{events} {path}"
                ),
                stopping=lambda: interrupted,
            )
    finally:
        signal.signal(signal.SIGINT, before)
    _tell(report, directory, interrupted=interrupted)
    if interrupted:
        raise click.Abort
    sys.exit(1 if report.waiting or report.unreadable else 0)


def _tell(report: DrainReport, directory: Path, *, interrupted: bool) -> None:
    for path in report.runs:
        click.echo(f"stored  {path}")
    for folder in report.waiting:
        if not interrupted:
            click.echo(f"waiting {folder}: not stored; is the service running? see `runcast status`", err=True)
    for folder, reason in report.unreadable.items():
        click.echo(f"unreadable {folder}: {reason}", err=True)
    left = len(journals(directory)) - len(report.unreadable)
    if interrupted:
        rest = f"; interrupted, {left} left" if left else ""
    else:
        living = left - len(report.waiting)
        rest = f"; {table.count(living, 'more belongs', 'more belong')} to processes that run" if living > 0 else ""
    sent = f"{table.count(len(report.runs), 'journal')} sent, {table.count(report.events, 'event')}"
    click.echo(f"{sent if report.runs or report.waiting or report.unreadable else 'nothing to send'}{rest}")
