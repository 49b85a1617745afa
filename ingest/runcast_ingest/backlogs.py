"""What trainers say that their journals hold and that is not stored yet. Pure, but for the clock that it is given.

A report counts until its writer reports anew, or is heard of without one; and no longer than a few heartbeats take.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec import Struct

from runcast.wire import Waiting

FRESH_SECONDS = 20.0  # A heartbeat comes every five: who misses four is gone, and that is told elsewhere.
WRITERS_MAX = 10_000  # Remembered; of more, the newest reports count.


class Backlog(Struct, frozen=True):
    """What one writer reported."""

    path: str
    writer: str
    events: int
    bytes: int
    seconds: int


class Backlogs:
    """The reports of writers that are behind."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: dict[str, tuple[float, Backlog]] = {}  # By writer, the newest report last.

    def take(self, path: str, writer: str, waiting: Waiting | None) -> None:
        """Take in a heartbeat."""
        self._told.pop(writer, None)
        if waiting is None:
            return
        while len(self._told) >= WRITERS_MAX:
            del self._told[next(iter(self._told))]
        self._told[writer] = self._clock(), Backlog(path, writer, waiting.events, waiting.bytes, waiting.seconds)

    def now(self) -> list[Backlog]:
        """List the reports that still count, the largest first."""
        oldest = self._clock() - FRESH_SECONDS
        for writer in [writer for writer, (at, _) in self._told.items() if at < oldest]:
            del self._told[writer]
        return sorted((backlog for _, backlog in self._told.values()), key=lambda each: -each.bytes)
