"""A part: up to 4096 rows of one axis as compressed columns, with the buckets that stand beside it. Runs no SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from runcast_ingest.store.codec import (
    TICK_NS,
    Floats,
    Ints,
    compress,
    crc,
    decompress,
    pack,
    pack_document,
    unpack_document,
    unpack_floats,
    unpack_ints,
    verify,
)
from runcast_ingest.store.pyramid import (
    AXIS,
    PART_POINTS,
    SERIES,
    Buckets,
    axis_buckets,
    merge_axis,
    merge_series,
    pack_buckets,
    series_buckets,
    unpack_buckets,
)
from runcast_ingest.store.schema import AXIS_POSITION, POSITION_BITS
from runcast_ingest.store.stretch import Kinds, Stretch

KEYS_AT_ONCE = 64  # Series reduced together: 64 × 4096 points are 2 MB, which stays in the cache.
MIXED = ord("m")  # The kinds of a column differ, and stand beside it.

Cell = tuple[int, bytes, bytes | None]  # crc, data, extra: a row of `chunk`, or of `bucket` without the extra.

ADD_PART = "INSERT INTO part VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
ADD_CHUNK = "INSERT INTO chunk(key, crc, data, extra) VALUES(?, ?, ?, ?)"
ADD_BUCKET = "INSERT INTO bucket(key, crc, data) VALUES(?, ?, ?)"


class Part(Struct, frozen=True):
    """A row of the table `part`."""

    key: int
    axis: int
    level: int
    number: int
    rows: int
    first: int
    last: int
    step_low: int
    step_high: int
    time_low: int
    time_high: int
    steps_rise: int
    times_rise: int

    def row(self) -> list[Any]:
        """Return the values in the table's order."""
        return [getattr(self, name) for name in self.__struct_fields__]


PART_COLUMNS = ", ".join(Part.__struct_fields__)


def part_of(row: tuple[Any, ...]) -> Part:
    """Read a row of the table `part`."""
    return Part(*row)


def cell_key(part: int, position: int) -> int:
    """Name a column of a part; the axis itself is AXIS_POSITION."""
    return part << POSITION_BITS | position


class Built(Struct):
    """Rows to insert."""

    parts: list[list[Any]] = []
    chunks: list[tuple[int, int, bytes, bytes | None]] = []
    buckets: list[tuple[int, int, bytes]] = []


def build(built: Built, axis: int, key: int, number: int, before: Part | None, rows: Stretch) -> Part:
    """Write one part at level 1; `before` is the part below it, to know whether the axis still rises."""
    steps, times = rows.steps, rows.times
    part = Part(
        key=key,
        axis=axis,
        level=1,
        number=number,
        rows=len(rows),
        first=int(rows.sequences[0]),
        last=int(rows.sequences[-1]),
        step_low=int(steps.min()),
        step_high=int(steps.max()),
        time_low=int(times.min()),
        time_high=int(times.max()),
        steps_rise=bool((steps[1:] > steps[:-1]).all())
        and (before is None or (before.steps_rise and int(steps[0]) > before.step_high)),
        times_rise=bool((times[1:] >= times[:-1]).all())
        and (before is None or (before.times_rise and int(times[0]) >= before.time_high)),
    )
    built.parts.append(part.row())
    data = pack_document([pack(steps), pack(times // TICK_NS), pack(rows.sequences)])
    extra = compress(pack_document(list(rows.extras.items()))) if rows.extras else None
    built.chunks.append((cell_key(key, AXIS_POSITION), crc(data, extra), data, extra))
    for position in range(len(rows.names)):
        data, extra = _pack_column(rows, position)
        built.chunks.append((cell_key(key, position), crc(data, extra), data, extra))
    # Where steps go back buckets in order of sequence would not be in order of step: such an axis is read exactly.
    if part.steps_rise:
        _add_bucket(built, cell_key(key, AXIS_POSITION), axis_buckets(steps, times))
        for at in range(0, len(rows.names), KEYS_AT_ONCE):
            made = series_buckets(steps, times, rows.values[at : at + KEYS_AT_ONCE])
            for position, buckets in enumerate(made, start=at):
                _add_bucket(built, cell_key(key, position), buckets)
    return part


def build_group(built: Built, key: int, members: list[Part], cells: Mapping[int, Cell], keys: int) -> Part:
    """Write one part of the next level, which stands for all of `members`."""
    low, high = members[0], members[-1]
    part = Part(
        key=key,
        axis=low.axis,
        level=low.level + 1,
        number=low.number // len(members),
        rows=sum(member.rows for member in members),
        first=low.first,
        last=high.last,
        step_low=min(member.step_low for member in members),
        step_high=max(member.step_high for member in members),
        time_low=min(member.time_low for member in members),
        time_high=max(member.time_high for member in members),
        steps_rise=high.steps_rise,
        times_rise=high.times_rise,
    )
    built.parts.append(part.row())
    axes = [read_buckets([cells[cell_key(member.key, AXIS_POSITION)]], AXIS) for member in members]
    _add_bucket(built, cell_key(key, AXIS_POSITION), np.concatenate([merge_axis(axis) for axis in axes]))
    for position in range(keys):
        series = [read_buckets([cells[cell_key(member.key, position)]], SERIES) for member in members]
        merged = [merge_series(axis, buckets) for axis, buckets in zip(axes, series, strict=True)]
        _add_bucket(built, cell_key(key, position), np.concatenate(merged))
    return part


def read_axis(cell: Cell) -> tuple[Ints, Ints, Ints]:
    """Read steps, times in ns and sequences of a part; raises Damaged."""
    verify("an axis", cell[0], cell[1], cell[2])
    steps, times, sequences = unpack_document(cell[1])
    return unpack_ints(steps), unpack_ints(times) * TICK_NS, unpack_ints(sequences)


def read_extras(cell: Cell) -> dict[int, dict[str, Any]]:
    """Read the values of a part that are no numbers, by row; `read_axis` has verified the cell."""
    return dict(unpack_document(decompress(cell[2]))) if cell[2] is not None else {}


def read_column(cell: Cell) -> Floats:
    """Read a key's values in a part; raises Damaged."""
    verify("a column", cell[0], cell[1], cell[2])
    return unpack_floats(cell[1][1:])


def read_kinds(cell: Cell, rows: int) -> Kinds:
    """Read how each value of a column was logged."""
    if cell[1][0] == MIXED and cell[2] is not None:
        return np.frombuffer(decompress(cell[2]), np.uint8)
    return np.full(rows, cell[1][0], np.uint8)


def read_buckets(cells: Sequence[Cell], dtype: np.dtype[Any]) -> Buckets:
    """Read rows of buckets, and join them; raises Damaged."""
    for cell in cells:
        verify("a bucket row", cell[0], cell[1])
    return unpack_buckets([cell[1] for cell in cells], dtype)


def read_part(
    part: int, names: tuple[str, ...], cells: Mapping[int, Cell], only: Sequence[int] | None = None
) -> Stretch:
    """Read a part back as rows; `names` are all keys of its axis, of which those at `only` are read. Raises Damaged."""
    head = cells[cell_key(part, AXIS_POSITION)]
    steps, times, sequences = read_axis(head)
    places = range(len(names)) if only is None else only
    values = np.empty((len(places), len(steps)))
    kinds = np.empty((len(places), len(steps)), np.uint8)
    for row, position in enumerate(places):
        cell = cells[cell_key(part, position)]
        values[row] = read_column(cell)
        kinds[row] = read_kinds(cell, len(steps))
    kept = names if only is None else tuple(names[at] for at in only)
    return Stretch(kept, sequences, steps, times, values, kinds, read_extras(head))


def join(old: Stretch, new: Stretch) -> Stretch:
    """Put later rows of the same keys behind earlier ones."""
    extras = old.extras | {at + len(old): extra for at, extra in new.extras.items()}
    return Stretch(
        names=old.names,
        sequences=np.concatenate([old.sequences, new.sequences]),
        steps=np.concatenate([old.steps, new.steps]),
        times=np.concatenate([old.times, new.times]),
        values=np.concatenate([old.values, new.values], axis=1),
        kinds=np.concatenate([kinds_matrix(old), kinds_matrix(new)], axis=1),
        extras=extras,
    )


def kinds_matrix(rows: Stretch) -> Kinds:
    """Return one kind for each value."""
    if isinstance(rows.kinds, str):
        column = np.frombuffer(rows.kinds.encode(), np.uint8)
        return np.repeat(column[:, None], len(rows), axis=1)
    return rows.kinds


def pieces(rows: Stretch) -> Iterator[Stretch]:
    """Cut rows into parts; the last may be short."""
    for at in range(0, len(rows), PART_POINTS):
        cut = slice(at, at + PART_POINTS)
        yield Stretch(
            names=rows.names,
            sequences=rows.sequences[cut],
            steps=rows.steps[cut],
            times=rows.times[cut],
            values=rows.values[:, cut],
            kinds=rows.kinds if isinstance(rows.kinds, str) else rows.kinds[:, cut],
            extras={old - at: extra for old, extra in rows.extras.items() if at <= old < at + PART_POINTS},
        )


def _pack_column(rows: Stretch, position: int) -> tuple[bytes, bytes | None]:
    packed = pack(rows.values[position])
    if isinstance(rows.kinds, str):
        return rows.kinds[position].encode() + packed, None
    kinds = rows.kinds[position]
    if (kinds == kinds[0]).all():
        return bytes([kinds[0]]) + packed, None
    return bytes([MIXED]) + packed, compress(kinds.tobytes())


def _add_bucket(built: Built, key: int, buckets: Buckets) -> None:
    data = pack_buckets(buckets)
    built.buckets.append((key, crc(data), data))
