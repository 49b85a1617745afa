"""`runcast export`: a run's rows, as a file for another program."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click

from runcast.cli import table
from runcast.cli.api import Service, run_path, server_option
from runcast.names import split_path

FORMATS = ("csv", "parquet", "jsonl")
_PIECE_BYTES = 1 << 16


@click.command()
@click.argument("run", metavar="PROJECT/RUN")
@click.option("--format", "kind", type=click.Choice(FORMATS), help="Default: what the file's name ends with, else csv.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="The file; default: stdout.")
@server_option
def export(run: str, kind: str | None, output: Path | None, server: str | None) -> None:
    """Write a run's rows as CSV, Parquet or JSON lines.

    \b
    runcast export mnist/k3v9x2ab -o run.parquet
    runcast export mnist/k3v9x2ab --format jsonl | head
    """
    suffix = output.suffix.lstrip(".") if output is not None else ""
    kind = kind or (suffix if suffix in FORMATS else "csv")
    if output is None and kind == "parquet" and sys.stdout.isatty():
        raise click.UsageError("Parquet is not for a terminal; name a file with -o")
    project, run_id = split_path(run)
    with Service.find(server).open(f"{run_path(project, run_id)}/export", format=kind) as answer:
        if output is None:
            shutil.copyfileobj(answer, sys.stdout.buffer)
            return
        # A file that is there is a whole one: a broken download leaves nothing behind.
        partial = output.with_name(f".{output.name}.part")
        try:
            with partial.open("wb") as file:
                written = 0
                while piece := answer.read(_PIECE_BYTES):
                    written += file.write(piece)
                    if sys.stderr.isatty():
                        click.echo(f"\r{table.size(written)} ", err=True, nl=False)
            partial.replace(output)
        finally:
            partial.unlink(missing_ok=True)
    click.echo(f"{output}: {table.size(written)}", err=True)
