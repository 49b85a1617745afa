"""Fetch what a question needs, in one read transaction that is closed before anything is decoded.

A long reader would keep the write-ahead log from being cut; so nothing here holds a transaction over more than
a few queries, and the numbers are taken apart afterwards, in a thread.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiosqlite
from msgspec import Struct

from runcast_ingest.store.codec import unpack_document
from runcast_ingest.store.finding import Extremes, equip
from runcast_ingest.store.parts import PART_COLUMNS, Cell, Part, part_of
from runcast_ingest.store.schema import BUSY_SECONDS, address

READERS = 4  # Connections: more would only wait for the same two or four cores.
KEYS_PER_QUERY = 5000
NAMES_KEPT_MAX = 500_000  # Of key sets, between questions: about 40 MB.

BASES_MAX = 100  # Branches of branches; whoever needs more reads them by their ids.

CHAIN = """
WITH RECURSIVE chain(key, until, depth) AS (
    SELECT key, NULL, 0 FROM run WHERE key = :run
    UNION ALL
    SELECT run.base, min(coalesce(chain.until, run.base_step), run.base_step), chain.depth + 1
    FROM chain JOIN run ON run.key = chain.key WHERE run.base != 0 AND chain.depth < :most
)
SELECT key, until FROM chain ORDER BY depth
"""
MARKS = """
SELECT writer.key, writer.id, writer.label, writer.mark, run.created, :until
FROM writer JOIN run ON run.key = writer.run WHERE run.key = :run ORDER BY writer.key
"""
AXES = "SELECT key, writer, keyset, rows, kinds, extras FROM axis WHERE run = ?"
LEVEL0 = "SELECT writer, first, last, crc, data FROM level0 WHERE run = ? ORDER BY writer, first"


class WriterHead(Struct, frozen=True):
    """A writer's mark, as it stood in the transaction."""

    key: int
    id: str
    label: str
    mark: int
    created: int  # When its run began.
    until: int | None = None  # It wrote to a base, and steps above this one are not asked for.


class AxisHead(Struct, frozen=True):
    """An axis and the names of its keys, in order."""

    key: int
    writer: int
    rows: int
    names: tuple[str, ...]
    kinds: str
    extras: tuple[str, ...]
    until: int | None = None  # As of its writer.


class Level0Row(Struct, frozen=True):
    """A row of level 0, not decoded yet."""

    writer: int
    first: int
    last: int
    crc: int
    data: bytes


class Fetched(Struct):
    """What one transaction read about one run, and about its bases. Cells are by part << 20 | position."""

    runs: list[int]
    writers: dict[int, WriterHead]
    axes: list[AxisHead]
    parts: dict[int, list[Part]]  # By axis: those of level 1 and above in the range asked for.
    level0: list[Level0Row]
    chunks: dict[int, Cell] = {}
    buckets: dict[int, Cell] = {}


class Readers:
    """A few connections that read, handed out one question at a time."""

    def __init__(self, path: Path, extremes: Extremes) -> None:
        self._path = path
        self._extremes = extremes
        self._free: asyncio.LifoQueue[aiosqlite.Connection] = asyncio.LifoQueue()
        self._all: list[aiosqlite.Connection] = []
        # Key sets never change, so their names are read once.
        self._names: dict[int, tuple[str, ...]] = {}

    async def open(self) -> None:
        """Open the connections; the database must be there."""
        for _ in range(READERS):
            connection = await aiosqlite.connect(
                address(self._path, readonly=True), uri=True, isolation_level=None, timeout=BUSY_SECONDS
            )
            self._all.append(connection)
            await connection.execute("PRAGMA query_only = 1")
            await equip(connection, self._extremes)
            self._free.put_nowait(connection)

    async def close(self) -> None:
        """Close the connections."""
        for connection in self._all:
            await connection.close()
        self._all.clear()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[aiosqlite.Connection]:
        """Hold one connection, and one picture of the database, for a few queries."""
        connection = await self._free.get()
        try:
            try:
                # Inside: whoever is cancelled while it begins has begun it, and the next would find it open.
                await connection.execute("BEGIN")
                yield connection
            finally:
                with suppress(sqlite3.OperationalError):  # Nothing was begun.
                    await connection.execute("ROLLBACK")
        finally:
            self._free.put_nowait(connection)

    async def rows(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
        """Run one query."""
        connection = await self._free.get()
        try:
            return await fetch(connection, sql, values)
        finally:
            self._free.put_nowait(connection)

    async def names(self, db: aiosqlite.Connection, keysets: Iterable[int]) -> dict[int, tuple[str, ...]]:
        """Read the keys of key sets."""
        keysets = list(keysets)
        if sum(map(len, self._names.values())) > NAMES_KEPT_MAX:
            self._names = {}
        names_known = self._names
        missing = sorted({keyset for keyset in keysets if keyset not in names_known})
        for at in range(0, len(missing), KEYS_PER_QUERY):
            wanted = ",".join(map(str, missing[at : at + KEYS_PER_QUERY]))
            for key, names in await fetch(db, f"SELECT key, names FROM keyset WHERE key IN ({wanted})"):
                names_known[key] = tuple(unpack_document(names))
        return {keyset: names_known[keyset] for keyset in keysets}

    async def heads(self, db: aiosqlite.Connection, run: int) -> Fetched:
        """Read the writers and axes of a run and of its bases."""
        writers: dict[int, WriterHead] = {}
        axes: list[AxisHead] = []
        runs = await chain(db, run)
        for key, until in runs:
            writers |= {row[0]: WriterHead(*row) for row in await fetch(db, MARKS, {"run": key, "until": until})}
            rows = await fetch(db, AXES, (key,))
            names = await self.names(db, [row[2] for row in rows])
            axes += [
                AxisHead(axis, writer, count, names[keyset], kinds, tuple(unpack_document(extras)), until)
                for axis, writer, keyset, count, kinds, extras in rows
            ]
        return Fetched([key for key, _ in runs], writers, axes, {}, [], {}, {})


async def fetch(
    db: aiosqlite.Connection, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()
) -> list[tuple[Any, ...]]:
    """Run a query and take all of its rows at once: no cursor stays open across an await."""
    return [tuple(row) for row in await db.execute_fetchall(sql, values)]


async def chain(db: aiosqlite.Connection, run: int) -> list[tuple[int, int | None]]:
    """List a run and its bases, each with the step up to which it is asked for; None: all of it."""
    return [(key, until) for key, until in await fetch(db, CHAIN, {"run": run, "most": BASES_MAX})]


async def fetch_level0(db: aiosqlite.Connection, runs: Iterable[int]) -> list[Level0Row]:
    """Read what of runs is not compacted yet."""
    return [Level0Row(*row) for run in runs for row in await fetch(db, LEVEL0, (run,))]


async def fetch_parts(
    db: aiosqlite.Connection, axes: Sequence[AxisHead], *, unit: str, lo: int | None, hi: int | None
) -> dict[int, list[Part]]:
    """Read the parts of axes that touch the range from `lo` to `hi`; `unit` is step, time or sequence."""
    low, high = {"step": ("step_low", "step_high"), "time": ("time_low", "time_high"), "sequence": ("first", "last")}[
        unit
    ]
    found: dict[int, list[Part]] = {}
    conditions = ""
    values: list[int] = []
    if lo is not None:
        conditions, values = conditions + f" AND {high} >= ?", [*values, lo]
    if hi is not None:
        conditions, values = conditions + f" AND {low} <= ?", [*values, hi]
    for axis in axes:
        rows = await fetch(
            db,
            f"SELECT {PART_COLUMNS} FROM part WHERE axis = ?{conditions} ORDER BY level, number",
            (axis.key, *values),
        )
        parts = [part_of(row) for row in rows]
        found[axis.key] = [part for part in parts if axis.until is None or part.step_low <= axis.until]
    return found


async def fetch_cells(db: aiosqlite.Connection, table: str, keys: Sequence[int]) -> dict[int, Cell]:
    """Read rows of `chunk` or `bucket` by their keys."""
    extra = "extra" if table == "chunk" else "NULL"
    cells: dict[int, Cell] = {}
    for at in range(0, len(keys), KEYS_PER_QUERY):
        wanted = ",".join(map(str, keys[at : at + KEYS_PER_QUERY]))
        for key, crc, data, more in await fetch(
            db, f"SELECT key, crc, data, {extra} FROM {table} WHERE key IN ({wanted})"
        ):
            cells[key] = (crc, data, more)
    return cells
