"""Write a mode into a directory's settings file; the rest of the file stays as it is."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click

from runcast import settings

_LINE = re.compile(r"^\s*mode\s*=.*\n?", re.MULTILINE)


def keep_mode(directory: Path, mode: str) -> None:
    """Let every training of a directory begin in a mode, and say what goes before it."""
    path = directory / settings.FILE
    settings.read_file(path)  # One that cannot be read is not written either: UsageError.
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    line = f'mode = "{mode}"\n'
    text = _LINE.sub(line, text, count=1) if _LINE.search(text) else line + text
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
    click.echo(f"trainings begin {mode} from now on, as {path} says")
    now = settings.resolve(os.environ | {settings.DIR: str(directory)})
    if now.sources["mode"] in os.environ:
        click.echo(f"{now.sources['mode']} is set, and goes before it: they begin {now.mode}")
