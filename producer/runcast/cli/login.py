"""`runcast login`: keep the token of a service elsewhere, so that programs and commands show it without a variable."""

from __future__ import annotations

import os
from pathlib import Path

import click

from runcast import settings
from runcast.cli.place import directory_option, server_option
from runcast.service import Service


@click.command()
@click.argument("token", required=False)
@click.option("--forget", is_flag=True, help="Delete the token that was kept.")
@server_option
@directory_option
def login(token: str | None, forget: bool, server: str | None, directory: Path) -> None:
    """Keep the TOKEN of a service, once it takes it; asked for when it is not given.

    A service on this machine asks for none unless it was started with one. W&B's keys are not needed.
    """
    path = directory / settings.LOGIN
    if forget:
        path.unlink(missing_ok=True)
        click.echo(f"no token is kept in {directory}")
        return
    if token is None:
        token = click.prompt("Token", hide_input=True)
    service = Service.find(server, directory)
    Service(service.url, token).projects()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(f"{token}\n")
    fresh.replace(path)
    click.echo(f"{service.url} takes it; it is kept in {path}, which only you may read")
    if name := next((name for name in (settings.TOKEN, settings.TOKEN_FILE) if os.environ.get(name)), None):
        click.echo(f"{name} is set, and goes before it")
