"""`runcast status`: whether the service runs, and how it is."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from runcast import discovery, settings
from runcast.cli import table
from runcast.cli.place import directory_option
from runcast.drain import journals
from runcast.errors import ServerMissing
from runcast.service import Refused, Service


@click.command()
@directory_option
def status(directory: Path) -> None:
    """Say whether the service runs, where, and how it is; status 1 when it does not."""
    click.echo(f"directory  {directory}")
    found = discovery.read(directory)
    if found is None:
        click.echo("service    not running; start it with `runcast up`")
    else:
        age = f", for {table.duration(time.time() - found.started / 1e9)}" if found.started else ""
        click.echo(f"service    {found.url}, process {found.pid}{age}")
    count = len(journals(directory))
    click.echo(f"journals   {count or 'none'}{' of trainings that run, or that wait to be stored' if count else ''}")
    if found is None:
        sys.exit(1)
    try:
        click.echo(f"health     {_health(Service(found.url, settings.read_token(os.environ)).get('/readyz'))}")
    except (Refused, ServerMissing) as error:
        click.secho(f"health     {error}", fg="red")
        sys.exit(1)


def _health(said: Mapping[str, Any]) -> str:
    return (
        f"{said.get('status', 'ready')}: {table.size(said.get('waiting_bytes', 0))} wait to be stored, "
        f"{table.count(said.get('viewers', 0), 'live viewer')}"
    )
