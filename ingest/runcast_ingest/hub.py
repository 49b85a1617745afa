"""Hand what the tail admits to everybody who watches, and hold it until nobody needs it from here.

The hub knows neither Redis nor SQLite. Of each run it holds the batches that are not stored yet, and those that some
watcher has not taken. There are no queues: a watcher has a place in what the run published, so a slow one costs a
number, finds one larger heap when it comes, and slows nobody. Only what is stored is ever dropped under a watcher, who
is told so and reads the store instead.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from runcast_ingest.batch import Batch, Stored
from runcast_ingest.store.records import Alarm

HELD_ROWS_MAX = 65_536  # Of one run, beyond what is not stored: a watcher further behind reads the store faster.
HELD_BYTES_MAX = 64 * 1024 * 1024  # Of all runs together, beyond what is not stored.
ALARMS_MAX = 1000  # That a watcher has not been told of; it finds older ones in the API.


class _Line:
    """What one run published and the hub still holds, in order; places count from the run's first batch."""

    def __init__(self) -> None:
        self.base = 0
        self.batches: deque[Batch] = deque()
        self.rows = 0
        self.marks: dict[str, int] = {}
        self.places: dict[object, int] = {}  # By who reads here: the place of what they take next.

    @property
    def end(self) -> int:
        return self.base + len(self.batches)

    def since(self, place: int) -> list[Batch]:
        if place == self.base:
            return list(self.batches)
        # A deque is slow in its middle, and what a watcher has not taken stands at its end.
        newest = reversed(self.batches)
        return [next(newest) for _ in range(self.end - place)][::-1]

    def is_stored(self, batch: Batch) -> bool:
        return batch.last <= self.marks.get(batch.writer, 0)


class Hub:
    """Where batches pass from the tail to those who watch."""

    def __init__(self, *, rows_max: int = HELD_ROWS_MAX, bytes_max: int = HELD_BYTES_MAX) -> None:
        self._rows_max, self._bytes_max = rows_max, bytes_max
        self._lines: dict[str, _Line] = {}
        self._watches: dict[str, set[Watch]] = {}
        self._bytes = 0
        self._bytes_allowed = bytes_max

    def publish(self, batch: Batch) -> None:
        """Take in a batch the moment it is admitted, and wake who watches its project."""
        line = self._line(batch.path)
        line.batches.append(batch)
        line.rows += batch.last - batch.first + 1
        self._bytes += batch.size
        self._trim(batch.path, line)
        if self._bytes > self._bytes_allowed:
            self._shrink()
        project = batch.path.rpartition("/")[0]
        for watch in self._watches.get(project, ()):
            watch.notice(batch.path)

    def stored(self, stored: Stored) -> None:
        """Take note of what a commit stored."""
        line = self._lines.get(stored.path)
        if line is not None:
            line.marks[stored.writer] = max(stored.mark, line.marks.get(stored.writer, 0))
            self._trim(stored.path, line)

    def give_up(self, shard: int) -> None:
        """Stop waiting for a shard's batches to be stored: another service stores them now."""
        for path, line in list(self._lines.items()):
            for batch in line.batches:
                if batch.shard == shard:
                    line.marks[batch.writer] = max(batch.last, line.marks.get(batch.writer, 0))
            self._trim(path, line)

    def nudge(self, path: str) -> None:
        """Wake who watches a run's project, because something else about the run changed."""
        for watch in self._watches.get(path.rpartition("/")[0], ()):
            watch.notice(path)

    def alarm(self, alarm: Alarm) -> None:
        """Tell who watches a run's project of an alert."""
        for watch in self._watches.get(alarm.path.rpartition("/")[0], ()):
            watch.alarms.append(alarm)
            watch.notice(alarm.path)

    @contextmanager
    def watch(self, project: str) -> Iterator[Watch]:
        """Be woken by everything in a project, for as long as the context lasts."""
        watch = Watch(self)
        watches = self._watches.setdefault(project, set())
        watches.add(watch)
        try:
            yield watch
        finally:
            watches.discard(watch)
            if not watches:
                self._watches.pop(project, None)
            watch.leave_all()

    @contextmanager
    def pin(self, path: str) -> Iterator[Pin]:
        """Hold a run's batches from the oldest on, while somebody reads the store: what is not in it is here."""
        pin = Pin(self, path)
        try:
            yield pin
        finally:
            self.leave(path, pin)

    def held(self, project: str) -> list[Batch]:
        """List what is held of a project, run by run."""
        return [
            batch for path, line in self._lines.items() if path.rpartition("/")[0] == project for batch in line.batches
        ]

    @property
    def held_bytes(self) -> int:
        """How large the batches held are."""
        return self._bytes

    @property
    def watchers(self) -> int:
        """How many watch."""
        return sum(map(len, self._watches.values()))

    def join(self, path: str, reader: object, *, oldest: bool) -> None:
        """Give a reader a place: before the oldest batch held, or after the newest."""
        line = self._line(path)
        line.places[reader] = line.base if oldest else line.end

    def leave(self, path: str, reader: object) -> None:
        """Take a reader's place away."""
        line = self._lines.get(path)
        if line is not None and line.places.pop(reader, None) is not None:
            self._trim(path, line)

    def take(self, path: str, reader: object, *, move: bool = True) -> list[Batch] | None:
        """List what a reader has not taken; None when part of that was dropped, and is in the store."""
        line = self._lines[path]
        place = line.places[reader]
        if place < line.base:
            return None
        taken = line.since(place)
        if move:
            line.places[reader] = line.end
            self._trim(path, line)
        return taken

    def _shrink(self) -> None:
        for path, line in list(self._lines.items()):
            self._trim(path, line, force=True)
        # What is not stored has to stay; look again when it has grown by a good part, not at each batch.
        self._bytes_allowed = max(self._bytes_max, self._bytes + self._bytes_max // 8)

    def _line(self, path: str) -> _Line:
        line = self._lines.get(path)
        if line is None:
            line = self._lines[path] = _Line()
        return line

    def _trim(self, path: str, line: _Line, *, force: bool = False) -> None:
        needed = min(line.places.values(), default=line.end)
        while line.batches and line.is_stored(line.batches[0]):
            if line.base >= needed and not force and line.rows <= self._rows_max:
                break
            gone = line.batches.popleft()
            line.base += 1
            line.rows -= gone.last - gone.first + 1
            self._bytes -= gone.size
        if not line.batches and not line.places:
            del self._lines[path]


class Watch:
    """One watcher's places in the runs of a project, and the news since it last looked."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._followed: set[str] = set()
        self.news: set[str] = set()  # Paths of runs that published, or changed.
        self.alarms: deque[Alarm] = deque(maxlen=ALARMS_MAX)
        self.woken = asyncio.Event()

    def notice(self, path: str) -> None:
        """Hear that there is news of a run."""
        self.news.add(path)
        self.woken.set()

    def follow(self, path: str) -> None:
        """Take everything of a run from now on."""
        self._hub.join(path, self, oldest=False)
        self._followed.add(path)

    def take(self, path: str) -> list[Batch] | None:
        """Take what a followed run published since; None when part of it was dropped, and is in the store."""
        return self._hub.take(path, self)

    def leave(self, path: str) -> None:
        """Give up the place in a run."""
        self._followed.discard(path)
        self._hub.leave(path, self)

    def leave_all(self) -> None:
        """Give up all places."""
        for path in self._followed:
            self._hub.leave(path, self)
        self._followed.clear()


class Pin:
    """A place before the oldest batch that was held when it was made."""

    def __init__(self, hub: Hub, path: str) -> None:
        self._hub, self._path = hub, path
        hub.join(path, self, oldest=True)

    def batches(self) -> list[Batch] | None:
        """List everything held since; None when part of it was dropped, and is in the store."""
        return self._hub.take(self._path, self, move=False)
