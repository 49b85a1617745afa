"""Print what a person reads: columns, durations, sizes."""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime

import click

CELL_CHARS_MAX = 40


def print_table(head: Sequence[str], rows: Iterable[Sequence[object]], *, right: Iterable[int] = ()) -> None:
    """Print rows under a head, as wide as they need; columns in `right` are set flush right."""
    cells = [[_clip(str(cell)) for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(head, *cells, strict=True)]
    flush = set(right)
    for number, line in enumerate([list(head), *cells]):
        text = "  ".join(
            " " * (width - _width(cell)) + cell if at in flush else cell + " " * (width - _width(cell))
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        click.echo(click.style(text, bold=True) if number == 0 else text)


def terminal_width() -> int:
    """How many columns the terminal has."""
    return shutil.get_terminal_size((100, 24)).columns


def plain(text: str) -> str:
    """Write a name so that nothing in it steers the terminal."""
    return "".join(char if unicodedata.category(char) not in {"Cc", "Cf"} else "·" for char in text)


def _clip(text: str) -> str:
    text = plain(text)
    return text if len(text) <= CELL_CHARS_MAX else text[: CELL_CHARS_MAX - 1] + "…"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


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


def size(count: float) -> str:
    """Say how many bytes."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
