"""Runs made up for tests of the store, and the commits that bring them in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np

from runcast.blocks import Block, Item, count
from runcast.events import Finish, Start
from runcast.streams import shard_of
from runcast_ingest.batch import Batch
from runcast_ingest.store import Committed, Store, Work

BEGIN = 1_764_000_000_000_000_000
WRITER = "a" * 16


def block(
    columns: Mapping[str, Sequence[float]],
    *,
    steps: Sequence[int],
    times: Sequence[int] | None = None,
    kinds: str | None = None,
) -> Block:
    """Make a block of columns; the row of step s is logged s tenths of a second after BEGIN, unless `times` say."""
    values = np.array([list(column) for column in columns.values()], np.float64).reshape(len(columns), len(steps))
    return Block(
        rows=len(steps),
        names=tuple(columns),
        kinds=kinds or "f" * len(columns),
        steps=np.array(steps, "<i8").tobytes(),
        times=(np.array(times, "<i8") if times else BEGIN + np.array(steps, "<i8") * 100_000_000).tobytes(),
        values=values.tobytes(),
    )


class Publisher:
    """One writer of a run, committing straight to a store."""

    def __init__(self, store: Store, path: str = "p/r", writer: str = WRITER, label: str = "") -> None:
        self._store = store
        self._writer = writer
        self._label = label
        self.path = path
        self.mark = 0
        self.entries = 0

    def batch(self, items: Sequence[Item]) -> Batch:
        """Number the next events."""
        first = self.mark + 1
        self.mark += count(items)
        self.entries += 1
        entry = (self.entries, 0)
        shard = shard_of(self.path)
        return Batch(self.path, self._writer, shard, first, self.mark, list(items), entry, BEGIN, 100)

    async def commit(self, *items: Item) -> Committed:
        """Store events in one transaction."""
        batch = self.batch(items)
        return await self._store.commit(Work({batch.shard: batch.entry}, [batch], [], []))

    async def start(self, **config: Any) -> Committed:
        """Begin the run."""
        return await self.commit(Start(BEGIN, "a run", config, label=self._label))

    async def finish(self, exit_code: int | None = 0) -> Committed:
        """End the run."""
        return await self.commit(Finish(BEGIN + 10**12, exit_code))


@asynccontextmanager
async def leased(path: Path) -> AsyncIterator[Store]:
    """Open a store, and lease every shard."""
    async with Store.open(path / "runcast.db") as store:
        await store.lease(owner="test")
        yield store


async def key_of(store: Store, path: str = "p/r") -> int:
    """Find a run's key."""
    project, _, run = path.rpartition("/")
    record = await store.run(project, run)
    assert record is not None
    return record.key


async def rows_of(store: Store, path: str = "p/r", **asked: Any) -> list[dict[str, Any]]:
    """Read a run's history in one piece."""
    return [row async for page in store.history(await key_of(store, path), **asked) for row in page]
