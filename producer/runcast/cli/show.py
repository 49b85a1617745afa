"""`runcast show`: one run."""

from __future__ import annotations

import json
from collections.abc import Mapping

import click

from runcast.cli import table
from runcast.cli.place import server_option
from runcast.service import Service, run_path

CONSOLE_LINES = 10
_APART = frozenset({"config", "summary", "metrics", "facts", "writers", "keys", "lost"})
_MOMENTS = frozenset({"created", "updated", "started", "finished"})


@click.command()
@click.argument("run", metavar="PROJECT/RUN")
@click.option("--json", "as_json", is_flag=True, help="The whole object, as the API gives it.")
@server_option
def show(run: str, as_json: bool, server: str | None) -> None:
    """Show one run: state, config, summary, surroundings, and the end of what it printed.

    RUN is the run's id, or its name if no other run of the project has it.

    \b
    runcast show mnist/k3v9x2ab
    runcast show mnist/wise-river-7
    """
    service = Service.find(server)
    found = service.run(*service.locate(run))
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    _print("", {key: value for key, value in found.items() if key not in _APART and value not in (None, "", [], {})})
    for part in ("config", "summary", "metrics", "facts"):
        _print(part, found.get(part) or {})
    lines = service.get(f"{run_path(found['project'], found['id'])}/console", limit=CONSOLE_LINES)["lines"]
    if lines:
        click.echo(f"\n{click.style('console, the last lines', bold=True)}")
    for line in lines:
        click.echo(f"  {table.plain(line['text'])}")
    if lost := found.get("lost"):
        click.secho(f"\n{lost} rows are known to be lost: its trainer had no room for them", fg="red")


def _print(title: str, values: Mapping[str, object]) -> None:
    if title and values:
        click.echo(f"\n{click.style(title, bold=True)}")
    keys = {key: table.plain(key) for key in values}
    columns = max(map(table.width, keys.values()), default=0)
    for key, value in values.items():
        click.echo(f"  {table.pad(keys[key], columns)}  {table.plain(_said(key, value))}")


def _said(key: str, value: object) -> str:
    if key in _MOMENTS and isinstance(value, str):
        return table.moment(value)
    if key == "duration" and isinstance(value, int | float):
        return table.duration(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else table.number(value)
