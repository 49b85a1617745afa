"""Small curves of one metric for many runs at once: what a row of a table shows, and its lowest and highest value.

They are read from the pyramid, a few hundred runs in each short transaction, and kept until their run has logged more:
so a table of thousands of runs is sorted by a best value that nobody stored.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from runcast.errors import RuncastError
from runcast_ingest.store.codec import unpack_document
from runcast_ingest.store.curves import Asked, choose, collect, series
from runcast_ingest.store.parts import PART_COLUMNS, Cell, part_of
from runcast_ingest.store.reader import KEYS_PER_QUERY, AxisHead, Fetched, Level0Row, WriterHead
from runcast_ingest.store.schema import connect

POINTS = 40  # A row's curve is about 120 pixels wide.
RUNS_AT_ONCE = 200  # In one transaction: 20 ms.
METRICS_KEPT_MAX = 40  # Those that were asked for last; of 5000 runs each about 3 MB.

RUNS = """
SELECT run.key, run.rows, run.updated FROM run JOIN project ON project.key = run.project WHERE project.name = ?
"""
AXES = """
SELECT axis.run, axis.key, axis.writer, axis.rows, axis.kinds, axis.keyset FROM axis
WHERE axis.run IN (SELECT value FROM json_each(?)) AND axis.keyset IN (SELECT value FROM json_each(?))
"""
KEYSETS = """
SELECT keyset.key, keyset.names FROM keyset WHERE keyset.key IN (
    SELECT axis.keyset FROM axis WHERE axis.run IN (SELECT value FROM json_each(?)))
"""
PARTS = f"SELECT {PART_COLUMNS} FROM part WHERE axis IN (SELECT value FROM json_each(?)) ORDER BY axis, level, number"
LEVEL0 = """
SELECT run, writer, first, last, crc, data FROM level0 WHERE run IN (SELECT value FROM json_each(?))
ORDER BY run, writer, first
"""
CELLS = "SELECT key, crc, data, {extra} FROM {table} WHERE key IN (SELECT value FROM json_each(?))"

Version = tuple[int, int]  # Rows and time of the last one: another one means that the run has logged more.


class Sketch(Struct, frozen=True):
    """A small curve: about POINTS values in order of step, and the lowest and highest of all that was logged."""

    values: list[float]
    low: float | None
    high: float | None


NOTHING = Sketch([], None, None)


class Sketches:
    """Those that are known, by metric and run; `extremes` is the same for who sorts and filters by them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.extremes: dict[tuple[int, str], tuple[float | None, float | None]] = {}
        self._known: dict[str, dict[int, tuple[Version, Sketch]]] = {}
        self._learning = asyncio.Lock()

    async def learn(self, project: str, metric: str, only: Iterable[int] | None = None) -> dict[int, Sketch]:
        """Read what is new of a metric in a project's runs, or some of them; gives them by run."""
        async with self._learning:
            known = self._known.pop(metric, {})
            self._known[metric] = known  # The latest stands last.
            await asyncio.to_thread(self._read, project, metric, known, None if only is None else frozenset(only))
            while len(self._known) > METRICS_KEPT_MAX:
                dropped = next(iter(self._known))
                for run in self._known.pop(dropped):
                    self.extremes.pop((run, dropped), None)
        return {run: sketch for run, (_, sketch) in known.items()}

    def _read(
        self, project: str, metric: str, known: dict[int, tuple[Version, Sketch]], only: frozenset[int] | None
    ) -> None:
        with closing(connect(self._path, readonly=True)) as db:
            stale = [
                (run, (rows, updated))
                for run, rows, updated in db.execute(RUNS, (project,))
                if (only is None or run in only) and (run not in known or known[run][0] != (rows, updated))
            ]
            versions = dict(stale)
            for at in range(0, len(stale), RUNS_AT_ONCE):
                group = [run for run, _ in stale[at : at + RUNS_AT_ONCE]]
                for run, sketch in _sketches(db, group, metric):
                    known[run] = versions[run], sketch
                    self.extremes[run, metric] = sketch.low, sketch.high


def _sketches(db: sqlite3.Connection, runs: Sequence[int], metric: str) -> Iterator[tuple[int, Sketch]]:
    """Read one metric of some runs; what is damaged counts as nothing here, and says so on its own page."""
    asked = Asked(frozenset([metric]), 4 * POINTS)
    db.execute("BEGIN")
    try:
        fetched = _fetch(db, runs, metric, asked)
    finally:
        db.execute("ROLLBACK")
    few = Asked(frozenset([metric]), POINTS)
    for run, (found, choices) in fetched.items():
        try:
            yield run, _sketch(few, metric, found, choices)
        except RuncastError:
            yield run, NOTHING


def _fetch(
    db: sqlite3.Connection, runs: Sequence[int], metric: str, asked: Asked
) -> dict[int, tuple[Fetched, list[Any]]]:
    wanted = _listed(runs)
    names = {key: tuple(unpack_document(packed)) for key, packed in db.execute(KEYSETS, (wanted,))}
    having = _listed([key for key, keys in names.items() if metric in keys])
    axes: dict[int, list[AxisHead]] = {run: [] for run in runs}
    for run, key, writer, rows, kinds, keyset in db.execute(AXES, (wanted, having)):
        axes[run].append(AxisHead(key, writer, rows, names[keyset], kinds, ()))
    parts: dict[int, list[Any]] = {}
    for row in db.execute(PARTS, (_listed([axis.key for each in axes.values() for axis in each]),)):
        parts.setdefault(row[1], []).append(part_of(row))
    level0: dict[int, list[Level0Row]] = {}
    for run, *rest in db.execute(LEVEL0, (wanted,)):
        level0.setdefault(run, []).append(Level0Row(*rest))
    choices = {run: [choose(asked, axis, parts.get(axis.key, [])) for axis in each] for run, each in axes.items()}
    every = [choice for each in choices.values() for choice in each]
    chunks = _cells(db, "chunk", [key for choice in every for key in choice.chunk_keys()])
    buckets = _cells(db, "bucket", [key for choice in every for key in choice.bucket_keys()])
    found: dict[int, tuple[Fetched, list[Any]]] = {}
    for run in runs:
        rows = level0.get(run, [])
        writers = {axis.writer for axis in axes[run]} | {row.writer for row in rows}
        heads = {key: WriterHead(key, str(key), "", 0, 0) for key in writers}
        found[run] = Fetched([run], heads, axes[run], {}, rows, chunks, buckets), choices[run]
    return found


def _cells(db: sqlite3.Connection, table: str, keys: Sequence[int]) -> dict[int, Cell]:
    sql = CELLS.format(table=table, extra="extra" if table == "chunk" else "NULL")
    cells: dict[int, Cell] = {}
    for at in range(0, len(keys), KEYS_PER_QUERY):
        for key, crc, data, extra in db.execute(sql, (_listed(keys[at : at + KEYS_PER_QUERY]),)):
            cells[key] = (crc, data, extra)
    return cells


def _sketch(asked: Asked, metric: str, fetched: Fetched, choices: list[Any]) -> Sketch:
    every = [piece for piece in collect(asked, fetched, choices) if piece.key == metric]
    if not every:
        return NOTHING
    found = series(asked, metric, every)
    middle = found.values if found.exact else found.mean
    lows, highs = (found.values, found.values) if found.exact else (found.low, found.high)
    lows, highs = lows[np.isfinite(lows)], highs[np.isfinite(highs)]
    return Sketch(
        middle[np.isfinite(middle)].tolist(),
        float(lows.min()) if len(lows) else None,
        float(highs.max()) if len(highs) else None,
    )


def _listed(numbers: Iterable[int]) -> str:
    return msgspec.json.encode(list(numbers)).decode()
