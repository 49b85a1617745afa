"""`runcast doctor`: read everything again that is stored, and say what is wrong."""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from pathlib import Path

import click

from runcast.cli import table
from runcast.cli.place import directory_option
from runcast.cli.progress import Progress, bar
from runcast.drain import journals
from runcast.errors import MalformedEntry, StoreUnavailable
from runcast.journal import hold
from runcast.reader import Reader
from runcast_ingest.store import CheckReport
from runcast_ingest.store.checker import check
from runcast_ingest.store.schema import APPLICATION_ID, MIGRATIONS, connect

DATABASE = "runcast.db"
SHOWN_MAX = 50


@click.command()
@directory_option
def doctor(directory: Path) -> None:
    """Re-read everything that is stored and check it.

    Every checksum of the store, every writer's rows against its mark, what is in quarantine, and every record of the
    journals. It only reads, while the service runs or not. Status 1 when something is wrong, and it says what.
    """
    problems = _check_store(directory / DATABASE) + _check_journals(journals(directory))
    for problem in problems[:SHOWN_MAX]:
        click.echo(f"{click.style('WRONG', fg='red')}     {table.plain(str(problem))}")
    if len(problems) > SHOWN_MAX:
        click.echo(f"          and {len(problems) - SHOWN_MAX} more")
    if problems:
        click.secho(
            f"{table.count(len(problems), 'thing is', 'things are')} wrong, listed above; everything else is well",
            fg="red",
        )
    else:
        click.secho("all is well", fg="green")
    sys.exit(1 if problems else 0)


def _check_store(path: Path) -> list[str]:
    """Read the database and say how much it was; what is wrong comes back as sentences."""
    if not path.exists():
        click.echo(f"store     none yet at {path}")
        return []
    begun = time.monotonic()
    try:
        report = _read(path)
    except StoreUnavailable as error:
        click.echo(f"store     {path}: cannot be checked")
        return [str(error)]
    click.echo(
        f"store     {path}: {table.count(report.events, 'event')} of "
        f"{table.count(report.writers, 'process', 'processes')}, "
        f"{table.count(report.blobs, 'checksum')} over {table.size(report.bytes)}, "
        f"read in {time.monotonic() - begun:.1f} s"
    )
    return report.problems + [
        f"quarantine: {count} stream entries that could not be stored ({kind}); see /api/v1/health"
        for kind, count in report.quarantine.items()
    ]


def _read(path: Path) -> CheckReport:
    """Walk over the database; raises StoreUnavailable when it is none of ours, too new, or no database any more."""
    try:
        connection = connect(path, readonly=True)
        try:
            _recognise(connection, path)
            with Progress() as progress:
                return check(
                    connection,
                    lambda done, total, what: progress.show(f"store     {bar(done, total)} {done}/{total} {what}"),
                )
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise StoreUnavailable(f"the database at {path} cannot be read: {error}; restore it from a backup") from error


def _recognise(connection: sqlite3.Connection, path: Path) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != APPLICATION_ID:
        raise StoreUnavailable(f"the file at {path} is no Runcast database; choose another RUNCAST_DIR")
    if version > len(MIGRATIONS):
        raise StoreUnavailable(
            f"the database at {path} has version {version}; upgrade Runcast, it knows {len(MIGRATIONS)}"
        )


def _check_journals(found: list[Path]) -> list[str]:
    """Read the journals of dead processes; those of the living are still being written."""
    problems, living, events = [], 0, 0
    with Progress() as progress:
        for number, path in enumerate(found):
            try:
                lock = hold(path)
            except OSError:
                living += 1
                continue
            try:
                reader = Reader(path)
                try:
                    before = events - reader.next
                    while reader.take()[1]:
                        events = before + reader.next
                        progress.show(f"journals  {bar(number, len(found))} {number}/{len(found)}, {events} events")
                    if reader.lost:
                        damaged = table.count(reader.lost, "event is", "events are")
                        problems.append(
                            f"journal {path}: {damaged} damaged and will be shown as lost; the others are whole"
                        )
                    if reader.torn:
                        problems.append(f"journal {path}: {reader.torn} bytes at its end are no whole record")
                finally:
                    reader.close()
            except (MalformedEntry, OSError) as error:
                problems.append(f"journal {path}: {error}")
            finally:
                os.close(lock)
    waiting = f"{table.count(len(found) - living, 'waits', 'wait')} to be stored with {table.count(events, 'event')}"
    click.echo(f"journals  {f'{living} of trainings that run, {waiting}' if found else 'none'}")
    return problems
