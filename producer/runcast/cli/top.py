"""`runcast top`: a project's runs in the terminal, as they log."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import termios
import time
import tty
from collections.abc import Iterator
from contextlib import aclosing, contextmanager, suppress
from urllib.parse import quote

import click

from runcast.cli.place import server_option
from runcast.cli.scoreboard import Scoreboard
from runcast.errors import RuncastError, UsageError
from runcast.service import Service
from runcast.subscription import CaughtUp, Row, RunUpdate, subscribe

DRAW_SECONDS = 0.25  # Often enough to look alive, and little to send over a slow line.
PRELOADED_MAX = 50  # Runs whose course until now is asked for.
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"  # Another screen without a cursor; and back.


@click.command()
@click.argument("project", required=False)
@click.option("-m", "--metric", metavar="NAME", default="", help="Whose course is drawn; default: loss, or the first.")
@server_option
def top(project: str | None, metric: str, server: str | None) -> None:
    """Watch a project's runs, until q or Ctrl-C; without PROJECT the one that was logged to last.

    Into a pipe or a file it writes the list once.

    \b
    q       end                    m, M    the next metric, the one before
    a       all runs, or those that run    ↑ ↓     scroll
    """
    service = Service.find(server)
    if project is None:
        found = sorted(service.projects(), key=lambda each: str(each.get("updated") or ""))
        if not found:
            raise UsageError("no projects yet; the first run that is logged makes one")
        project = str(found[-1]["name"])
    board = Scoreboard(project, metric)
    seen = sys.stdout.isatty() and sys.stdin.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    asyncio.run(_Top(service, board, elsewhere=server is not None).run(seen=seen))


class _Top:
    def __init__(self, service: Service, board: Scoreboard, *, elsewhere: bool) -> None:
        self._service, self._board, self._elsewhere = service, board, elsewhere
        self._begun = asyncio.Event()
        self._done = asyncio.Event()

    async def run(self, *, seen: bool) -> None:
        """Follow until somebody ends it; where nobody looks, say how it is once."""
        following = asyncio.create_task(self._follow())
        try:
            begun = asyncio.create_task(self._begun.wait())
            await asyncio.wait([following, begun], return_when=asyncio.FIRST_COMPLETED)
            begun.cancel()
            if following.done():
                following.result()
            if not seen:
                self._board.everything = True
                lines = self._board.draw(shutil.get_terminal_size().columns, len(self._board.shown) + 4, time.time())
                click.echo("\n".join(line for line in lines[:-1] if line))
                return
            with _screen(), self._keys():
                while not (self._done.is_set() or following.done()):
                    self._draw()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(DRAW_SECONDS):
                            await self._done.wait()
            if following.done():
                following.result()
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError, RuncastError):
                await following

    async def _follow(self) -> None:
        url = self._service.url if self._elsewhere else None
        updates = subscribe(
            self._board.project, url=url, token=self._service.token, from_now=True, on_cut=self._board_away
        )
        async with aclosing(updates) as following:
            async for update in following:
                if isinstance(update, Row):
                    self._board.take(update, time.time())
                elif isinstance(update, RunUpdate):
                    self._board.away = ""
                    self._board.hear(update)
                elif isinstance(update, CaughtUp):
                    await asyncio.to_thread(self._preload)
                    self._begun.set()

    def _board_away(self, why: str) -> None:
        self._board.away = why

    def _preload(self) -> None:
        runs = [run.run for run in self._board.runs[:PRELOADED_MAX]]
        if runs and self._board.metric:
            path = f"/api/v1/projects/{quote(self._board.project, safe='')}/rows"
            with suppress(RuncastError):  # Then the courses begin now.
                for row in self._service.get(path, id=runs, curve=self._board.metric)["runs"]:
                    self._board.preload(row["id"], row.get("curve") or ())

    def _draw(self) -> None:
        columns, rows = shutil.get_terminal_size()
        lines = self._board.draw(columns - 1, rows, time.time())
        sys.stdout.write("\x1b[H" + "\x1b[K\r\n".join(lines) + "\x1b[K\x1b[J")
        sys.stdout.flush()

    @contextmanager
    def _keys(self) -> Iterator[None]:
        loop, keys = asyncio.get_running_loop(), sys.stdin.fileno()
        loop.add_reader(keys, lambda: self._press(os.read(keys, 64)))
        try:
            yield
        finally:
            loop.remove_reader(keys)

    def _press(self, said: bytes) -> None:
        if not said or b"q" in said:
            self._done.set()
        elif said in {b"m", b"M"}:
            self._board.turn(1 if said == b"m" else -1)
            asyncio.get_running_loop().run_in_executor(None, self._preload)
        elif said == b"a":
            self._board.everything = not self._board.everything
        elif said in {b"\x1b[A", b"k", b"\x1bOA"}:
            self._board.top -= 1
        elif said in {b"\x1b[B", b"j", b"\x1bOB"}:
            self._board.top += 1
        self._draw()


@contextmanager
def _screen() -> Iterator[None]:
    """Have the whole terminal, key by key, and leave it as it was."""
    keys = sys.stdin.fileno()
    before = termios.tcgetattr(keys)
    sys.stdout.write(_ENTER)
    tty.setcbreak(keys)
    try:
        yield
    finally:
        termios.tcsetattr(keys, termios.TCSADRAIN, before)
        with suppress(OSError):  # The terminal was closed.
            sys.stdout.write(_LEAVE)
            sys.stdout.flush()
