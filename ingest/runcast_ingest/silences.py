"""For how long nothing was heard of each run, for rules such as `run silent for 5m`.

Whether a run lives is judged elsewhere (`states`), after one fixed time. A rule may wait for much longer than that, so
runs are remembered here until they end or nobody waits any more. It knows neither Redis nor SQLite: whoever is asked
says after how long to ask again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from msgspec import Struct

from runcast.errors import RuncastError
from runcast.rules import SILENT_SECONDS_MAX, SILENT_SECONDS_MIN

log = logging.getLogger(__name__)

CHECK_SECONDS = 1.0
LOOK_AGAIN_SECONDS = 60.0  # Somebody may have added a rule.


class _Run(Struct):
    counted: float  # Since when its silence counts, on our monotonic clock.
    heard: int  # When the last sign of life came, ns since 1970.
    due: float  # Ask after so many seconds of silence.


class Silences:
    """Asks about runs that are silent.

    `ask(path, heard, seconds)` is told when the last sign of life came (ns since 1970), and for how long somebody has
    listened in vain since; it says how many seconds of silence to wait for, or None.
    """

    def __init__(
        self, ask: Callable[[str, int, float], Awaitable[float | None]], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._runs: dict[str, _Run] = {}
        self._deaf = False

    def __len__(self) -> int:
        """How many runs are remembered."""
        return len(self._runs)

    def heard(self, path: str, at: int | None = None) -> None:
        """Note a sign of life: now, or one that came before we began to listen."""
        self._runs[path] = _Run(self._clock(), time.time_ns() if at is None else at, SILENT_SECONDS_MIN)

    def ended(self, path: str) -> None:
        """Note that a run had its last word: its silence means nothing."""
        self._runs.pop(path, None)

    def deaf(self, since: bool) -> None:
        """Say that nobody can be heard, because Redis is away; after it, everybody gets their time again."""
        if self._deaf and not since:
            now = self._clock()
            for run in self._runs.values():
                run.counted, run.due = now, SILENT_SECONDS_MIN
        self._deaf = since

    def due(self) -> list[tuple[str, float]]:
        """Name the runs to ask about, each with its silence in seconds; those that no rule waits for are forgotten."""
        if self._deaf:
            return []
        now = self._clock()
        found: list[tuple[str, float]] = []
        for path, run in list(self._runs.items()):
            silence = now - run.counted
            if silence >= run.due:
                found.append((path, silence))
            if silence > SILENT_SECONDS_MAX + LOOK_AGAIN_SECONDS:
                del self._runs[path]
        return found

    async def run(self) -> None:
        """Check every second, for as long as the service lives."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            for path, silence in self.due():
                await self.ask(path, silence)

    async def ask(self, path: str, silence: float) -> None:
        """Ask about a run, and note when to ask again, unless it was heard meanwhile."""
        if (asked := self._runs.get(path)) is None:
            return
        try:
            following = await self._ask(path, asked.heard, silence)
        except RuncastError as error:
            log.error("%s; trying again", error)
            following = None
        if (run := self._runs.get(path)) is not None and self._clock() - run.counted >= silence:
            run.due = min(following or SILENT_SECONDS_MAX * 2, silence + LOOK_AGAIN_SECONDS)
