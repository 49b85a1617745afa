"""`runcast online`: let trainings publish again."""

from __future__ import annotations

from pathlib import Path

import click

from runcast.cli.mode import keep_mode
from runcast.cli.place import directory_option


@click.command()
@directory_option
def online(directory: Path) -> None:
    """Publish again, after `runcast offline`."""
    keep_mode(directory, "online")
