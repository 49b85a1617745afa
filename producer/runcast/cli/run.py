"""`runcast run`: one program whose `import wandb` finds Runcast, with nothing installed."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import click

from runcast.errors import UsageError
from runcast.shim.distribution import SITE

PATH = "PYTHONPATH"


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("-m", "module", metavar="MODULE", help="Run a module, as `python -m` does.")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[PROGRAM] [ARGUMENTS]…")
def run(module: str | None, words: tuple[str, ...]) -> None:
    """Run a program whose `import wandb` finds Runcast.

    PROGRAM is a Python file, or a command such as torchrun; what it starts finds Runcast too. Nothing is
    installed, and an official client that is installed stays as it is.

    \b
    runcast run train.py --epochs 3
    runcast run -m my_package.train
    runcast run torchrun --nproc-per-node 8 train.py
    """
    command = _command(module, words)
    environ = dict(os.environ)
    environ[PATH] = os.pathsep.join(filter(None, (str(SITE), environ.get(PATH))))
    try:
        # The program takes this one's place: its signals and its status are its own.
        os.execve(command[0], command, environ)  # noqa: S606
    except OSError as error:
        raise UsageError(f"{command[0]} cannot be run: {error.strerror}") from error


def _command(module: str | None, words: tuple[str, ...]) -> list[str]:
    if module is not None:
        return [sys.executable, "-m", module, *words]
    if not words:
        raise UsageError("runcast run what? `runcast run train.py`, or `runcast run -m package.module`")
    program = words[0]
    if Path(program).exists() and (Path(program).is_dir() or program.endswith((".py", ".pyz"))):
        return [sys.executable, *words]
    if found := shutil.which(program):
        return [found, *words[1:]]
    raise UsageError(f"there is neither a file nor a command {program!r}")
