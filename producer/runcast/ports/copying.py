"""Bring a foreign run in: through a journal of its own and a sender, as any run.

The writer's id comes from the source, and its events have the same sequences each time it is read. So the service
itself tells what it has already: a second import, or one that was interrupted, adds what is missing and nothing else.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from runcast import journal
from runcast.errors import RuncastError
from runcast.events import Event, Finish
from runcast.journal import Header, Journal, Shape, row_event
from runcast.messages import Messages
from runcast.names import run_path
from runcast.ports.foreign import Foreign, Row, writer_id
from runcast.reader import READ_BYTES, Reader
from runcast.rows import split
from runcast.sender import Sender
from runcast.streams import shard_of

FOLDER = "imports"  # Not among the journals of trainings: what an interrupted import left is read again, not drained.
WAIT_SECONDS = 60.0  # For a store that makes no progress.

Progress = Callable[[int, int], None]  # Events stored, of how many.


class NotStored(RuncastError):
    """The service did not take a run within the time; importing it again goes on from there."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What became of a run: its events, and how many of them the service had not had before."""

    path: str
    rows: int
    added: int


class Copy:
    """A foreign run's journal, open for more."""

    def __init__(self, directory: Path, source: Foreign, find_url: Callable[[], str | None]) -> None:
        self.path = run_path(source.project, source.id)
        self._directory, self._find_url, self._source = directory, find_url, source
        self._writer = _Writer(directory, self.path, source.writer, source.start.label, find_url)
        self._writer.event(source.start)
        self.rows = 0
        self._last = source.start.time

    def extend(self, items: Iterable[Row | Event]) -> None:
        """Take in what there is more."""
        for item in items:
            self._last = max(self._last, item.time)
            if isinstance(item, Row):
                self._writer.row(item)
                self.rows += 1
            else:
                self._writer.event(item)

    def store(self, progress: Progress = lambda _stored, _of: None, *, stopping: Callable[[], bool] = bool) -> int:
        """Wait until all of it is stored; return how many events were not before. Raises NotStored."""
        return self._writer.store(progress, stopping)

    def send(self) -> None:
        """Send what is there in the background."""
        self._writer.send()

    def end(self) -> None:
        """Say that the run is over, in a writer of its own: the copy may go on one day."""
        source = self._source
        events = self._writer.events
        ending = _Writer(
            self._directory,
            self.path,
            writer_id(source.origin, "end", events, source.exit_code),
            source.start.label,
            self._find_url,
        )
        try:
            ending.event(Finish(source.end_time or self._last, source.exit_code, whole=True))
            ending.store(lambda _stored, _of: None, bool)
        finally:
            ending.close()

    def close(self) -> None:
        """Let the journal go."""
        self._writer.close()


def copy(
    directory: Path,
    source: Foreign,
    find_url: Callable[[], str | None],
    progress: Progress = lambda _stored, _of: None,
    *,
    stopping: Callable[[], bool] = bool,
) -> Copied:
    """Bring in a run as it stands. Raises NotStored, and MalformedEntry for what cannot be read."""
    made = Copy(directory, source, find_url)
    try:
        made.extend(source.items)
        added = made.store(progress, stopping=stopping)
        if source.ended:
            made.end()
    finally:
        made.close()
    return Copied(made.path, made.rows, added)


class _Writer:
    """A journal that no process holds for long, and the sender that brings it in."""

    def __init__(self, directory: Path, path: str, writer: str, label: str, find_url: Callable[[], str | None]) -> None:
        folder = directory / FOLDER / writer
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(folder.with_name(f".{writer}"), ignore_errors=True)
        header = Header(
            version=journal.VERSION,
            path=path,
            writer=writer,
            shard=shard_of(path),
            segment=0,
            first=1,
            created=time.time_ns(),
            label=label,
            host=os.uname().nodename,
            pid=os.getpid(),
        )
        self._journal = Journal(folder, header)
        self._shapes: dict[tuple[tuple[str, ...], str], Shape] = {}
        self._sender = Sender(
            directory=folder,
            path=path,
            writer=writer,
            shard=header.shard,
            source=self._journal,
            reader=lambda: Reader(folder, limit=lambda: (self._journal.segment, self._journal.end)),
            find_url=find_url,
            messages=Messages(silent=True),
            beats=False,
        )

    @property
    def events(self) -> int:
        return self._journal.sequence

    def row(self, row: Row) -> None:
        flat = split(row.values, machine=True)
        names = tuple(flat.numbers)
        if flat.extras or 8 * len(names) + sum(map(len, names)) >= READ_BYTES:
            self._event(row_event(row.step, row.time, flat))
            return
        shape = self._shapes.get((names, flat.kinds))
        if shape is None:
            shape = self._shapes[names, flat.kinds] = self._journal.shape(names, flat.kinds)
        self._journal.row(shape, row.step, row.time, flat.numbers.values())

    def event(self, event: Event) -> None:
        self._event(event)

    def _event(self, event: object) -> None:
        if not self._journal.event(event):  # type: ignore[arg-type]
            raise NotStored(f"something in {self._journal.header.path} is too large for an entry")
        if self._journal.lost or self._journal.durable < self._journal.sequence:
            raise NotStored(f"the disk has no room for the copy in {self._journal.directory}")

    def send(self) -> None:
        if not self._sender.is_alive():
            self._sender.start()
        self._sender.nudge()

    def store(self, progress: Progress, stopping: Callable[[], bool]) -> int:
        self.send()
        events, sender = self.events, self._sender
        mark, moved = -1, time.monotonic()
        while not sender.wait_stored(events, 0.1):
            if sender.window.mark > mark:
                mark, moved = sender.window.mark, time.monotonic()
            progress(max(0, mark), events)
            if stopping() or sender.refused or not sender.is_alive() or time.monotonic() - moved > WAIT_SECONDS:
                reason = sender.refused or "the service takes nothing; see `runcast status`"
                raise NotStored(f"{self._journal.header.path}: {max(0, mark)} of {events} events are stored; {reason}")
        progress(events, events)
        return events - min(events, sender.found or 0)

    def close(self) -> None:
        self._sender.stop()
        self._journal.remove()
        self._journal.close()
