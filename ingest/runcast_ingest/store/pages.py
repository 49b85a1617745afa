"""A run's rows in order of sequence, a page at a time: for a program that wants every row, and goes on where it was.

A page ends, for each writer, at a sequence up to which it has everything that was asked for; the next begins there. So
each page is a short transaction of its own, and the marks that it names hold as soon as it has arrived.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from msgspec import Struct

from runcast_ingest.store.curves import read_level0
from runcast_ingest.store.parts import Cell, Part, cell_key, read_axis, read_column
from runcast_ingest.store.reader import (
    AxisHead,
    Level0Row,
    Readers,
    WriterHead,
    fetch_cells,
    fetch_level0,
    fetch_parts,
)
from runcast_ingest.store.schema import AXIS_POSITION
from runcast_ingest.store.stretch import Stretch, select, untie


class Page(Struct, frozen=True):
    """Rows by writer, and how far they go; `complete` when that is as far as the writers are stored."""

    marks: dict[str, int]
    rows: list[tuple[str, Stretch]]
    complete: bool


class Found(Struct):
    """What a page's transaction read."""

    writers: dict[int, WriterHead]
    after: dict[int, int]
    until: dict[int, int]
    parts: list[tuple[AxisHead, Part]]
    level0: list[Level0Row]
    cells: dict[int, Cell]


async def find(
    readers: Readers, run: int, keys: frozenset[str] | None, *, after: Mapping[str, int], rows_max: int
) -> Found:
    """Read what one page needs."""
    async with readers.transaction() as db:
        heads = await readers.heads(db, run)
        began = {key: after.get(writer.id, 0) for key, writer in heads.writers.items()}
        axes = [axis for axis in heads.axes if keys is None or not keys.isdisjoint(axis.names)]
        lowest = min(began.values(), default=0) + 1
        fetched = await fetch_parts(db, axes, unit="sequence", lo=lowest, hi=None)
        parts = [
            (axis, part)
            for axis in axes
            for part in fetched[axis.key]
            if part.level == 1 and part.last > began[axis.writer]
        ]
        level0 = [row for row in await fetch_level0(db, heads.runs) if row.last > began[row.writer]]
        ends = [(axis.writer, part.last, part.rows) for axis, part in parts]
        ends += [(row.writer, row.last, row.last - row.first + 1) for row in level0]
        until = {key: writer.mark for key, writer in heads.writers.items()} | _bounds(ends, rows_max)
        parts = [(axis, part) for axis, part in parts if part.first <= until[axis.writer]]
        level0 = [row for row in level0 if row.first <= until[row.writer]]
        chunks = [
            cell_key(part.key, at) for axis, part in parts for at in [AXIS_POSITION, *_positions(axis.names, keys)]
        ]
        cells = await fetch_cells(db, "chunk", chunks)
    return Found(heads.writers, began, until, parts, level0, cells)


def read(found: Found, keys: frozenset[str] | None) -> Page:
    """Decode a page. Raises Damaged."""
    rows: list[tuple[int, Stretch]] = []
    for axis, part in found.parts:
        positions = _positions(axis.names, keys)
        steps, times, sequences = read_axis(found.cells[cell_key(part.key, AXIS_POSITION)])
        columns = [read_column(found.cells[cell_key(part.key, at)]) for at in positions]
        values = np.stack(columns) if columns else np.empty((0, len(steps)))
        names = tuple(axis.names[at] for at in positions)
        rows.append((axis.writer, Stretch(names, sequences, steps, times, values, "f" * len(names), {})))
    rows += read_level0(found.level0, keys)
    cut: dict[int, list[Stretch]] = {}
    for writer, stretch in rows:
        within = (stretch.sequences > found.after[writer]) & (stretch.sequences <= found.until[writer])
        if (until := found.writers[writer].until) is not None:
            within &= stretch.steps <= until
        if within.any():
            cut.setdefault(writer, []).append(select(stretch, within))
    return Page(
        marks={writer.id: max(found.until[key], found.after[key]) for key, writer in found.writers.items()},
        rows=[(found.writers[writer].id, stretch) for writer, own in cut.items() for stretch in untie(own)],
        complete=all(found.until[key] >= writer.mark for key, writer in found.writers.items()),
    )


def _positions(names: Sequence[str], keys: frozenset[str] | None) -> list[int]:
    return [at for at, name in enumerate(names) if keys is None or name in keys]


def _bounds(ends: Iterable[tuple[int, int, int]], rows_max: int) -> dict[int, int]:
    """Say for writers that have more where their page ends: behind the piece that fills it."""
    bounds: dict[int, int] = {}
    rows: dict[int, int] = {}
    for writer, last, count in sorted(ends):
        rows[writer] = rows.get(writer, 0) + count
        if rows[writer] >= rows_max:
            bounds.setdefault(writer, last)
    return bounds
