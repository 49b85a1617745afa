"""How much of each writer waits in level 0, and who is due to be compacted. It counts, and stores nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

from msgspec import Struct

from runcast_ingest.states import RUNNING
from runcast_ingest.store.compactor import Due
from runcast_ingest.store.pyramid import PART_POINTS
from runcast_ingest.store.standing import Run

LEVEL0_ROWS_MAX = 512  # Of one writer: reading them back for a chart costs 10 ms.
LEVEL0_BYTES_MAX = 32 * 1024 * 1024

TAILS = """
SELECT level0.run, level0.writer, run.shard, count(*), sum(last - first + 1), sum(length(data)), run.state
FROM level0 JOIN run ON run.key = level0.run GROUP BY level0.run, level0.writer
"""


class Tail(Struct):
    """How much of a writer waits in level 0."""

    shard: int
    rows: int = 0
    events: int = 0
    size: int = 0
    ended: bool = False


class Backlog:
    """What waits, by run and writer."""

    def __init__(self) -> None:
        self._tails: dict[tuple[int, int], Tail] = {}

    def read(self, db: sqlite3.Connection, shards: Collection[int]) -> None:
        """Count what waits in shards that are ours from now on."""
        self._tails = {at: tail for at, tail in self._tails.items() if tail.shard not in shards}
        for run, writer, shard, rows, events, size, state in db.execute(TAILS).fetchall():
            if shard in shards:
                self._tails[run, writer] = Tail(shard, rows, events, size, state != RUNNING)

    def add(self, run: int, writer: int, shard: int, events: int, size: int) -> None:
        """Take note of a row that came to level 0."""
        tail = self._tails.setdefault((run, writer), Tail(shard))
        tail.rows, tail.events, tail.size = tail.rows + 1, tail.events + events, tail.size + size

    def settle(self, run: Run) -> None:
        """Take note of whether a run has ended: then what waits is due."""
        for writer in run.writers.values():
            if (run.key, writer.key) in self._tails:
                self._tails[run.key, writer.key].ended = run.state != RUNNING

    def due(self, everything: bool) -> list[Due]:
        """List the writers with enough in level 0 to be compacted, and those whose run ended."""
        return [
            Due(run, writer, tail.shard)
            for (run, writer), tail in self._tails.items()
            if everything
            or tail.ended
            or tail.events >= PART_POINTS
            or tail.rows >= LEVEL0_ROWS_MAX
            or tail.size >= LEVEL0_BYTES_MAX
        ]

    def compacted(self, due: Due, rows: int, events: int, size: int) -> None:
        """Take note of what left level 0."""
        tail = self._tails.get((due.run, due.writer))
        if tail is not None:
            tail.rows, tail.events, tail.size = tail.rows - rows, tail.events - events, tail.size - size
            if tail.rows <= 0:
                del self._tails[due.run, due.writer]

    def give_up(self, due: Due) -> None:
        """Leave a writer's level 0 as it is, until something is added to it."""
        self._tails.pop((due.run, due.writer), None)
