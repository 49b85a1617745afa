"""`runcast tail`: rows in the terminal as they are logged."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime

import click

from runcast.cli import table
from runcast.cli.place import server_option
from runcast.service import Service
from runcast.subscription import CaughtUp, Row, RunUpdate, Update, subscribe

WHO_COLUMNS = 24  # A run's name in a line of its rows.


@click.command()
@click.argument("what", metavar="PROJECT[/RUN]")
@click.option(
    "-m",
    "--metric",
    "metrics",
    metavar="NAME",
    multiple=True,
    help="Only this one; may end in *, and be given several times.",
)
@click.option("--all", "everything", is_flag=True, help="Begin with what is stored, instead of with what comes.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a row; NaN and infinities as bare words.")
@server_option
def tail(what: str, metrics: tuple[str, ...], server: str | None, *, everything: bool, as_json: bool) -> None:
    """Print rows as they are logged, until Ctrl-C.

    RUN is a run's id, or its name if no other run of the project has it.

    \b
    runcast tail mnist
    runcast tail mnist/k3v9x2ab -m loss -m 'val/*'
    """
    service = Service.find(server)
    project, run = service.split(what)
    say_missing(service, project)
    # The service of this machine is looked up again after a cut: it may come back at another port.
    url = service.url if server else None
    updates = subscribe(
        project, run, metrics or None, url=url, token=service.token, from_now=not everything, on_cut=say_away
    )
    asyncio.run(_follow(updates, as_json=as_json))


def say_missing(service: Service, project: str) -> None:
    """Say on stderr that a project is not there yet, and that it is waited for."""
    if all(each["name"] != project for each in service.projects()):
        click.secho(
            f"there is no project {table.plain(project)!r} yet; its rows come here once there is", dim=True, err=True
        )


def say_away(why: str) -> None:
    """Say on stderr that the service went away, and that it is waited for."""
    click.secho(f"{table.plain(why)} What comes meanwhile is shown when it is back.", dim=True, err=True)


async def _follow(updates: AsyncIterator[Update], *, as_json: bool) -> None:
    states: dict[str, str] = {}
    live = False
    async with aclosing(updates) as following:  # type: ignore[type-var]
        async for update in following:
            if isinstance(update, Row):
                click.echo(as_line(update) if as_json else _line(update))
            elif isinstance(update, CaughtUp):
                live = True
                if not as_json:
                    click.secho("live; Ctrl-C ends it", dim=True, err=True)
            elif isinstance(update, RunUpdate):
                if live and not as_json and states.get(update.run) != update.state:
                    click.secho(f"{table.plain(update.name)} ({update.run}) is {update.state}", dim=True, err=True)
                states[update.run] = update.state


def as_line(row: Row) -> str:
    """Write a row as one line of JSON."""
    own = {"_run": row.run, "_step": row.step, "_timestamp": row.time}
    return json.dumps(own | ({"_label": row.label} if row.label else {}) | row.values)


def _line(row: Row) -> str:
    at = f"{datetime.fromtimestamp(row.time).astimezone():%H:%M:%S.%f}"[:-3]
    who = f"{row.name or row.run}{f' {row.label}' if row.label else ''}"
    values = "  ".join(f"{table.plain(f'{key}={table.number(value)}')}" for key, value in row.values.items())
    who = table.clip(table.plain(who), WHO_COLUMNS)
    return f"{click.style(at, dim=True)}  {click.style(table.pad(who, WHO_COLUMNS), bold=True)} {row.step:>7}  {values}"
