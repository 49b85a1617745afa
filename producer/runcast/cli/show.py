"""`runcast show`: one run."""

from __future__ import annotations

import json
from collections.abc import Mapping

import click

from runcast.cli import table
from runcast.cli.api import Service, server_option
from runcast.names import split_path

_APART = frozenset({"config", "summary", "writers", "keys"})


@click.command()
@click.argument("run", metavar="PROJECT/RUN")
@click.option("--json", "as_json", is_flag=True, help="The whole object, as the API gives it.")
@server_option
def show(run: str, as_json: bool, server: str | None) -> None:
    """Show one run: state, config, summary.

    \b
    runcast show mnist/k3v9x2ab
    """
    found = Service.find(server).run(*split_path(run))
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    _print(None, {key: value for key, value in found.items() if key not in _APART and value not in (None, "", [], {})})
    for part in ("config", "summary"):
        _print(part, found.get(part) or {})
    if lost := found.get("lost"):
        click.secho(f"{lost} rows are known to be lost: its trainer had no room for them", fg="red")


def _print(title: str | None, values: Mapping[str, object]) -> None:
    if title is not None:
        click.secho(f"\n{title}" if values else "", bold=True)
    width = max(map(len, values), default=0)
    for key, value in values.items():
        shown = table.moment(str(value)) if key in {"created", "updated", "started", "finished"} else None
        click.echo(f"  {key:<{width}}  {shown or _plain(value)}")


def _plain(value: object) -> str:
    return json.dumps(value, ensure_ascii=True) if isinstance(value, dict | list) else table.number(value)
