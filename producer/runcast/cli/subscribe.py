"""`runcast subscribe`: rows as JSON lines, for the next program of a pipe."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

import click

from runcast import expressions
from runcast.cli.place import server_option
from runcast.cli.tail import as_line, say_away, say_missing
from runcast.conditions import Condition, fits
from runcast.service import Service
from runcast.subscription import Row, RunUpdate, Update
from runcast.subscription import subscribe as follow


@click.command()
@click.argument("what", metavar="PROJECT[/RUN]")
@click.option("--where", metavar="FILTER", help="Only rows that fit, such as 'loss > 3'.")
@click.option(
    "-m",
    "--metric",
    "metrics",
    metavar="NAME",
    multiple=True,
    help="Only this one; may end in *, and be given several times. What FILTER speaks of has to be among them.",
)
@click.option("--all", "everything", is_flag=True, help="Begin with what is stored, instead of with what comes.")
@server_option
def subscribe(what: str, where: str | None, metrics: tuple[str, ...], server: str | None, *, everything: bool) -> None:
    """Give rows as JSON lines, one a row, until Ctrl-C; each row once, however often the service goes away.

    In FILTER a name is a key of the row (`_step` too; `metric."any name"` where it has spaces), config.KEY and
    summary.KEY are its run's. NaN and infinities are bare words, as Python's json reads them.

    \b
    runcast subscribe mnist --where 'loss > 3' | jq
    runcast subscribe mnist --where 'loss == nan and config.lr > 0.1'
    runcast subscribe mnist/k3v9x2ab --all -m 'val/*' > val.jsonl
    """
    condition = expressions.parse(where, now=time.time(), logged=True) if where is not None else None
    service = Service.find(server)
    project, run = service.split(what)
    say_missing(service, project)
    url = service.url if server else None  # One of this machine may come back at another port.
    updates = follow(
        project, run, metrics or None, url=url, token=service.token, from_now=not everything, on_cut=say_away
    )
    asyncio.run(_give(updates, condition))


async def _give(updates: AsyncIterator[Update], condition: Condition | None) -> None:
    runs: dict[str, RunUpdate] = {}
    async with aclosing(updates) as following:  # type: ignore[type-var]
        async for update in following:
            if isinstance(update, RunUpdate):
                runs[update.run] = update
            elif isinstance(update, Row) and (
                condition is None or fits(asked(update, runs.get(update.run)), condition)
            ):
                sys.stdout.write(as_line(update) + "\n")
                sys.stdout.flush()


def asked(row: Row, run: RunUpdate | None) -> Mapping[str, Any]:
    """Put a row as filters ask it."""
    own = {"_step": row.step, "_timestamp": row.time, "_run": row.run, "_name": row.name, "_label": row.label}
    about = {"config": run.config, "summary": run.summary} if run is not None else {}
    return {"metric": own | row.values} | about
