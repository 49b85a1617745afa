"""A run's rows as they were logged, in order of step, a page at a time.

Rows of one step are one row: the last value of each key wins, over all writers with the same label. A page covers a
stretch of steps that no part crosses more than once, so that memory stays bounded however long the run is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from runcast_ingest.store.parts import Cell, Part, cell_key, kinds_matrix, read_part
from runcast_ingest.store.reader import AxisHead, WriterHead
from runcast_ingest.store.schema import AXIS_POSITION
from runcast_ingest.store.stretch import Stretch, select

PAGE_ROWS = 4096  # Read at once, from all axes: as many as a part has.
PAGE_VALUES_MAX = 200_000  # In one page: 20 MB of Python objects.
LOWEST, HIGHEST = -(2**63), 2**63 - 1

Row = dict[str, Any]

OWN = frozenset({"_step", "_timestamp", "_runtime", "_label"})  # Every row has them, asked for or not.


def concerns(axis: AxisHead, keys: frozenset[str] | None) -> bool:
    """Tell whether an axis holds any of the keys; every one does when only what each row has is asked for."""
    return not keys or not keys.isdisjoint(axis.names) or not keys.isdisjoint(axis.extras)


def cuts(parts: Sequence[Part], after: int | None, up_to: int | None) -> Iterator[tuple[int, int]]:
    """Divide the steps into stretches (after, up to], each worth about a part of each axis."""
    low, rows = LOWEST if after is None else after, 0
    end = HIGHEST if up_to is None else up_to
    for part in sorted(parts, key=lambda part: part.step_high):
        rows += part.rows
        if rows >= PAGE_ROWS and low < part.step_high < end:
            yield low, part.step_high
            low, rows = part.step_high, 0
    if low < end:
        yield low, end


def slices(stretches: Sequence[tuple[int, Stretch]], low: int, high: int) -> list[tuple[int, int]]:
    """Divide the steps after `low` up to `high` further, into pages of a bounded number of values."""
    within = [stretch.steps[(stretch.steps > low) & (stretch.steps <= high)] for _, stretch in stretches]
    steps = np.unique(np.concatenate([np.empty(0, np.int64), *within]))
    if not len(steps):
        return []
    values = sum(len(each) * (1 + len(stretch.names)) for each, (_, stretch) in zip(within, stretches, strict=True))
    take = max(1, len(steps) * PAGE_VALUES_MAX // max(values, PAGE_VALUES_MAX))
    ends = [int(step) for step in steps[take - 1 :: take]]
    if ends[-1] != int(steps[-1]):
        ends.append(int(steps[-1]))
    return list(zip([low, *ends[:-1]], ends, strict=True))


def chunk_keys(axes: Mapping[int, AxisHead], parts: Sequence[Part], keys: frozenset[str] | None) -> list[int]:
    """Name the chunks that hold the keys in parts."""
    return [cell_key(part.key, at) for part in parts for at in (AXIS_POSITION, *positions(axes[part.axis], keys))]


def positions(axis: AxisHead, keys: frozenset[str] | None) -> list[int]:
    """List where the keys stand in an axis."""
    return [at for at, name in enumerate(axis.names) if keys is None or name in keys]


def read_parts(
    axes: Mapping[int, AxisHead], parts: Sequence[Part], chunks: Mapping[int, Cell], keys: frozenset[str] | None
) -> list[tuple[int, Stretch]]:
    """Decode parts into stretches of the keys, with their writer. Raises Damaged."""
    read = []
    for part in parts:
        axis = axes[part.axis]
        read.append((axis.writer, read_part(part.key, axis.names, chunks, positions(axis, keys))))
    return read


def before(stretches: Sequence[tuple[int, Stretch]], writers: Mapping[int, WriterHead]) -> list[tuple[int, Stretch]]:
    """Leave out what a base logged behind the branch."""
    return [
        (writer, stretch if (until := writers[writer].until) is None else select(stretch, stretch.steps <= until))
        for writer, stretch in stretches
    ]


def page(
    stretches: Sequence[tuple[int, Stretch]],
    writers: Mapping[int, WriterHead],
    *,
    low: int,
    high: int,
    keys: frozenset[str] | None,
    whole: bool = False,
) -> list[Row]:
    """Merge the rows of the steps after `low` up to `high`.

    With `keys`, only these, and only rows that have one of them; `whole`: that have all of them, once merged.
    """
    merged: dict[tuple[int, str], Row] = {}
    logged: list[tuple[int, int, int, int, Row]] = []
    for writer, stretch in stretches:
        rows = select(stretch, (stretch.steps > low) & (stretch.steps <= high))
        for step, sequence, time, row in _rows(rows, keys):
            logged.append((step, writer, sequence, time, row))
    logged.sort(key=lambda each: each[:3])
    for step, writer, _, time, row in logged:
        label, created = writers[writer].label, writers[writer].created
        into = merged.setdefault((step, label), {})
        into.update(row)
        into["_step"], into["_timestamp"], into["_runtime"] = step, time / 1e9, max(0, time - created) / 1e9
        if label:
            into["_label"] = label
    if whole and keys:
        return [row for row in merged.values() if keys <= row.keys()]
    return list(merged.values())


def _rows(stretch: Stretch, keys: frozenset[str] | None) -> Iterator[tuple[int, int, int, Row]]:
    wanted = [at for at, name in enumerate(stretch.names) if keys is None or name in keys]
    names = [stretch.names[at] for at in wanted]
    columns = [_plain(stretch, at) for at in wanted]
    values = zip(*columns, strict=True) if columns else iter([()] * len(stretch))
    heads = zip(stretch.steps.tolist(), stretch.sequences.tolist(), stretch.times.tolist(), strict=True)
    for at, ((step, sequence, time), row) in enumerate(zip(heads, values, strict=True)):
        made: Row = dict(zip(names, row, strict=True))
        extra = stretch.extras.get(at)
        if extra:
            made.update({name: value for name, value in extra.items() if keys is None or name in keys})
        if made or not keys:
            yield step, sequence, time, made


def _plain(stretch: Stretch, position: int) -> list[Any]:
    values: list[Any] = stretch.values[position].tolist()
    kinds = stretch.kinds[position] if isinstance(stretch.kinds, str) else None
    if kinds == "f":
        return values
    each = kinds_matrix(stretch)[position].tolist()
    return [_as_logged(kind, value) for kind, value in zip(each, values, strict=True)]


def _as_logged(kind: int, value: float) -> Any:
    if kind == ord("i") and value.is_integer():
        return int(value)
    return bool(value) if kind == ord("b") else value
