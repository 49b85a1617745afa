"""`runcast status`: whether the service runs, and how it is."""

from __future__ import annotations

import os
import sys
import time

import click

from runcast import discovery, settings
from runcast.cli import table
from runcast.cli.api import Refused, Service
from runcast.drain import journals
from runcast.errors import ServerMissing


@click.command()
def status() -> None:
    """Say whether the service runs, where, and how it is; status 1 when it does not."""
    directory = settings.directory(os.environ)
    click.echo(f"directory  {directory}")
    click.echo(f"journals   {len(journals(directory))} not stored to the end")
    found = discovery.read(directory)
    if found is None:
        click.echo("service    not running; start it with `runcast up`")
        sys.exit(1)
    age = table.duration(time.time() - found.started / 1e9) if found.started else "some time"
    click.echo(f"service    {found.url}, process {found.pid}, for {age}")
    service = Service(found.url, settings.read_token(os.environ))
    try:
        for word, path in (("alive", "/healthz"), ("ready", "/readyz")):
            said = service.get(path)
            click.echo(f"{word:<10} yes" + (f"  {_line(said)}" if isinstance(said, dict) else ""))
    except (Refused, ServerMissing) as error:
        click.echo(f"           {error}", err=True)
        sys.exit(1)


def _line(said: dict[str, object]) -> str:
    return "  ".join(f"{key}={value}" for key, value in said.items() if not isinstance(value, dict | list))
