"""`runcast offline`: let trainings write to their journals alone."""

from __future__ import annotations

from pathlib import Path

import click

from runcast.cli.mode import keep_mode
from runcast.cli.place import directory_option


@click.command()
@directory_option
def offline(directory: Path) -> None:
    """Publish nothing from now on: runs wait in their journals until `runcast sync`."""
    keep_mode(directory, "offline")
