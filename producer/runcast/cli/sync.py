"""`runcast sync`: send what dead processes left in their journals."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click

from runcast import settings
from runcast.cli import table
from runcast.cli.progress import Progress, bar
from runcast.cli.sending import destination, interruptible, service_of, url_option
from runcast.drain import JOURNALS, DrainReport, drain, journals
from runcast.errors import UsageError
from runcast.ports import wandb_file

WAIT_SECONDS = 60.0
LOOK_SECONDS = 2.0  # Between two looks of --watch.


@click.command()
@click.argument("directory", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@url_option
@click.option("--watch", is_flag=True, help="Go on: send what processes leave from now on, until Ctrl-C.")
def sync(directory: Path | None, url: str | None, *, watch: bool) -> None:
    """Send journals that dead processes left behind.

    DIRECTORY is a Runcast directory, default RUNCAST_DIR. Runs that go on are left alone; doing it twice stores
    nothing twice. Ctrl-C stops between two steps and keeps what is not yet stored.

    \b
    runcast sync
    runcast sync /scratch/runcast --watch
    RUNCAST_URL=rediss://redis.example.org runcast sync
    """
    given = settings.Settings.from_env(os.environ)
    directory = (directory or given.directory).absolute()
    if not (directory / JOURNALS).is_dir() and (theirs := next(directory.glob(f"**/*{wandb_file.SUFFIX}"), None)):
        raise UsageError(f"{theirs} was written by W&B's client; bring it in with `runcast import wandb {directory}`")
    find_url = destination(url, given, directory, given.directory)
    with interruptible() as interrupted:
        report = _drain(directory, find_url, given, interrupted)
        _tell(report, directory, interrupted=interrupted())
        while watch and not interrupted():
            time.sleep(LOOK_SECONDS)
            report = _drain(directory, find_url, given, interrupted)
            if report.runs or report.unreadable:
                _tell(report, directory, interrupted=interrupted())
        if interrupted() and not watch:
            raise click.Abort
    sys.exit(1 if report.waiting or report.unreadable else 0)


def _drain(
    directory: Path, find_url: Callable[[], str | None], given: settings.Settings, stopping: Callable[[], bool]
) -> DrainReport:
    with Progress() as progress:

        def show(path: str, stored: int, events: int) -> None:
            progress.show(f"{bar(stored, events)} {max(stored, 0)}/{events} {path}")

        return drain(
            directory,
            find_url,
            find_service=service_of(find_url, given, directory, given.directory),
            token=given.token,
            wait_seconds=WAIT_SECONDS,
            progress=show,
            stopping=stopping,
        )


def _tell(report: DrainReport, directory: Path, *, interrupted: bool) -> None:
    for path in report.runs:
        click.echo(f"stored  {table.plain(path)}")
    for folder in report.waiting:
        if not interrupted:
            click.echo(f"waiting {folder}: not stored; is the service running? see `runcast status`", err=True)
    for folder, reason in report.unreadable.items():
        click.echo(table.plain(f"unreadable {folder}: {reason}"), err=True)
    for reason in report.refused:
        click.echo(table.plain(f"a file was not taken: {reason}"), err=True)
    left = len(journals(directory)) - len(report.unreadable)
    if interrupted:
        rest = f"; interrupted, {left} left" if left else ""
    else:
        living = left - len(report.waiting)
        rest = f"; {table.count(living, 'more belongs', 'more belong')} to processes that run" if living > 0 else ""
    sent = f"{table.count(len(report.runs), 'journal')} sent, {table.count(report.events, 'event')}"
    if report.files:
        sent = f"{sent}, {table.count(report.files, 'file')}"
    click.echo(f"{sent if report.runs or report.waiting or report.unreadable else 'nothing to send'}{rest}")
