"""One line on the terminal that says how far something is, drawn again and again; nothing where nobody looks at it."""

from __future__ import annotations

import os
import sys
from types import TracebackType

import click

from runcast.cli import table


class Progress:
    """The line, for as long as the block lasts."""

    def __init__(self) -> None:
        self.seen = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._drawn = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def show(self, text: str) -> None:
        """Draw it; what is wider than the terminal would never be overwritten, so it is cut."""
        if self.seen:
            click.echo(f"\r{table.clip(table.plain(text), table.terminal_width() - 1)}\x1b[K", err=True, nl=False)
            self._drawn = True

    def clear(self) -> None:
        """Leave the line as it was before, for something that stays."""
        if self._drawn:
            click.echo("\r\x1b[K", err=True, nl=False)
            self._drawn = False


def bar(done: float, total: float, width: int = 24) -> str:
    """Draw a share."""
    full = int(width * min(max(done / total, 0), 1)) if total > 0 else 0
    return "█" * full + "░" * (width - full)
