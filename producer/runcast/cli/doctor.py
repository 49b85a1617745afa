"""`runcast doctor`: read everything again that is stored, and say what is wrong."""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from pathlib import Path

import click

from runcast import settings
from runcast.cli import table
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
def doctor() -> None:
    """Re-read everything that is stored and check it.

    Every checksum of the store, every writer's rows against its mark, what is in quarantine, and every record of the
    journals. It only reads, while the service runs or not. Status 1 when something is wrong, and it says what.
    """
    directory = settings.directory(os.environ)
    path = directory / DATABASE
    begun = time.monotonic()
    problems = []
    if path.exists():
        report = _check(path)
        problems += report.problems
        click.echo(
            f"store       {path}: {report.writers} writers, {report.events} events, {report.blobs} parts, "
            f"{table.size(report.bytes)}, read in {time.monotonic() - begun:.1f} s"
        )
        for kind, count in report.quarantine.items():
            problems.append(f"quarantine: {count} stream entries that could not be stored ({kind}); see /api/v1/health")
    else:
        click.echo(f"store       none yet at {path}")
    problems += _check_journals(directory)
    for problem in problems[:SHOWN_MAX]:
        click.secho(f"WRONG       {problem}", fg="red")
    if len(problems) > SHOWN_MAX:
        click.secho(f"            and {len(problems) - SHOWN_MAX} more", fg="red")
    click.echo("all is well" if not problems else f"{len(problems)} things are wrong")
    sys.exit(1 if problems else 0)


def _check(path: Path) -> CheckReport:
    """Walk over the database; raises StoreUnavailable when it is none of ours, or too new."""

    def progress(done: int, total: int) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{done} of {total} parts\x1b[K", err=True, nl=False)

    try:
        connection = connect(path, readonly=True)
        try:
            _recognise(connection, path)
            return check(connection, progress)
        finally:
            connection.close()
            if sys.stderr.isatty():
                click.echo("\r\x1b[K", err=True, nl=False)
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


def _check_journals(directory: Path) -> list[str]:
    """Read the journals of dead processes; those of the living are still being written."""
    problems, living, events = [], 0, 0
    found = journals(directory)
    for path in found:
        try:
            lock = hold(path)
        except OSError:
            living += 1
            continue
        try:
            reader = Reader(path)
            try:
                first = reader.next
                while reader.take()[1]:
                    pass
                events += reader.next - first
                if reader.torn:
                    problems.append(f"journal {path}: {reader.torn} bytes at its end cannot be read")
            finally:
                reader.close()
        except (MalformedEntry, OSError) as error:
            problems.append(f"journal {path}: {error}")
        finally:
            os.close(lock)
    click.echo(
        f"journals    {len(found)}: {living} of living processes, {events} events in the others wait to be stored"
    )
    return problems
