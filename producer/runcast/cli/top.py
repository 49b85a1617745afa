"""`runcast top`: a project's runs in the terminal, as they log."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import sys
import termios
import time
import tty
from collections.abc import Iterator, Mapping
from contextlib import aclosing, contextmanager, suppress
from typing import Any
from urllib.parse import quote

import click

from runcast.cli.place import server_option
from runcast.cli.scoreboard import Scoreboard
from runcast.errors import RuncastError, UsageError
from runcast.service import Service
from runcast.subscription import CaughtUp, Row, RunUpdate, subscribe

DRAW_SECONDS = 0.25  # Often enough to look alive, and little to send over a slow line.
PRELOADED_MAX = 50  # Runs whose course until now is asked for.
_KEY = re.compile(rb"\x1b\[[0-;]*[@-~]|\x1bO.|.", re.DOTALL)  # What one key sends: a sequence, or a byte.
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
    if not seen:
        next(service.runs(project, limit=1), None)  # Nobody waits for a project that is not there: it is refused.
    colours = click.get_current_context().color is not False
    asyncio.run(_Top(service, board, elsewhere=server is not None, colours=colours).run(seen=seen))


class _Top:
    def __init__(self, service: Service, board: Scoreboard, *, elsewhere: bool, colours: bool) -> None:
        self._service, self._board, self._elsewhere, self._colours = service, board, elsewhere, colours
        self._preloading: set[asyncio.Task[None]] = set()
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
            with _screen() as screen, self._keys(), self._stops(screen):
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
            self._board.project,
            url=url,
            token=self._service.token,
            from_now=True,
            on_cut=self._board_away,
            on_back=lambda: self._board_away(""),
        )
        async with aclosing(updates) as following:
            async for update in following:
                if isinstance(update, Row):
                    self._board.take(update, time.time())
                elif isinstance(update, RunUpdate):
                    self._board.hear(update)
                elif isinstance(update, CaughtUp):
                    await self._preload()
                    self._begun.set()

    def _board_away(self, why: str) -> None:
        self._board.away = why

    async def _preload(self) -> None:
        """Begin the courses with what was before; where that cannot be had, they begin now."""
        runs, metric = [run.run for run in self._board.runs[:PRELOADED_MAX]], self._board.metric
        if runs and metric:
            with suppress(RuncastError):
                for row in await asyncio.to_thread(self._ask, runs, metric):
                    self._board.preload(metric, row["id"], row.get("curve") or ())

    def _ask(self, runs: list[str], metric: str) -> list[Mapping[str, Any]]:
        # One of this machine may have come back at another port.
        service = self._service if self._elsewhere else Service.find()
        path = f"/api/v1/projects/{quote(self._board.project, safe='')}/rows"
        return list(service.get(path, id=runs, curve=metric)["runs"])

    def _draw(self) -> None:
        columns, rows = shutil.get_terminal_size()
        lines = self._board.draw(columns - 1, rows, time.time())
        if not self._colours:
            lines = [click.unstyle(line) for line in lines]
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

    @contextmanager
    def _stops(self, screen: _Screen) -> Iterator[None]:
        """Give the terminal back on Ctrl-Z, and take it again afterwards."""
        loop = asyncio.get_running_loop()

        def stop() -> None:
            screen.leave()
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)
            signal.raise_signal(signal.SIGTSTP)  # Here it stops, and here it goes on.
            loop.add_signal_handler(signal.SIGTSTP, stop)
            go_on()

        def go_on() -> None:
            screen.enter()
            self._draw()

        loop.add_signal_handler(signal.SIGTSTP, stop)
        loop.add_signal_handler(signal.SIGCONT, go_on)  # Of one that was stopped without being asked, too.
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGTSTP)
            loop.remove_signal_handler(signal.SIGCONT)

    def _press(self, said: bytes) -> None:
        """Take what was typed: a slow line brings several keys at once."""
        for key in _KEY.findall(said) or [b"q"]:  # Nothing at all: the terminal is gone.
            match key:
                case b"q":
                    self._done.set()
                case b"m" | b"M":
                    self._board.turn(1 if key == b"m" else -1)
                    task = asyncio.create_task(self._preload())
                    self._preloading.add(task)
                    task.add_done_callback(self._preloading.discard)
                case b"a":
                    self._board.everything = not self._board.everything
                case b"\x1b[A" | b"\x1bOA" | b"k":
                    self._board.top -= 1
                case b"\x1b[B" | b"\x1bOB" | b"j":
                    self._board.top += 1
        self._draw()


class _Screen:
    """The whole terminal, key by key."""

    def __init__(self) -> None:
        self._keys = sys.stdin.fileno()
        self._before = termios.tcgetattr(self._keys)

    def enter(self) -> None:
        """Take it."""
        sys.stdout.write(_ENTER)
        sys.stdout.flush()
        tty.setcbreak(self._keys)

    def leave(self) -> None:
        """Give it back as it was."""
        termios.tcsetattr(self._keys, termios.TCSADRAIN, self._before)
        with suppress(OSError):  # The terminal was closed.
            sys.stdout.write(_LEAVE)
            sys.stdout.flush()


@contextmanager
def _screen() -> Iterator[_Screen]:
    screen = _Screen()
    try:
        screen.enter()
        yield screen
    finally:
        screen.leave()
