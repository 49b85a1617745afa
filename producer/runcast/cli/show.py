"""`runcast show`: one run."""

from __future__ import annotations

import json
from collections.abc import Mapping

import click

from runcast.cli import table
from runcast.cli.place import server_option
from runcast.service import Service

_APART = frozenset({"config", "summary", "writers", "keys", "lost"})
_SYSTEM = "_system/"  # Samples of the machine: not what the program said.
_MOMENTS = frozenset({"created", "updated", "started", "finished"})


@click.command()
@click.argument("run", metavar="PROJECT/RUN")
@click.option("--json", "as_json", is_flag=True, help="The whole object, as the API gives it.")
@server_option
def show(run: str, as_json: bool, server: str | None) -> None:
    """Show one run: state, config, summary.

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
    summary: Mapping[str, object] = found.get("summary") or {}
    _print("config", found.get("config") or {})
    _print("summary", {key: value for key, value in summary.items() if not key.startswith(_SYSTEM)})
    _print(
        "system, at the end",
        {key.removeprefix(_SYSTEM): value for key, value in summary.items() if key.startswith(_SYSTEM)},
    )
    if lost := found.get("lost"):
        click.secho(f"\n{lost} rows are known to be lost: its trainer had no room for them", fg="red")


def _print(title: str, values: Mapping[str, object]) -> None:
    if title and values:
        click.echo(f"\n{click.style(title, bold=True)}")
    keys = {key: table.plain(key) for key in values}
    width = max(map(len, keys.values()), default=0)
    for key, value in values.items():
        click.echo(f"  {keys[key]:<{width}}  {table.plain(_said(key, value))}")


def _said(key: str, value: object) -> str:
    if key in _MOMENTS and isinstance(value, str):
        return table.moment(value)
    if key == "duration" and isinstance(value, int | float):
        return table.duration(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else table.number(value)
