"""`runcast status`: whether the service runs, how it is, and what trainings are told."""

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
from runcast.surroundings.secrets import MASK, mask_text


@click.command()
@directory_option
def status(directory: Path) -> None:
    """Say whether the service runs, how it is, and which settings come from where; status 1 when it does not."""
    click.echo(f"directory  {directory}")
    found = discovery.read(directory)
    if found is None:
        click.echo("service    not running; start it with `runcast up`")
    else:
        age = f", for {table.duration(time.time() - found.started / 1e9)}" if found.started else ""
        click.echo(f"service    {found.url}, process {found.pid}{age}")
    count = len(journals(directory))
    click.echo(f"journals   {count or 'none'}{' of trainings that run, or that wait to be stored' if count else ''}")
    _tell_settings(directory)
    if found is None:
        sys.exit(1)
    try:
        click.echo(f"health     {_health(Service(found.url, settings.token_of(os.environ, directory)).get('/readyz'))}")
    except (Refused, ServerMissing) as error:
        click.secho(f"health     {error}", fg="red")
        sys.exit(1)


def _tell_settings(directory: Path) -> None:
    """Say which settings trainings of this directory have, and where each comes from."""
    told = settings.resolve(os.environ | {settings.DIR: str(directory)})
    if told.token:
        named = next((name for name in (settings.TOKEN, settings.TOKEN_FILE) if os.environ.get(name)), None)
        click.echo(f"{'token':<10} {MASK}  ({named or directory / settings.LOGIN})")
    for name, source in told.sources.items():
        if source != settings.DEFAULT:
            value = getattr(told, name)
            shown = ", ".join(value) if isinstance(value, tuple) else str(value)
            click.echo(f"{name:<10} {table.plain(mask_text(shown))}  ({source})")
    for name in settings.ELSEWHERE:
        if os.environ.get(name):
            click.secho(f"{name} is of W&B's own server, and not looked at", dim=True)


def _health(said: Mapping[str, Any]) -> str:
    return (
        f"{said.get('status', 'ready')}: {table.size(said.get('waiting_bytes', 0))} wait to be stored, "
        f"{table.count(said.get('viewers', 0), 'live viewer')}"
    )
