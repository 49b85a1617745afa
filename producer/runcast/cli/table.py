"""Print what a person reads: columns, durations, sizes."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import click

from runcast.terminal import clip, pad, plain, width

CELL_CHARS_MAX = 40
CELL_CHARS_MIN = 19  # As many as a point of time has, the half of which says nothing: rather leave a column out.
GAP = "  "


def print_table(head: Sequence[str], rows: Iterable[Sequence[object]], *, right: Iterable[int] = ()) -> None:
    """Print rows under a head, as wide as they need; columns in `right` are set flush right.

    On a terminal that is too narrow text is shortened, then columns are left out from the right; a line says which.
    """
    cells = [[clip(plain(str(cell)), CELL_CHARS_MAX) for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(head, *cells, strict=True)]
    flush = set(right)
    if sys.stdout.isatty():
        widths = fit(widths, terminal_width(), flush)
    for number, line in enumerate([list(head), *cells]):
        text = GAP.join(
            pad(clip(cell, columns), columns, right=at in flush)
            for at, (columns, cell) in enumerate(zip(widths, line, strict=False))
        ).rstrip()
        click.echo(click.style(text, bold=True) if number == 0 else text)
    if left_out := head[len(widths) :]:
        click.secho(f"not shown for want of width: {', '.join(left_out)}", dim=True, err=True)


def fit(widths: Sequence[int], room: int, flush: Collection[int] = ()) -> list[int]:
    """Make columns fit: shorten the widest text as far as it still says something, then drop columns from the right."""
    fitting = list(widths)
    while sum(fitting) + len(GAP) * (len(fitting) - 1) > room:
        text = [at for at, columns in enumerate(fitting) if at not in flush and columns > CELL_CHARS_MIN]
        if text:
            fitting[max(text, key=lambda at: fitting[at])] -= 1
        elif len(fitting) > 1:
            fitting.pop()
        else:
            break
    return fitting


def terminal_width() -> int:
    """How many columns the terminal has."""
    return shutil.get_terminal_size((100, 24)).columns


def duration(seconds: float | None) -> str:
    """Say a duration in its two largest units."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours < 48 else f"{hours // 24}d{hours % 24:02}h"


def moment(when: str | float | None) -> str:
    """Say a point of time in this machine's zone; the API writes ISO 8601."""
    if when is None:
        return ""
    at = datetime.fromisoformat(when) if isinstance(when, str) else datetime.fromtimestamp(when).astimezone()
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}"


def number(value: object) -> str:
    """Write a value as short as it reads well."""
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def count(number: int, one: str, many: str = "") -> str:
    """Say how many there are of something."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def size(count: float) -> str:
    """Say how many bytes."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


# What a table is made of, lines need too.
__all__ = [
    "CELL_CHARS_MAX",
    "CELL_CHARS_MIN",
    "GAP",
    "clip",
    "count",
    "duration",
    "fit",
    "moment",
    "number",
    "pad",
    "plain",
    "print_table",
    "size",
    "terminal_width",
    "width",
]
