"""`runcast install-shim`: let every program of this Python find Runcast by `import wandb`."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import click

from runcast.shim.distribution import install


@click.command()
@click.option(
    "--target",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder of packages; default: this Python's own.",
)
def install_shim(target: Path | None) -> None:
    """Let every program of this Python find Runcast by `import wandb`.

    Puts a distribution named wandb beside the installed packages. It refuses where another one is installed.
    """
    folder = (target or Path(sysconfig.get_path("purelib"))).absolute()
    install(folder)
    click.echo(f"`import wandb` finds Runcast now, in {folder}; `runcast uninstall-shim` takes it away")
