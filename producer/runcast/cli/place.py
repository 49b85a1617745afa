"""Which directory a command is about, and which service: those that are named, else RUNCAST_DIR and what runs there."""

from __future__ import annotations

import os
from pathlib import Path

import click

from runcast import settings


def _choose(context: click.Context, parameter: click.Parameter, given: Path | None) -> Path:
    del context, parameter
    return given.expanduser().absolute() if given is not None else settings.directory(os.environ)


directory_option = click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    callback=_choose,
    help="Which directory; default: RUNCAST_DIR, else ~/.runcast.",
)

SERVER = "RUNCAST_SERVER"
server_option = click.option(
    "--server", envvar=SERVER, metavar="URL", help="Where the service is; default: the one that runs on this machine."
)
