"""`runcast export`: a run's rows, as a file for another program."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import IO

import click

from runcast.cli import table
from runcast.cli.place import server_option
from runcast.cli.progress import Progress
from runcast.errors import UsageError
from runcast.service import Service, run_path

FORMATS = ("csv", "parquet", "jsonl")
_PIECE_BYTES = 1 << 16


@click.command()
@click.argument("run", metavar="PROJECT/RUN")
@click.option("--format", "kind", type=click.Choice(FORMATS), help="Default: what the file's name ends with, else csv.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="The file; default, and -: stdout.",
)
@server_option
def export(run: str, kind: str | None, output: Path | None, server: str | None) -> None:
    """Write a run's rows as CSV, Parquet or JSON lines.

    RUN is the run's id, or its name if no other run of the project has it.

    \b
    runcast export mnist/k3v9x2ab -o run.parquet
    runcast export mnist/k3v9x2ab --format jsonl | head
    """
    if output == Path("-"):
        output = None
    kind = kind or _kind(output)
    if output is None and kind == "parquet" and sys.stdout.isatty():
        raise click.UsageError("Parquet is not for a terminal; name a file with -o")
    service = Service.find(server)
    project, run_id = service.locate(run)
    with service.open(f"{run_path(project, run_id)}/export", format=kind) as answer:
        if output is None:
            if sys.stdout.isatty():
                for line in answer:  # Somebody reads it: what was logged must not steer the terminal.
                    click.echo(table.plain(line.decode(errors="replace").rstrip("\r\n")))
            else:
                shutil.copyfileobj(answer, sys.stdout.buffer)
            return
        try:
            written = _write(answer, output)
        except OSError as error:
            raise UsageError(f"cannot write {output}: {error.strerror or error}") from error
    click.echo(f"{output}: {table.size(written)}", err=True)


def _kind(output: Path | None) -> str:
    """Find the format in a file's name; raises UsageError where the name says another."""
    suffix = output.suffix.lstrip(".").lower() if output is not None else ""
    kind = {"": FORMATS[0], "ndjson": "jsonl"}.get(suffix, suffix)
    if kind not in FORMATS:
        raise UsageError(f"{output} is to be .{suffix}; what there is: {', '.join(FORMATS)}. Say which with --format")
    return kind


def _write(answer: IO[bytes], output: Path) -> int:
    """Write a file that is whole as soon as it is there: a broken download leaves nothing behind."""
    partial = output.with_name(f".{output.name}.part")
    written = 0
    try:
        with Progress() as progress, partial.open("wb") as file:
            while piece := answer.read(_PIECE_BYTES):
                written += file.write(piece)
                progress.show(table.size(written))
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)
    return written
