"""One live subscription: a snapshot of each run, then what comes, at the pace of its reader.

No event is missing and none comes twice, because every place is taken before the store is read: what the read did not
see is held by the hub, and what both have is told apart by (writer, sequence). It knows the store's reads, the hub and
the roster; of the socket it knows how to send.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from typing import Any

import msgspec
from msgspec import Struct

from runcast import frames
from runcast.frames import DELTA, ENVELOPE, PROTOCOL, SNAPSHOT, VIEW, Subscribe, View, Window
from runcast.names import ASIDE
from runcast_ingest.batch import Batch
from runcast_ingest.broadcast import Broadcast
from runcast_ingest.hub import Pin, Watch
from runcast_ingest.picture import (
    Choice,
    Picker,
    Stroke,
    count_points,
    draw_curves,
    draw_marks,
    draw_rows,
    draw_stretch,
    runs_of_rows,
)
from runcast_ingest.roster import SUMMARIES_KEYS_MAX, SUMMARY_KEYS_MAX, SUMMARY_KEYS_MIN, Roster, RunInfo
from runcast_ingest.store import records
from runcast_ingest.store.store import Store

UNACKED_FRAMES_MAX = 2  # One being drawn, one on the way: a third would only wait.
FRAME_SECONDS = 1 / 30  # Faster than this nobody sees a difference, and every frame costs a wake-up at both ends.
EXACT_FRAME_SECONDS = 0.005  # A program that asked for every row wants it now.
GATHER_SECONDS = 0.001  # What trainers send at the same moment leaves in one frame.
BEHIND_ROWS_MAX = 4000  # Of one run; beyond it, a picture of the whole is smaller than what was missed.
PAGE_ROWS, PAGE_VALUES = 16_384, 1_000_000  # Of an exact history in one frame, about.
GATHERED_BYTES_MAX = 256 * 1024  # Snapshots of several runs in one frame: a tenth of a second on a slow line.
PICTURE_POINTS_MAX = 1_000_000  # In one frame; of a thousand curves each gets fewer columns.
PX_MIN, PX_MAX = 16, 4000
X_MAX = 2.0**62  # As far as steps and times go.
RUN_SECONDS = 0.5  # Between two messages about one run, where it can wait.


Total = tuple[int, int, int]  # The numbers of a writer and a metric, and how many points that curve has.


class Reach(Struct):
    """How far a session is with one run: the metrics it streams, and by writer the last sequence accounted for."""

    choice: Choice
    sent: dict[str, int]


class Session:
    """One subscription, from its welcome to its end."""

    def __init__(
        self,
        subscribe: Subscribe,
        *,
        store: Store,
        broadcast: Broadcast,
        send_text: Callable[[str], Awaitable[None]],
        send_frame: Callable[[bytes], Awaitable[None]],
        seq: int = 0,
    ) -> None:
        self._asked = subscribe
        self._store, self._broadcast, self._hub = store, broadcast, broadcast.hub
        self._send_text, self._send_bytes = send_text, send_frame
        self._runs_chosen, self._choice = Choice(subscribe.runs), Choice(subscribe.metrics)
        self._px = clamp_px(subscribe.px)
        self._reaches: dict[str, Reach] = {}
        self._jobs: deque[Callable[[], Awaitable[None]]] = deque()
        self._begun: dict[str, int] = {}  # Paths that have a reach, or a job that will give them one, and their runs.
        self._picking: tuple[Choice, Picker] | None = None
        self._named: tuple[Choice | None, int, list[str]] = (None, 0, [])
        self._gathered: list[Stroke] = []
        self._gathered_flags = 0
        self._gathered_totals: list[tuple[int, Sequence[Total]]] = []
        self._window: Window | None = None
        self._view: View | None = None
        self._told: dict[str, tuple[int, float]] = {}  # By path: the version last told, and when.
        self._untold: set[str] = set()
        self._retirements = 0
        self._told_metrics = self._told_writers = 0
        self._keys_max = SUMMARY_KEYS_MAX
        self.seq = self._acked = seq
        self._room = asyncio.Event()
        self._roster: Roster
        self._watch: Watch
        self._sent_at = 0.0

    # What the reader of the socket calls.

    def ack(self, seq: int) -> None:
        """Hear that a frame was decoded."""
        self._acked = min(max(self._acked, seq), self.seq)
        self._room.set()

    def look(self, request: Window | View) -> None:
        """Take a new window, or a view; a newer one takes the place of one that is still waiting."""
        if isinstance(request, Window):
            self._window = request
        else:
            self._view = request
        self._watch.woken.set()

    # The pump.

    async def run(self) -> None:
        """Send, until cancelled."""
        with self._hub.watch(self._asked.project) as self._watch:
            async with self._broadcast.roster(self._asked.project) as self._roster:
                await self._welcome()
                await self._pump()

    async def _welcome(self) -> None:
        for name in self._asked.runs or ():
            # What was set aside is in no list; whoever names it sees it.
            if ASIDE in name and (record := await self._store.run(self._asked.project, name)) is not None:
                self._roster.add(record)
        runs = [run for run in self._roster.runs.values() if self._wants(run)]
        self._keys_max = max(SUMMARY_KEYS_MIN, min(SUMMARY_KEYS_MAX, SUMMARIES_KEYS_MAX // max(1, len(runs))))
        now = time.monotonic()
        self._told = {run.path: (run.version, now) for run in runs}
        self._told_metrics, self._told_writers = len(self._roster.metrics), len(self._roster.writers)
        await self._say(
            ev="welcome",
            proto=PROTOCOL,
            server_ms=time.time() * 1000,
            project=self._asked.project,
            runs=[run.told(self._keys_max) for run in runs],
            metrics=self._roster.metrics,
            writers=[writer for run in runs for writer in run.writers.values()],
        )
        # What still runs is looked at first, then what is new.
        for run in sorted(runs, key=lambda run: (run.state != "running", -run.created)):
            self._begin(run)
        self._jobs.append(self._synced)

    def _begin(self, run: RunInfo, *, fresh: bool = False) -> None:
        self._begun[run.path] = run.i
        resume = self._asked.resume.get(run.id)
        if fresh or (resume is None and self._asked.history):
            self._jobs.append(lambda: self._picture(run))
        elif resume is None:
            self._jobs.append(lambda: self._from_now(run))
        else:
            self._jobs.append(lambda: self._resume(run, dict(resume)))

    async def _synced(self) -> None:
        await self._say(ev="synced")

    async def _pump(self) -> None:
        pace = EXACT_FRAME_SECONDS if self._asked.exact else FRAME_SECONDS
        while True:
            self._take_requests()
            if self._jobs:
                await self._jobs.popleft()()
                if time.monotonic() - self._sent_at < pace and self._jobs:
                    continue
            elif not self._watch.woken.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(RUN_SECONDS / 2 if self._untold else None):
                        await self._watch.woken.wait()
                await asyncio.sleep(max(GATHER_SECONDS, self._sent_at + pace - time.monotonic()))
            await self._flush()
            await self._has_room()
            self._watch.woken.clear()
            await self._deltas()

    def _take_requests(self) -> None:
        if (window := self._window) is not None:
            self._window = None
            self._choice, self._px = Choice(window.metrics), clamp_px(window.px)
            for path in self._begun:
                self._jobs.append(lambda path=path, choice=self._choice: self._fill(path, choice))  # type: ignore[misc]
            self._jobs.append(self._synced)
        if (view := self._view) is not None:
            self._view = None
            self._jobs.appendleft(lambda: self._refine(view))

    async def _has_room(self) -> None:
        while self.seq - self._acked >= UNACKED_FRAMES_MAX:
            self._room.clear()
            await self._room.wait()

    async def _deltas(self) -> None:
        """Send what is new of all runs as one frame, and announce what it speaks of."""
        paths, self._watch.news = self._watch.news, set()
        self._forget_retired()
        strokes: list[Stroke] = []
        for path in paths:
            run = self._roster.runs.get(path)
            if run is None or not self._wants(run):
                continue
            self._untold.add(path)
            if path not in self._begun:
                self._begin(run, fresh=True)
            elif path in self._reaches:
                strokes += self._take(run)
        await self._tell_all()
        if strokes:
            await self._send(DELTA, strokes)

    def _take(self, run: RunInfo) -> list[Stroke]:
        reach = self._reaches[run.path]
        batches = self._watch.take(run.path)
        rows = 0 if batches is None else sum(batch.last - batch.first + 1 for batch in batches)
        if batches is None or (rows > BEHIND_ROWS_MAX and not self._asked.exact):
            self._lose(run)
            if self._asked.exact:
                # A program wants what it missed, not a picture of it: the store has it.
                self._jobs.appendleft(lambda: self._pages(run, reach.sent, DELTA))
            else:
                self._jobs.appendleft(lambda: self._resync(run, "the reader fell behind"))
            return []
        return self._rows(run, batches, reach)

    def _forget_retired(self) -> None:
        """Give up what the roster has retired: the client keeps what it has of it."""
        if self._retirements == self._roster.retirements:
            return
        self._retirements = self._roster.retirements
        for path in {*self._begun, *self._told}:
            run = self._roster.runs.get(path)
            if run is not None and self._begun.get(path, run.i) == run.i:
                continue
            self._told.pop(path, None)
            if self._reaches.pop(path, None) is not None:
                self._watch.leave(path)
            if self._begun.pop(path, None) is not None and run is not None:
                self._begun[path] = run.i
                self._untold.add(path)
                self._jobs.append(lambda run=run: self._resync(run, "another run took its id"))  # type: ignore[misc]

    def _follow(self, run: RunInfo, reach: Reach) -> None:
        """Go on from where a run's stream stands, unless the roster retired the run while that was found out."""
        if self._roster.runs.get(run.path) is run:
            self._reaches[run.path] = reach
            self._watch.follow(run.path)

    def _lose(self, run: RunInfo) -> None:
        del self._reaches[run.path]
        self._watch.leave(run.path)

    def _rows(self, run: RunInfo, batches: Iterable[Batch], reach: Reach) -> list[Stroke]:
        picker = self._picker(reach.choice)
        strokes = [draw_rows(run, rows, picker) for rows in runs_of_rows(batches, reach.sent)]
        return [stroke for stroke in strokes if stroke is not None]

    # Pictures: what the store has, and what the hub holds behind it.

    async def _picture(self, run: RunInfo) -> None:
        """Send a run's snapshot, and follow it from there."""
        if self._asked.exact:
            await self._pages(run, {}, SNAPSHOT)
            return
        choice = self._choice
        with ExitStack() as pins:
            view, pin = await self._read(pins, run, choice)
            await self._has_room()
            if (tail := pin.batches()) is None:
                self._jobs.appendleft(lambda: self._picture(run))
                return
            reach = Reach(choice, dict(view.marks))
            strokes = draw_curves(run, view.curves, view.marks, self._picker(choice))
            totals = count_points(run, view, tail, self._picker(choice))
            strokes += self._rows(run, tail, reach)
            strokes += draw_marks(run, reach.sent, after={})
            self._follow(run, reach)
        await self._gather(run, strokes, totals, envelope(view))

    async def _resync(self, run: RunInfo, reason: str) -> None:
        await self._say(ev="resync", run=run.id, reason=reason)
        await self._picture(run)

    async def _resume(self, run: RunInfo, marks: dict[str, int]) -> None:
        """Send what a client that was here before has missed."""
        record = await self._store.run(self._asked.project, run.id)
        stored = {} if record is None else {writer.id: writer.mark for writer in record.writers}
        missed = sum(max(0, mark - marks.get(writer, 0)) for writer, mark in stored.items())
        if missed > BEHIND_ROWS_MAX and not self._asked.exact:
            await self._resync(run, "too much was missed")
        else:
            await self._pages(run, marks, DELTA)

    async def _from_now(self, run: RunInfo) -> None:
        """Follow a run from where it is, and say where that is, so that the client can come back to it."""
        with self._hub.pin(run.path) as pin:
            record = await self._store.run(self._asked.project, run.id)
            await self._has_room()
            reach = Reach(self._choice, {} if record is None else {each.id: each.mark for each in record.writers})
            # What the store lacks the hub holds; what it dropped since is stored, and no mark is too high.
            self._rows(run, pin.batches() or [], reach)
            self._follow(run, reach)
        if strokes := draw_marks(run, reach.sent, after={}):
            await self._send(DELTA, strokes)

    async def _pages(self, run: RunInfo, after: dict[str, int], kind: int) -> None:
        """Send every row behind the marks `after`, page by page, and follow the run from there."""
        choice = self._choice
        picker = self._picker(choice)
        complete = False
        while not complete:
            with self._hub.pin(run.path) as pin:
                key = None if _is_whole(run, pin.batches()) else await self._key(run)
                before = dict(after)
                strokes: list[Stroke] = []
                complete = True
                if key is not None:
                    names = self._names(choice)
                    width = max(1, len(self._roster.metrics if names is None else names))
                    rows_max = max(1, min(PAGE_ROWS, PAGE_VALUES // width))
                    page = await self._store.rows(key, names, after=after, rows_max=rows_max)
                    complete = page.complete
                    drawn = [draw_stretch(run, writer, rows, picker) for writer, rows in page.rows]
                    strokes = [stroke for stroke in drawn if stroke is not None]
                    after = {**after, **page.marks}
                await self._has_room()
                if complete and (tail := pin.batches()) is None:
                    complete = False
                elif complete:
                    reach = Reach(choice, after)
                    strokes += self._rows(run, tail or [], reach)
                    self._follow(run, reach)
            if kind == SNAPSHOT or strokes:
                await self._send(kind, strokes + draw_marks(run, after, after=before))
            kind = DELTA

    async def _fill(self, path: str, choice: Choice) -> None:
        """Send the snapshot of metrics that came into view, at the place where the run's stream stands."""
        reach = self._reaches.get(path)
        run = self._roster.runs.get(path)
        if run is None or reach is None or reach.choice is choice or choice is not self._choice:
            return
        added = Choice([name for name in self._names(choice) or self._roster.metrics if name not in reach.choice])
        if not added.names and choice.names is not None:
            reach.choice = choice
            return
        with ExitStack() as pins:
            view, pin = await self._read(pins, run, added)
            await self._overtake(run, view)
            await self._has_room()
            tail = pin.batches()
            if self._reaches.get(path) is not reach or tail is None:
                self._jobs.appendleft(lambda: self._fill(path, choice))
                return
            strokes = self._behind(run, view, tail, reach, added)
            totals = count_points(run, view, tail, self._picker(added), until=reach.sent)
            reach.choice = choice
        await self._gather(run, strokes, totals, envelope(view))

    async def _refine(self, view: View) -> None:
        """Answer a `view`: all runs in one frame."""
        choice = self._choice if view.metrics is None else Choice(view.metrics)
        px = clamp_px(view.px)
        strokes: list[Stroke] = []
        flags = 0
        scale = 1e6 if view.x == "time" else 1.0
        lo, hi = (round(max(-X_MAX, min(x * scale, X_MAX))) for x in (view.lo, view.hi))
        with ExitStack() as pins:
            read: list[tuple[RunInfo, records.View, Pin]] = []
            for path in list(self._reaches):
                if (run := self._roster.runs.get(path)) is None:
                    continue
                found, pin = await self._read(
                    pins, run, choice, px=px, axis=view.x, lo=lo, hi=hi, runs=len(self._reaches)
                )
                read.append((run, found, pin))
            for run, found, _ in read:
                await self._overtake(run, found)
            await self._has_room()
            for run, found, pin in read:
                reach = self._reaches.get(run.path)
                if reach is None or (tail := pin.batches()) is None:
                    continue  # A snapshot of this run is on its way.
                strokes += self._behind(run, found, tail, reach, choice)
                flags |= envelope(found)
        await self._send(VIEW, strokes, req=view.req, flags=flags)

    async def _overtake(self, run: RunInfo, view: records.View) -> None:
        """Bring a run's stream at least to where a read of the store stands."""
        reach = self._reaches.get(run.path)
        if reach is None or all(mark <= reach.sent.get(writer, 0) for writer, mark in view.marks.items()):
            return
        await self._has_room()
        if run.path in self._reaches and (strokes := self._take(run)):
            await self._send(DELTA, strokes)

    def _behind(
        self, run: RunInfo, view: records.View, tail: Iterable[Batch], reach: Reach, choice: Choice
    ) -> list[Stroke]:
        """Draw a view, and behind it what the hub holds up to where the run's stream stands."""
        picker = self._picker(choice)
        strokes = draw_curves(run, view.curves, view.marks, picker)
        for rows in runs_of_rows(tail, dict(view.marks), until=reach.sent):
            if (stroke := draw_rows(run, rows, picker)) is not None:
                strokes.append(stroke)
        return strokes

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
        names = self._names(choice)
        key = None if _is_whole(run, pin.batches()) else await self._key(run)
        if key is None:
            return records.View(marks={}, curves=[]), pin
        curves = max(1, len(self._roster.metrics if names is None else names)) * runs
        columns = max(PX_MIN, min(px or self._px, PICTURE_POINTS_MAX // (4 * curves)))
        points_max = None if self._asked.exact else 4 * columns
        view = await self._store.view(key, names, points_max=points_max, axis=axis, lo=lo, hi=hi)
        return view, pin

    async def _key(self, run: RunInfo) -> int | None:
        if run.key is None:
            record = await self._store.run(self._asked.project, run.id)
            run.key = None if record is None else record.key
        return run.key

    def _wants(self, run: RunInfo) -> bool:
        """Whether a run is asked for; of those that were set aside, only what is named."""
        return run.id in self._runs_chosen and (ASIDE not in run.id or self._runs_chosen.names is not None)

    def _names(self, choice: Choice) -> list[str] | None:
        if choice.names is None:
            return None
        # A thousand runs ask the same of a thousand names; those only become more.
        known, count, names = self._named
        if known is not choice or count != len(self._roster.metrics):
            names = [name for name in self._roster.metrics if name in choice]
            self._named = choice, len(self._roster.metrics), names
        return names

    def _picker(self, choice: Choice) -> Picker:
        if choice is not self._choice:
            return Picker(choice, self._roster.metric_numbers)
        if self._picking is None or self._picking[0] is not choice:
            self._picking = choice, Picker(choice, self._roster.metric_numbers)
        return self._picking[1]

    # What leaves.

    async def _tell_all(self) -> None:
        """Announce what changed of runs, as often as each of them may."""
        now = time.monotonic()
        for path in list(self._untold):
            run = self._roster.runs.get(path)
            if run is None:
                self._untold.discard(path)
                continue
            version, at = self._told.get(path, (-1, 0.0))
            if run.version == version:
                self._untold.discard(path)
            elif version < run.urgent or now - at >= RUN_SECONDS:
                self._untold.discard(path)
                await self._tell(run)

    async def _tell(self, run: RunInfo) -> None:
        self._told[run.path] = (run.version, time.monotonic())
        await self._say(ev="run", run=run.told(self._keys_max))

    async def _gather(self, run: RunInfo, strokes: Sequence[Stroke], totals: Sequence[Total], flags: int) -> None:
        """Send a run's snapshot, together with the next ones: a thousand frames would each wait for their answer."""
        self._gathered += strokes
        self._gathered_flags |= flags
        if totals:
            self._gathered_totals.append((run.i, totals))
        if sum(len(stroke.data) for stroke in self._gathered) >= GATHERED_BYTES_MAX:
            await self._flush()

    async def _flush(self) -> None:
        if not self._gathered:
            return
        await self._has_room()
        strokes, flags = self._gathered, self._gathered_flags
        self._gathered, self._gathered_flags = [], 0
        totals, self._gathered_totals = self._gathered_totals, []
        await self._send(SNAPSHOT, strokes, flags=flags)
        for run, points in totals:
            await self._say(ev="totals", run=run, points=points)

    async def _send(self, kind: int, strokes: Sequence[Stroke], *, req: int = 0, flags: int = 0) -> None:
        await self._flush()  # What follows a snapshot comes after it.
        self.seq += 1
        data = frames.frame(
            kind,
            self.seq,
            [stroke.data for stroke in strokes],
            newest_ms=max((stroke.newest_ms for stroke in strokes), default=0.0),
            sent_ms=time.time() * 1000,
            req=req,
            flags=flags,
        )
        await self._name_numbers()
        self._sent_at = time.monotonic()
        await self._send_bytes(data)

    async def _name_numbers(self) -> None:
        # Numbers first: the frame that follows uses them.
        metrics, self._told_metrics = self._told_metrics, len(self._roster.metrics)
        for i in range(metrics, self._told_metrics):
            await self._say(ev="metric", i=i, name=self._roster.metrics[i])
        writers, self._told_writers = self._told_writers, len(self._roster.writers)
        for writer in self._roster.writers[writers : self._told_writers]:
            run = None if writer is None else self._roster.numbered[writer.run]
            if run is not None and self._wants(run):
                if run.path not in self._told:
                    await self._tell(run)
                await self._say(ev="writer", **msgspec.to_builtins(writer))

    async def _say(self, **message: Any) -> None:
        await self._flush()
        await self._send_text(msgspec.json.encode(message).decode())


def _is_whole(run: RunInfo, batches: Sequence[Batch] | None) -> bool:
    """Whether what is held is all that a run ever published: then the store need not be asked."""
    begun = {batch.writer for batch in batches or () if batch.first == 1}
    return bool(begun) and begun.issuperset(run.writers)


def clamp_px(px: int) -> int:
    """Bound how many columns a picture has."""
    return max(PX_MIN, min(px, PX_MAX))


def envelope(view: records.View) -> int:
    """Say by its flag whether a picture leaves points out."""
    return 0 if all(curve.exact for curve in view.curves) else ENVELOPE
