"""`runcast version`."""

from __future__ import annotations

import platform
from importlib.metadata import version as installed

import click


@click.command()
def version() -> None:
    """Print the version of Runcast and of the Python that runs it."""
    click.echo(f"runcast {installed('runcast')} (Python {platform.python_version()}, {platform.system()})")
