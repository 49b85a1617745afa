"""One live subscription: a snapshot of each run, then what comes, at the pace of its reader.

It is the pump: what is asked (`interest`) is drawn (`painter`) and told (`announcer`), and leaves by one door
(`outbox`). Of the socket it knows how to send.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

from runcast.frames import DELTA, Subscribe, View, Window
from runcast_ingest.announcer import RUN_SECONDS, Announcer
from runcast_ingest.broadcast import Broadcast
from runcast_ingest.hub import Watch
from runcast_ingest.interest import Interest
from runcast_ingest.outbox import Outbox
from runcast_ingest.painter import Job, Painter
from runcast_ingest.picture import Stroke
from runcast_ingest.reaches import Reaches
from runcast_ingest.roster import Roster, RunInfo
from runcast_ingest.store.store import Store

FRAME_SECONDS = 1 / 30  # Faster than this nobody sees a difference, and every frame costs a wake-up at both ends.
EXACT_FRAME_SECONDS = 0.005  # A program that asked for every row wants it now.
GATHER_SECONDS = 0.001  # What trainers send at the same moment leaves in one frame.


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
        self._store, self._broadcast = store, broadcast
        self._outbox = Outbox(send_text, send_frame, seq=seq)
        self._jobs: deque[Job] = deque()
        self._begun: dict[str, int] = {}  # Paths that have a reach, or a job that will give them one, and their runs.
        self._window: Window | None = None
        self._view: View | None = None
        self._left: dict[str, dict[str, int]] = {}  # By path of a deleted run: the marks up to which it was sent.
        self._retirements = 0
        self._watch: Watch
        self._roster: Roster
        self._interest: Interest
        self._announcer: Announcer
        self._reaches: Reaches
        self._painter: Painter

    # What the reader of the socket calls.

    @property
    def seq(self) -> int:
        """The number of the last frame."""
        return self._outbox.seq

    def ack(self, seq: int) -> None:
        """Hear that a frame was decoded."""
        self._outbox.ack(seq)

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
        with self._broadcast.hub.watch(self._asked.project) as self._watch:
            async with self._broadcast.roster(self._asked.project) as self._roster:
                self._assemble()
                await self._welcome()
                await self._pump()

    def _assemble(self) -> None:
        self._interest = Interest(self._asked, self._roster)
        self._announcer = Announcer(self._outbox, self._roster, self._interest)
        self._outbox.before_frame = self._announcer.name_numbers
        self._reaches = Reaches(self._roster, self._watch)
        self._painter = Painter(
            store=self._store,
            hub=self._broadcast.hub,
            watch=self._watch,
            roster=self._roster,
            interest=self._interest,
            outbox=self._outbox,
            reaches=self._reaches,
            again=self._jobs.appendleft,
        )

    async def _welcome(self) -> None:
        for name in self._interest.aside():
            # What was set aside is in no list; whoever names it sees it.
            if (record := await self._store.run(self._asked.project, name)) is not None:
                self._roster.add(record)
        runs = await self._announcer.welcome()
        # What still runs is looked at first, then what is new.
        for run in sorted(runs, key=lambda run: (run.state != "running", -run.created)):
            self._begin(run)
        self._jobs.append(self._synced)

    def _begin(self, run: RunInfo, *, fresh: bool = False) -> None:
        self._begun[run.path] = run.i
        resume = self._interest.resume.get(run.id)
        left = self._left.pop(run.path, None)
        if left is not None and self._interest.exact:
            self._jobs.append(lambda: self._painter.pages(run, left, DELTA))
        elif fresh or (resume is None and self._interest.history):
            self._jobs.append(lambda: self._painter.picture(run))
        elif resume is None:
            self._jobs.append(lambda: self._painter.from_now(run))
        else:
            self._jobs.append(lambda: self._painter.resume(run, dict(resume)))

    async def _synced(self) -> None:
        await self._outbox.say(ev="synced")

    async def _pump(self) -> None:
        pace = EXACT_FRAME_SECONDS if self._interest.exact else FRAME_SECONDS
        while True:
            self._take_requests()
            if self._jobs:
                await self._jobs.popleft()()
                if time.monotonic() - self._outbox.sent_at < pace and self._jobs:
                    continue
            elif not self._watch.woken.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(RUN_SECONDS / 2 if self._announcer.waits else None):
                        await self._watch.woken.wait()
                await asyncio.sleep(max(GATHER_SECONDS, self._outbox.sent_at + pace - time.monotonic()))
            await self._outbox.flush()
            await self._outbox.has_room()
            self._watch.woken.clear()
            await self._deltas()

    def _take_requests(self) -> None:
        if (window := self._window) is not None:
            self._window = None
            self._interest.look(window)
            choice = self._interest.choice
            for path in self._begun:
                self._jobs.append(lambda path=path: self._painter.fill(path, choice))  # type: ignore[misc]
            self._jobs.append(self._synced)
        if (view := self._view) is not None:
            self._view = None
            self._jobs.appendleft(lambda: self._painter.refine(view))

    async def _deltas(self) -> None:
        """Send what is new of all runs as one frame, and announce what it speaks of."""
        await self._broadcast.inherit(self._asked.project)
        paths, self._watch.news = self._watch.news, set()
        await self._forget_retired()
        strokes: list[Stroke] = []
        for path in paths:
            run = self._roster.runs.get(path)
            if run is None or not self._interest.wants(run):
                continue
            self._announcer.note(path)
            if path not in self._begun:
                self._begin(run, fresh=True)
            elif (reach := self._reaches.get(path)) is not None:
                strokes += self._painter.take(run, reach)
        await self._announcer.tell_all()
        await self._tell_alarms()
        if strokes:
            await self._outbox.send(DELTA, strokes)

    async def _tell_alarms(self) -> None:
        while self._watch.alarms:
            alarm = self._watch.alarms.popleft()
            if (run := self._roster.runs.get(alarm.path)) is not None and self._interest.wants(run):
                await self._announcer.alarm(run, alarm)

    async def _forget_retired(self) -> None:
        """Give up what the roster has retired: the client keeps what it has of it, unless it was deleted."""
        if self._retirements == self._roster.retirements:
            return
        self._retirements = self._roster.retirements
        for path in {*self._begun, *self._announcer.told}:
            run = self._roster.runs.get(path)
            if run is not None and self._begun.get(path, run.i) == run.i:
                continue
            if path in self._roster.gone and path in self._announcer.told:
                await self._announcer.gone(path)
                if (reach := self._reaches.get(path)) is not None:
                    self._left[path] = reach.sent
            self._announcer.forget(path)
            self._reaches.lose(path)
            if self._begun.pop(path, None) is not None and run is not None:
                self._begun[path] = run.i
                self._announcer.note(path)
                self._jobs.append(lambda run=run: self._painter.resync(run, "another run took its id"))  # type: ignore[misc]
