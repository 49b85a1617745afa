"""`runcast uninstall-shim`: take away what `install-shim` put there."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import click

from runcast.shim.distribution import uninstall


@click.command()
@click.option(
    "--target",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder of packages; default: this Python's own.",
)
def uninstall_shim(target: Path | None) -> None:
    """Take away what `runcast install-shim` put there, and nothing else."""
    folder = (target or Path(sysconfig.get_path("purelib"))).absolute()
    uninstall(folder)
    click.echo(f"`import wandb` does not find Runcast any more in {folder}")
