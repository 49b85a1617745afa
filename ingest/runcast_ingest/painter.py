"""What a session shows of runs: what the store has, and what the hub holds behind it.

No event is missing and none comes twice, because every place is taken before the store is read: what the read did not
see is held by the hub, and what both have is told apart by (writer, sequence). What cannot be finished now, because the
hub let go of a part meanwhile, is tried again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import ExitStack

from runcast.frames import DELTA, ENVELOPE, SNAPSHOT, VIEW, View
from runcast_ingest.batch import Batch
from runcast_ingest.hub import Hub, Pin, Watch
from runcast_ingest.interest import Interest, clamp_px
from runcast_ingest.outbox import Outbox
from runcast_ingest.picture import (
    Choice,
    Stroke,
    count_points,
    draw_curves,
    draw_marks,
    draw_rows,
    draw_stretch,
    runs_of_rows,
)
from runcast_ingest.reaches import Reach, Reaches
from runcast_ingest.roster import Roster, RunInfo
from runcast_ingest.store import records
from runcast_ingest.store.store import Store

BEHIND_ROWS_MAX = 4000  # Of one run; beyond it, a picture of the whole is smaller than what was missed.
PAGE_ROWS, PAGE_VALUES = 16_384, 1_000_000  # Of an exact history in one frame, about.
X_MAX = 2.0**62  # As far as steps and times go.

Job = Callable[[], Awaitable[None]]


class Painter:
    """Draws for one session; `again` takes what is to be tried again, before everything else."""

    def __init__(
        self,
        *,
        store: Store,
        hub: Hub,
        watch: Watch,
        roster: Roster,
        interest: Interest,
        outbox: Outbox,
        reaches: Reaches,
        again: Callable[[Job], None],
    ) -> None:
        self._store, self._hub, self._watch, self._roster = store, hub, watch, roster
        self._interest, self._outbox, self._reaches, self._again = interest, outbox, reaches, again

    def take(self, run: RunInfo, reach: Reach) -> list[Stroke]:
        """Draw what a run published since; what is too much, or was dropped, comes from the store later."""
        if reach.elders != run.elders and self._interest.history:
            return self._later(run, reach, "what comes before it is known by now")
        batches = self._watch.take(run.path)
        rows = 0 if batches is None else sum(batch.last - batch.first + 1 for batch in batches)
        if batches is None or (rows > BEHIND_ROWS_MAX and not self._interest.exact):
            return self._later(run, reach, "the reader fell behind")
        return self._rows(run, batches, reach)

    def _later(self, run: RunInfo, reach: Reach, why: str) -> list[Stroke]:
        """Have a run come from the store: draw nothing now."""
        self._reaches.lose(run.path)
        if self._interest.exact:
            # A program wants what it missed, not a picture of it: the store has it.
            self._again(lambda: self.pages(run, reach.sent, DELTA))
        else:
            self._again(lambda: self.resync(run, why))
        return []

    async def picture(self, run: RunInfo) -> None:
        """Send a run's snapshot, and follow it from there."""
        if self._interest.exact:
            await self.pages(run, {}, SNAPSHOT)
            return
        choice = self._interest.choice
        picker = self._interest.picker(choice)
        with ExitStack() as pins:
            view, pin = await self._read(pins, run, choice)
            elders = run.elders
            await self._outbox.has_room()
            if (tail := pin.batches()) is None:
                self._again(lambda: self.picture(run))
                return
            reach = Reach(choice, dict(view.marks), elders)
            strokes = draw_curves(run, view.curves, view.marks, picker)
            totals = count_points(run, view, tail, picker)
            strokes += self._rows(run, tail, reach)
            strokes += draw_marks(run, reach.sent, after={})
            self._reaches.follow(run, reach)
        await self._outbox.gather(run.i, strokes, totals, envelope(view))

    async def resync(self, run: RunInfo, reason: str) -> None:
        """Send a snapshot in the place of what the client has."""
        await self._outbox.say(ev="resync", run=run.id, reason=reason)
        await self.picture(run)

    async def resume(self, run: RunInfo, marks: dict[str, int]) -> None:
        """Send what a client that was here before has missed; if another run had the id then, a new picture."""
        if not self._interest.exact and _is_foreign(run, marks):
            await self.resync(run, "another run took its id")
            return
        record = await self._store.run(self._interest.project, run.id)
        stored = {} if record is None else {writer.id: writer.mark for writer in record.writers}
        missed = sum(max(0, mark - marks.get(writer, 0)) for writer, mark in stored.items())
        if missed > BEHIND_ROWS_MAX and not self._interest.exact:
            await self.resync(run, "too much was missed")
        else:
            await self.pages(run, marks, DELTA)

    async def from_now(self, run: RunInfo) -> None:
        """Follow a run from where it is, and say where that is, so that the client can come back to it."""
        with self._hub.pin(run.path) as pin:
            record = await self._store.run(self._interest.project, run.id)
            await self._outbox.has_room()
            sent = {} if record is None else {each.id: each.mark for each in record.writers}
            reach = Reach(self._interest.choice, sent, run.elders)
            # What the store lacks the hub holds; what it dropped since is stored, and no mark is too high.
            self._rows(run, pin.batches() or [], reach)
            self._reaches.follow(run, reach)
        if strokes := draw_marks(run, reach.sent, after={}):
            await self._outbox.send(DELTA, strokes)

    async def pages(self, run: RunInfo, after: dict[str, int], kind: int) -> None:
        """Send every row behind the marks `after`, page by page, and follow the run from there."""
        choice = self._interest.choice
        picker = self._interest.picker(choice)
        complete = False
        while not complete:
            with self._hub.pin(run.path) as pin:
                key = None if _is_whole(run, pin.batches()) else await self._key(run)
                elders = run.elders
                before = dict(after)
                strokes: list[Stroke] = []
                complete = True
                if key is not None:
                    names = self._interest.names(choice)
                    rows_max = max(1, min(PAGE_ROWS, PAGE_VALUES // self._interest.width(names)))
                    page = await self._store.rows(key, names, after=after, rows_max=rows_max)
                    complete = page.complete
                    drawn = [draw_stretch(run, writer, rows, picker) for writer, rows in page.rows]
                    strokes = [stroke for stroke in drawn if stroke is not None]
                    after = {**after, **page.marks}
                await self._outbox.has_room()
                if complete and (tail := pin.batches()) is None:
                    complete = False
                elif complete:
                    reach = Reach(choice, after, elders)
                    strokes += self._rows(run, tail or [], reach)
                    self._reaches.follow(run, reach)
            if kind == SNAPSHOT or strokes:
                await self._outbox.send(kind, strokes + draw_marks(run, after, after=before))
            kind = DELTA

    async def fill(self, path: str, choice: Choice) -> None:
        """Send the snapshot of metrics that came into view, at the place where the run's stream stands."""
        reach = self._reaches.get(path)
        run = self._roster.runs.get(path)
        if run is None or reach is None or reach.choice is choice or choice is not self._interest.choice:
            return
        added = self._interest.added(choice, reach.choice)
        if not added.names and choice.names is not None:
            reach.choice = choice
            return
        with ExitStack() as pins:
            view, pin = await self._read(pins, run, added)
            await self._overtake(run, view)
            await self._outbox.has_room()
            tail = pin.batches()
            if self._reaches.get(path) is not reach or tail is None:
                self._again(lambda: self.fill(path, choice))
                return
            strokes = self._behind(run, view, tail, reach, added)
            totals = count_points(run, view, tail, self._interest.picker(added), until=reach.sent)
            reach.choice = choice
        await self._outbox.gather(run.i, strokes, totals, envelope(view))

    async def refine(self, view: View) -> None:
        """Answer a `view`: all runs in one frame."""
        choice = self._interest.choice if view.metrics is None else Choice(view.metrics)
        px = clamp_px(view.px)
        strokes: list[Stroke] = []
        flags = 0
        scale = 1e6 if view.x == "time" else 1.0
        lo, hi = (round(max(-X_MAX, min(x * scale, X_MAX))) for x in (view.lo, view.hi))
        paths = self._reaches.paths()
        with ExitStack() as pins:
            read: list[tuple[RunInfo, records.View, Pin]] = []
            for path in paths:
                if (run := self._roster.runs.get(path)) is None:
                    continue
                found, pin = await self._read(pins, run, choice, px=px, axis=view.x, lo=lo, hi=hi, runs=len(paths))
                read.append((run, found, pin))
            for run, found, _ in read:
                await self._overtake(run, found)
            await self._outbox.has_room()
            for run, found, pin in read:
                reach = self._reaches.get(run.path)
                if reach is None or (tail := pin.batches()) is None:
                    continue  # A snapshot of this run is on its way.
                strokes += self._behind(run, found, tail, reach, choice)
                flags |= envelope(found)
        await self._outbox.send(VIEW, strokes, req=view.req, flags=flags)

    async def _overtake(self, run: RunInfo, view: records.View) -> None:
        """Bring a run's stream at least to where a read of the store stands."""
        reach = self._reaches.get(run.path)
        if reach is None or all(mark <= reach.sent.get(writer, 0) for writer, mark in view.marks.items()):
            return
        await self._outbox.has_room()
        reach = self._reaches.get(run.path)
        if reach is not None and (strokes := self.take(run, reach)):
            await self._outbox.send(DELTA, strokes)

    def _behind(
        self, run: RunInfo, view: records.View, tail: Iterable[Batch], reach: Reach, choice: Choice
    ) -> list[Stroke]:
        """Draw a view, and behind it what the hub holds up to where the run's stream stands."""
        picker = self._interest.picker(choice)
        strokes = draw_curves(run, view.curves, view.marks, picker)
        for rows in runs_of_rows(tail, dict(view.marks), until=reach.sent):
            if (stroke := draw_rows(run, rows, picker)) is not None:
                strokes.append(stroke)
        return strokes

    def _rows(self, run: RunInfo, batches: Iterable[Batch], reach: Reach) -> list[Stroke]:
        picker = self._interest.picker(reach.choice)
        strokes = [draw_rows(run, rows, picker) for rows in runs_of_rows(batches, reach.sent)]
        return [stroke for stroke in strokes if stroke is not None]

    async def _read(
        self,
        pins: ExitStack,
        run: RunInfo,
        choice: Choice,
        *,
        px: int | None = None,
        axis: str = "step",
        lo: int | None = None,
        hi: int | None = None,
        runs: int = 1,
    ) -> tuple[records.View, Pin]:
        # The pin comes first: what the store does not have yet when it is read, the hub then still has.
        pin = pins.enter_context(self._hub.pin(run.path))
        names = self._interest.names(choice)
        key = None if _is_whole(run, pin.batches()) else await self._key(run)
        if key is None:
            return records.View(marks={}, curves=[]), pin
        points_max = self._interest.points_max(names, px=px, runs=runs)
        return await self._store.view(key, names, points_max=points_max, axis=axis, lo=lo, hi=hi), pin

    async def _key(self, run: RunInfo) -> int | None:
        """Find a run in the store; who wrote what comes before it is known from then on, or else it would be passed."""
        if run.key is None and (record := await self._store.run(self._interest.project, run.id)) is not None:
            run.key = record.key
            if self._roster.inherit(record):
                self._hub.nudge(run.path)
        return run.key


def _is_whole(run: RunInfo, batches: Sequence[Batch] | None) -> bool:
    """Whether what is held is all that a run ever published: then the store need not be asked."""
    begun = {batch.writer for batch in batches or () if batch.first == 1}
    # What its bases logged is another run's to the hub, and may be here too.
    return bool(begun) and not run.elders and begun.issuperset(run.writers)


def envelope(view: records.View) -> int:
    """Say by its flag whether a picture leaves points out."""
    return 0 if all(curve.exact for curve in view.curves) else ENVELOPE


def _is_foreign(run: RunInfo, marks: dict[str, int]) -> bool:
    """Whether marks are of what stood under a run's id before it: of nobody who writes to it, or only to its bases."""
    return bool(marks) and (not marks.keys() <= run.writers.keys() or marks.keys() <= run.elders)
