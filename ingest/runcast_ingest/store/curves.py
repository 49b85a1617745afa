"""Choose what to read for a curve, and make curves of what was read. Pure: no SQL, no await.

Few points are read as they were logged. Many are read as buckets of the level that still has about one for each
pixel column, and what is too young for that level from the levels below, down to level 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from runcast.wire import decode_items
from runcast_ingest.decimate import m4
from runcast_ingest.store.codec import Floats, Ints, decompress, verify
from runcast_ingest.store.parts import Cell, Part, cell_key, read_axis, read_buckets, read_column
from runcast_ingest.store.pyramid import (
    AXIS,
    BUCKET_POINTS,
    FANOUT,
    PART_POINTS,
    SERIES,
    Buckets,
    points_of,
)
from runcast_ingest.store.reader import AxisHead, Fetched, Level0Row, WriterHead
from runcast_ingest.store.records import Curve, Series
from runcast_ingest.store.schema import AXIS_POSITION
from runcast_ingest.store.stretch import Stretch, blocks_of, gather

READ_EXACTLY_PARTS = 64  # Decoding so many costs 8 ms.
NO_INTS: Ints = np.empty(0, np.int64)
NO_FLOATS: Floats = np.empty(0, np.float64)


class Asked(Struct, frozen=True):
    """A question about curves: which keys, which stretch of which axis, and how many points at most."""

    keys: frozenset[str] | None
    points_max: int | None
    unit: str = "step"
    lo: int | None = None
    hi: int | None = None
    after: Mapping[str, int] | None = None  # By writer: what the asker has already.

    def wants(self, axis: AxisHead) -> list[int]:
        """List the positions of the axis's keys that are asked for."""
        if self.keys is None:
            return list(range(len(axis.names)))
        places = _places(axis.names)
        return sorted(places[name] for name in self.keys if name in places)


@lru_cache(maxsize=256)
def _places(names: tuple[str, ...]) -> dict[str, int]:
    """Where each key stands: the runs of a project mostly have the same."""
    return {name: at for at, name in enumerate(names)}


class Choice(Struct, frozen=True):
    """What to read of one axis: parts whole, and parts as buckets."""

    axis: AxisHead
    positions: list[int]
    whole: list[Part]
    buckets: list[Part]
    hidden: int = 0  # Rows that stand behind the buckets.

    def chunk_keys(self) -> list[int]:
        """Name the chunks to read."""
        return [cell_key(part.key, position) for part in self.whole for position in (AXIS_POSITION, *self.positions)]

    def bucket_keys(self) -> list[int]:
        """Name the bucket rows to read."""
        return [cell_key(part.key, position) for part in self.buckets for position in (AXIS_POSITION, *self.positions)]

    def cells(self, fetched: Fetched, position: int) -> list[Cell]:
        """Pick one key's bucket rows out of what was fetched."""
        return [fetched.buckets[cell_key(part.key, position)] for part in self.buckets]


def choose(asked: Asked, axis: AxisHead, parts: Sequence[Part]) -> Choice:
    """Decide which parts of an axis to read whole, and which as buckets; `parts` are those in range, all levels."""
    low = [part for part in parts if part.level == 1]
    # Of a base's part that goes on beyond the branch, each point has to be looked at.
    torn = [part for part in low if axis.until is not None and part.step_high > axis.until]
    rows = sum(part.rows for part in low) - sum(part.rows for part in torn)
    rising = all(part.steps_rise and (asked.unit != "time" or part.times_rise) for part in low)
    columns = max(1, (asked.points_max or 0) // 4)
    # Fewer buckets than columns would look coarse.
    few = rows <= min(columns * BUCKET_POINTS, READ_EXACTLY_PARTS * PART_POINTS)
    if asked.points_max is None or asked.after is not None or few or not rising:
        return Choice(axis, asked.wants(axis), low, [])
    level = 1
    while rows // bucket_points(level + 1) >= columns:
        level += 1
    chosen: list[Part] = []
    covered = -1  # Highest part of level 1 that a higher level stands for.
    for each in range(level, 0, -1):
        width = FANOUT ** (each - 1)
        above = [
            part
            for part in parts
            if part.level == each
            and part.number * width > covered
            and (axis.until is None or part.step_high <= axis.until)
        ]
        chosen += above
        if above:
            covered = (above[-1].number + 1) * width - 1
    chosen.sort(key=lambda part: part.first)
    return Choice(axis, asked.wants(axis), torn, chosen, rows)


def bucket_points(level: int) -> int:
    """Say how many points a bucket of a level stands for."""
    return BUCKET_POINTS if level == 1 else PART_POINTS * FANOUT ** (level - 2)


class Pieces(Struct):
    """What is known of one key of one writer: points, and buckets."""

    writer: int
    key: str
    kinds: set[str]
    points: list[tuple[Ints, Ints, Ints, Floats]]  # sequences, steps, times, values
    buckets: list[tuple[Buckets, Buckets]]
    hidden: int = 0


def collect(asked: Asked, fetched: Fetched, choices: Iterable[Choice]) -> list[Pieces]:
    """Decode what was fetched, by writer and key. Raises Damaged."""
    found: dict[tuple[int, str], Pieces] = {}

    def piece(writer: int, key: str, kind: str) -> Pieces:
        got = found.setdefault((writer, key), Pieces(writer, key, set(), [], []))
        got.kinds.add(kind)
        return got

    for choice in choices:
        axis = choice.axis
        for part in choice.whole:
            steps, times, sequences = read_axis(fetched.chunks[cell_key(part.key, AXIS_POSITION)])
            mask = _mask(asked, fetched.writers[axis.writer], sequences, steps, times)
            for at in choice.positions:
                values = read_column(fetched.chunks[cell_key(part.key, at)])
                cut = (sequences, steps, times, values) if mask is None else _cut(mask, sequences, steps, times, values)
                piece(axis.writer, axis.names[at], axis.kinds[at]).points.append(cut)
        if choice.buckets:
            head = read_buckets(choice.cells(fetched, AXIS_POSITION), AXIS)
            for at in choice.positions:
                got = piece(axis.writer, axis.names[at], axis.kinds[at])
                got.hidden += choice.hidden
                got.buckets.append((head, read_buckets(choice.cells(fetched, at), SERIES)))
    for writer, stretch in read_level0(fetched.level0, asked.keys):
        mask = _mask(asked, fetched.writers[writer], stretch.sequences, stretch.steps, stretch.times)
        for at, name in enumerate(stretch.names):
            columns = (stretch.sequences, stretch.steps, stretch.times, stretch.values[at])
            piece(writer, name, stretch.kind(at)).points.append(columns if mask is None else _cut(mask, *columns))
    return list(found.values())


def curve(asked: Asked, pieces: Pieces, writer: WriterHead) -> Curve:
    """Make the curve of one key of one writer."""
    _, steps, times, values = merge(pieces.points)
    total = len(steps) + pieces.hidden
    exact = not pieces.buckets
    for axis, buckets in pieces.buckets:
        more = points_of(axis, buckets)
        steps, times, values = (np.concatenate(pair) for pair in zip((steps, times, values), more, strict=True))
    if not exact:
        order = np.argsort(steps, kind="stable")
        steps, times, values = steps[order], times[order], values[order]
        keep = _within(asked, steps, times)
        steps, times, values = steps[keep], times[keep], values[keep]
    if asked.unit == "time" and (times[1:] < times[:-1]).any():
        order = np.argsort(times, kind="stable")
        steps, times, values = steps[order], times[order], values[order]
    if asked.points_max is not None and len(steps) > asked.points_max:
        columns = max(1, asked.points_max // 4)
        kept = m4(times if asked.unit == "time" else steps, values, columns)
        steps, times, values = steps[kept], times[kept], values[kept]
        exact = False
    after = (asked.after or {}).get(writer.id, 0)
    kind = pieces.kinds.pop() if len(pieces.kinds) == 1 else "f"
    return Curve(
        key=pieces.key,
        writer=writer.id,
        label=writer.label,
        kind=kind,
        exact=exact,
        total=total,
        steps=steps,
        times=times,
        values=values,
        first=after + 1,
        last=writer.mark,
    )


def series(asked: Asked, key: str, every: Sequence[Pieces]) -> Series:
    """Make one key of all of a run's writers into a line, or into a band of at most `points_max` columns."""
    merged = merge([points for pieces in every for points in pieces.points])
    _, steps, times, values = merged
    hidden = sum(pieces.hidden for pieces in every)
    total = len(steps) + hidden
    points_max = asked.points_max
    if not hidden and (points_max is None or total <= points_max):
        if asked.unit == "time":
            order = np.argsort(times, kind="stable")
            steps, times, values = steps[order], times[order], values[order]
        none = NO_FLOATS
        return Series(key, True, total, steps, times, values, none, none, none, NO_INTS)
    spans = [Spans.of_points(steps, times, values)]
    spans += [Spans.of_buckets(*pair) for pieces in every for pair in pieces.buckets]
    band = Spans.joined([each for each in spans if len(each.steps)] or spans[:1])
    x = band.times if asked.unit == "time" else band.steps
    if (x[1:] < x[:-1]).any():
        band = band.at(np.argsort(x, kind="stable"))
    if hidden:
        band = band.at(_within(asked, band.last_steps, band.last_times) | _within(asked, band.steps, band.times))
    x = band.times if asked.unit == "time" else band.steps
    if not len(x):
        none = NO_FLOATS
        return Series(key, False, total, NO_INTS, NO_INTS, none, none, none, none, NO_INTS)
    width = (int(x[-1]) - int(x[0])) // max(1, points_max or 1) + 1
    # A difference of int64 that runs over is right as uint64.
    column = (x - x[0]).view(np.uint64) // np.uint64(width)
    cut = np.flatnonzero(np.concatenate([[True], column[1:] != column[:-1]]))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        counts = np.add.reduceat(band.count, cut, dtype=np.int64)
        sums = np.add.reduceat(np.where(band.count > 0, band.mean, 0.0) * band.count, cut)
        mean = sums / counts
    return Series(
        key=key,
        exact=False,
        total=total,
        steps=band.steps[cut],
        times=band.times[cut],
        values=NO_FLOATS,
        low=np.fmin.reduceat(band.low, cut),
        mean=mean,
        high=np.fmax.reduceat(band.high, cut),
        count=counts,
    )


class Spans(Struct, frozen=True):
    """What a band is made of: buckets, or points, each of which is a bucket of one."""

    steps: Ints
    times: Ints
    last_steps: Ints
    last_times: Ints
    low: Floats
    high: Floats
    mean: Floats
    count: npt.NDArray[np.integer | np.bool_]

    @classmethod
    def of_points(cls, steps: Ints, times: Ints, values: Floats) -> Spans:
        """Take points as they are."""
        return cls(steps, times, steps, times, values, values, values, ~np.isnan(values))

    @classmethod
    def of_buckets(cls, axis: Buckets, buckets: Buckets) -> Spans:
        """Take buckets."""
        ends = (axis[name] for name in ("first_step", "first_time", "last_step", "last_time"))
        return cls(*ends, *(buckets[name] for name in ("low", "high", "mean", "count")))

    @classmethod
    def joined(cls, spans: Sequence[Spans]) -> Spans:
        """Put one behind the other."""
        if len(spans) == 1:
            return spans[0]
        return cls(*(np.concatenate(columns) for columns in zip(*map(msgspec.structs.astuple, spans), strict=True)))

    def at(self, chosen: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Spans:
        """Pick some, in this order."""
        return Spans(*(column[chosen] for column in msgspec.structs.astuple(self)))


def merge(points: Sequence[tuple[Ints, Ints, Ints, Floats]]) -> tuple[Ints, Ints, Ints, Floats]:
    """Put points in order of step; of those with the same step, the one logged last stays."""
    if not points:
        return NO_INTS, NO_INTS, NO_INTS, NO_FLOATS
    sequences, steps, times, values = (np.concatenate(columns) for columns in zip(*points, strict=True))
    if (steps[1:] > steps[:-1]).all():
        return sequences, steps, times, values
    order = np.lexsort((sequences, steps))
    last = np.ones(len(order), bool)
    last[:-1] = steps[order][1:] != steps[order][:-1]
    order = order[last]
    return sequences[order], steps[order], times[order], values[order]


def read_level0(rows: Iterable[Level0Row], keys: frozenset[str] | None) -> list[tuple[int, Stretch]]:
    """Decode level 0 into stretches, by writer. Raises Damaged."""
    by_writer: dict[int, list[Level0Row]] = {}
    for row in rows:
        by_writer.setdefault(row.writer, []).append(row)
    stretches: list[tuple[int, Stretch]] = []
    for writer, group in by_writer.items():
        blocks = []
        for row in group:
            verify("a row of level 0", row.crc, row.data)
            blocks += blocks_of(decode_items(decompress(row.data)), row.first)
        if keys is not None:
            blocks = [(first, block) for first, block in blocks if not keys.isdisjoint(block.names)]
        stretches += [(writer, stretch) for stretch in gather(blocks, keys)]
    return stretches


def _mask(asked: Asked, writer: WriterHead, sequences: Ints, steps: Ints, times: Ints) -> npt.NDArray[np.bool_] | None:
    mask = None
    if asked.lo is not None or asked.hi is not None:
        mask = _within(asked, steps, times)
    if asked.after is not None:
        new = sequences > asked.after.get(writer.id, 0)
        mask = new if mask is None else mask & new
    if writer.until is not None:
        before = steps <= writer.until
        mask = before if mask is None else mask & before
    return mask


def _within(asked: Asked, steps: Ints, times: Ints) -> npt.NDArray[np.bool_]:
    x = times if asked.unit == "time" else steps
    mask = np.ones(len(x), bool)
    if asked.lo is not None:
        mask &= x >= asked.lo
    if asked.hi is not None:
        mask &= x <= asked.hi
    return mask


def _cut(
    mask: npt.NDArray[np.bool_], sequences: Ints, steps: Ints, times: Ints, values: Floats
) -> tuple[Ints, Ints, Ints, Floats]:
    return sequences[mask], steps[mask], times[mask], values[mask]
