"""What a frame shows: the store's curves and the hub's batches as blocks of the live protocol. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from runcast import frames
from runcast.blocks import Block
from runcast_ingest.batch import Batch
from runcast_ingest.roster import RunInfo
from runcast_ingest.store.records import Curve, View
from runcast_ingest.store.stretch import Stretch

MS = 1e6  # Nanoseconds.

KEYSETS_MAX = 4096  # Sets of keys remembered; a training that makes a new one at every row must not fill our memory.

Total = tuple[int, int, int]  # The numbers of a writer and a metric, and how many points that curve has.
Columns = tuple[list[int], list[int]]  # Places among the names of a block, and the numbers of the metrics there.
Floats = npt.NDArray[np.float64]


class Choice:
    """Which names are asked for: all, or those listed, where one may end in `*`."""

    def __init__(self, names: Sequence[str] | None) -> None:
        self.names = names
        self._whole = frozenset(names or ())
        self._beginnings = tuple(name[:-1] for name in self._whole if name.endswith("*"))

    def __contains__(self, name: str) -> bool:
        return self.names is None or name in self._whole or name.startswith(self._beginnings)


class Picker:
    """Which columns of a block are asked for, and by which numbers; worked out once for each set of keys."""

    def __init__(self, choice: Choice, numbers: Mapping[str, int]) -> None:
        self._choice, self._numbers = choice, numbers
        self._known: dict[tuple[str, ...], Columns] = {}

    def columns(self, names: tuple[str, ...]) -> Columns:
        """Pick the columns."""
        found = self._known.get(names)
        if found is None:
            picked = [(at, number) for at, name in enumerate(names) if (number := self.number(name)) is not None]
            found = [at for at, _ in picked], [number for _, number in picked]
            if len(self._known) >= KEYSETS_MAX:
                self._known.clear()
            self._known[names] = found
        return found

    def number(self, name: str) -> int | None:
        """Give a metric's number; None when it is not asked for."""
        return self._numbers.get(name) if name in self._choice else None


class Stroke(Struct):
    """A block, and what is to be known of it without reading it."""

    data: bytes
    rows: int
    newest_ms: float


class Rows(Struct):
    """Rows of one writer with the same keys, next to each other: what becomes a block."""

    writer: str
    names: tuple[str, ...]
    first: int
    last: int
    blocks: list[Block]


def runs_of_rows(
    batches: Iterable[Batch], after: dict[str, int], *, until: Mapping[str, int] | None = None
) -> Iterator[Rows]:
    """Cut batches into rows with the same keys, leaving out what `after` says was had; moves those marks up.

    Batches that go beyond `until` are left out; it is the end of one.
    """
    open_rows: dict[str, Rows] = {}
    for batch in batches:
        had = after.get(batch.writer, 0)
        if batch.last <= had or (until is not None and batch.last > until.get(batch.writer, 0)):
            continue
        at = batch.first
        for item in batch.items:
            size = item.rows if isinstance(item, Block) else 1
            first, at = at, at + size
            if not isinstance(item, Block) or at - 1 <= had:
                continue
            block = item.after(had - first + 1) if first <= had else item
            rows = open_rows.get(batch.writer)
            if rows is None or rows.names != block.names:
                if rows is not None:
                    yield rows
                open_rows[batch.writer] = Rows(batch.writer, block.names, at - block.rows, at - 1, [block])
            else:
                rows.blocks.append(block)
                rows.last = at - 1
        after[batch.writer] = batch.last
    yield from open_rows.values()


def draw_rows(run: RunInfo, rows: Rows, picker: Picker) -> Stroke | None:
    """Make a block of rows; None when nothing in them is asked for, or who wrote them writes to another run."""
    places, metrics = picker.columns(rows.names)
    if not places or rows.writer not in run.writers or rows.writer in run.elders:
        return None
    blocks = rows.blocks
    steps = np.frombuffer(b"".join([block.steps for block in blocks]), "<i8").astype(np.float64)
    times = np.frombuffer(b"".join([block.times for block in blocks]), "<i8") / MS
    values = np.concatenate(
        [np.frombuffer(block.values, "<f8").reshape(len(rows.names), block.rows)[places] for block in blocks], axis=1
    )
    data = frames.block(
        run.i,
        run.writers[rows.writer].i,
        rows.first,
        rows.last,
        steps,
        times,
        metrics,
        np.ascontiguousarray(values),
    )
    return Stroke(data, len(steps), float(times[-1]))


def draw_stretch(run: RunInfo, writer: str, stretch: Stretch, picker: Picker) -> Stroke | None:
    """Make a block of stored rows; None when nothing in them is asked for."""
    places, metrics = picker.columns(stretch.names)
    if not places or writer not in run.writers:
        return None
    times = stretch.times / MS
    data = frames.block(
        run.i,
        run.writers[writer].i,
        int(stretch.sequences[0]),
        int(stretch.sequences[-1]),
        stretch.steps.astype(np.float64),
        times,
        metrics,
        np.ascontiguousarray(stretch.values[places]),
    )
    return Stroke(data, len(times), float(times[-1]))


def draw_curves(run: RunInfo, curves: Iterable[Curve], marks: Mapping[str, int], picker: Picker) -> list[Stroke]:
    """Make blocks of curves, each up to its writer's mark; those that share their steps and times share a block."""
    groups: dict[tuple[str, int, int, int], list[list[Curve]]] = {}
    for curve in curves:
        if len(curve.steps) == 0 or curve.writer not in run.writers:
            continue
        ends = (curve.writer, len(curve.steps), int(curve.times[0]), int(curve.times[-1]))
        for group in groups.setdefault(ends, []):
            head = group[0]
            if np.array_equal(head.steps, curve.steps) and np.array_equal(head.times, curve.times):
                group.append(curve)
                break
        else:
            groups[ends].append([curve])
    strokes: list[Stroke] = []
    for similar in groups.values():
        for group in similar:
            numbered = [(metric, curve) for curve in group if (metric := picker.number(curve.key)) is not None]
            if not numbered:
                continue
            head = group[0]
            times = head.times / MS
            data = frames.block(
                run.i,
                run.writers[head.writer].i,
                1,
                marks.get(head.writer, head.last),
                head.steps.astype(np.float64),
                times,
                [metric for metric, _ in numbered],
                np.ascontiguousarray(np.stack([curve.values for _, curve in numbered])),
            )
            strokes.append(Stroke(data, len(times), float(times[-1])))
    return strokes


def count_points(
    run: RunInfo, view: View, tail: Iterable[Batch], picker: Picker, *, until: Mapping[str, int] | None = None
) -> list[Total]:
    """Count the points that stand behind a picture of a run: the number of a writer, that of a metric, how many.

    None when the picture shows every point, for then they are counted already.
    """
    if all(curve.exact for curve in view.curves):
        return []
    points: dict[tuple[str, str], int] = {(curve.writer, curve.key): curve.total for curve in view.curves}
    for rows in runs_of_rows(tail, dict(view.marks), until=until):
        for name in rows.names:
            points[rows.writer, name] = points.get((rows.writer, name), 0) + sum(block.rows for block in rows.blocks)
    return [
        (run.writers[writer].i, metric, total)
        for (writer, name), total in points.items()
        if writer in run.writers and (metric := picker.number(name)) is not None
    ]


_NONE = np.empty(0)


def draw_marks(run: RunInfo, marks: Mapping[str, int], *, after: Mapping[str, int]) -> list[Stroke]:
    """Make blocks without rows that say how far the client is with each writer."""
    strokes: list[Stroke] = []
    for writer, mark in marks.items():
        had = after.get(writer, 0)
        if mark > had and writer in run.writers:
            data = frames.block(run.i, run.writers[writer].i, had + 1, mark, _NONE, _NONE, (), _NONE)
            strokes.append(Stroke(data, 0, 0.0))
    return strokes
