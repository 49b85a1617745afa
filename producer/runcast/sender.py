"""Carry a writer's journal to its stream, and learn what is stored.

One background thread a writer. It knows the journal's reader, the window and the line to Redis,
and nothing of runs or metrics. Whatever happens to Redis, the data stays in the journal and the training
goes on: one line says what the trouble is, and a counter how often.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Protocol

from runcast import lazy, wire
from runcast.errors import StreamUnsafe
from runcast.messages import Messages
from runcast.reader import Reader, segments
from runcast.streams import StreamId
from runcast.window import Window

PACE_SECONDS = 0.004  # Rows that come within this share an entry; a lone row leaves at once.
STORED_SECONDS = 0.02  # How often marks are read while somebody waits for them.
UNHURRIED_SECONDS = 0.5  # While nobody does: every entry brings them too, and a hundred trainers share a machine.
IDLE_SECONDS = 1.0  # The longest sleep; a nudge ends it at once.
LISTEN_SECONDS = 1.0  # How often a quiet training looks whether somebody asked it to stop.
BEHIND_SECONDS = 5.0  # What waits for longer in the journal is told with each heartbeat, while entries flow too.
BEAT_SECONDS = 5.0  # A heartbeat this often, so that silence for 20 s means that the process is gone.
PAUSE_SECONDS_MIN, PAUSE_SECONDS_MAX = 0.1, 5.0  # Between tries while Redis is away.
DISCOVER_SECONDS = 2.0  # How often a writer without a server looks for one.
ENTRIES_MAX = 16  # In one round trip.


class Source(Protocol):
    """What the sender needs of a journal that is still written."""

    sequence: int
    durable: int

    def settle(self) -> bool:
        """Try to write what waits for room on the disk."""


class Sender(threading.Thread):
    """Send a journal to wherever `find_url` says, until `stop`; `window.mark` tells what is stored."""

    def __init__(
        self,
        *,
        directory: Path,
        path: str,
        writer: str,
        shard: int,
        source: Source,
        reader: Callable[[], Reader],
        find_url: Callable[[], str | None],
        messages: Messages,
        beats: bool = True,
        on_stop: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(name=f"runcast-sender-{writer[:6]}", daemon=True)
        self.window = Window(now=time.monotonic())
        self.url: str | None = None  # Where the last exchange went well.
        self.failures = 0
        self.found: int | None = None  # What was stored of this writer when the service was first asked.
        self.refused: str | None = None  # Why this Redis is not used at all.
        self._directory, self._path, self._writer, self._shard = directory, path, writer, shard
        self._source, self._open_reader, self._find_url = source, reader, find_url
        self._messages, self._beats = messages, beats
        self._on_stop, self._asked_to_stop = on_stop, 0
        self.served = time.monotonic()  # When the service behind this Redis last gave a sign of life.
        self._beat: str | None = None
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self.asleep = False  # Read by `nudge` without a lock: a nudge too many costs nothing, one too few a second.
        self._stored = threading.Condition()
        self._behind = (0, time.monotonic())  # A sequence that is not stored, and since when it is known.
        self._awaited = False  # Whether `wait_stored` waits.

    def nudge(self) -> None:
        """Say that something was appended; cheap while the sender is busy."""
        if self.asleep:
            self.asleep = False
            self._wake.set()

    def wait_stored(self, sequence: int, timeout: float) -> bool:
        """Wait until everything up to `sequence` is stored; return whether it is."""
        deadline = time.monotonic() + timeout
        self._awaited = self.window.mark < sequence
        with self._stored:
            while self.window.mark < sequence:
                left = deadline - time.monotonic()
                if left <= 0 or not self.is_alive():
                    return self.window.mark >= sequence
                self._wake.set()
                self._stored.wait(min(left, 0.02))
            return True

    def stop(self, timeout: float = 5.0) -> None:
        """End the thread after the exchange that is under way."""
        self._stopping.set()
        self._wake.set()
        if self.is_alive() and threading.current_thread() is not self:
            self.join(timeout)

    def run(self) -> None:
        """Work until stopped; the loop that reconnects stands around the loop that sends."""
        # Redis and asyncio behind it take 60 ms to import: this thread pays that, not `import runcast`.
        transport = lazy.transport()
        pause = PAUSE_SECONDS_MIN
        reader: Reader | None = None
        while not self._stopping.is_set():
            url = self._find_url()
            if url is None:
                self._stopping.wait(DISCOVER_SECONDS)
                continue
            try:
                reader = reader or self._open_reader()
                with closing(transport.Line(url, self._shard, self._writer)) as line:
                    self.refused = None
                    for sent in self._work(line, reader, compress=not transport.is_local(url)):
                        self.url = url
                        if sent and pause != PAUSE_SECONDS_MIN:
                            # Only now it is over: a Redis without memory answers, and takes nothing.
                            pause = PAUSE_SECONDS_MIN
                            self._messages.forget("redis")
            except StreamUnsafe as error:
                self.refused = str(error)
                self._messages.warn_once("unsafe", f"{error}; the journal at {self._directory} keeps everything")
                self._stopping.wait(PAUSE_SECONDS_MAX)
            except transport.TROUBLE as error:
                self.failures += 1
                self._messages.warn_once(
                    "redis",
                    f"cannot publish to Redis at {transport.where(url)}: {transport.describe(error)}; "
                    f"the journal at {self._directory} keeps everything until it is back",
                )
                self._stopping.wait(pause)
                pause = min(2 * pause, PAUSE_SECONDS_MAX)
            except Exception as error:
                # A fault of ours, or a disk's. A thread that ended would send nothing any more, and say nothing.
                self.failures += 1
                self._messages.warn_once("sender", f"cannot send {self._directory}: {error!r}; it keeps everything")
                if reader is not None:
                    reader.close()
                    reader = None
                self._stopping.wait(PAUSE_SECONDS_MAX)
        if reader is not None:
            reader.close()

    def _work(self, line: Any, reader: Reader, *, compress: bool) -> Iterator[bool]:
        """Send and learn, for as long as the connection lasts; yields after each round trip whether it sent."""
        window = self.window
        window.go_back()
        spoke, heard = time.monotonic(), -BEAT_SECONDS
        beat = spoke if self._age(spoke) < BEHIND_SECONDS else spoke - BEAT_SECONDS
        batch: list[tuple[dict[str, Any], int]] = []
        while not self._stopping.is_set():
            now = time.monotonic()
            entries = [fields for fields, _ in batch]
            age = self._age(now)
            if (
                self._beats
                and now - beat >= BEAT_SECONDS
                and (age >= BEHIND_SECONDS or (not entries and now - spoke >= BEAT_SECONDS))
            ):
                # Behind the entries: it says what would come next.
                entries.append(self._heartbeat(age, batch[-1][1] + 1 if batch else window.next))
                beat = now
            if entries or now - heard >= (self._patience if window.waits else self._ease):
                ids, ack = line.exchange(entries)
                for (fields, last), entry in zip(batch, ids, strict=False):
                    window.sent(last, entry, len(fields["d"]))
                heard = time.monotonic()
                spoke = heard if entries else spoke
                self._learn(reader, ack.mark, ack.cursor, ack.beat, heard)
                self._heed(ack.stop)
                yield bool(entries)
            self._rest(len(batch))
            # Behind the first exchange: what the service has already is not sent again.
            if reader.next != window.next:
                reader.seek(window.next)
            batch = self._gather(reader, compress=compress)

    def _age(self, now: float) -> float:
        """Say for how many seconds the oldest event waits that is not known to be stored; rather too few."""
        sequence, since = self._behind
        if self.window.mark >= min(sequence, self._source.durable):
            self._behind = (self._source.durable, now)
            return 0.0
        return now - since

    def _heartbeat(self, age: float, following: int) -> dict[str, Any]:
        events = self._source.durable - self.window.mark
        waiting = None
        if age >= BEHIND_SECONDS and events > 0:
            with suppress(OSError):  # Segments go as they are stored.
                size = sum(path.stat().st_size for _, path in segments(self._directory))
                waiting = wire.Waiting(events, size, int(age))
        return wire.encode_beat(self._path, self._writer, following, waiting)

    def _gather(self, reader: Reader, *, compress: bool) -> list[tuple[dict[str, Any], int]]:
        """Read what may be sent now: entries, each with its last sequence."""
        batch: list[tuple[dict[str, Any], int]] = []
        size = 0
        while len(batch) < ENTRIES_MAX and self.window.has_room(size):
            first, items = reader.take()
            if not items:
                break
            fields = wire.encode(self._path, self._writer, first, items, compress=compress)
            batch.append((fields, first + int(fields["n"]) - 1))
            size += len(batch[-1][0]["d"])
        return batch

    def _learn(self, reader: Reader, mark: int, cursor: StreamId | None, beat: str | None, now: float) -> None:
        before = self.window.mark
        if self.found is None:
            self.found = mark
        if beat != self._beat:
            self._beat, self.served = beat, now
        self.window.learn(mark=mark, cursor=cursor, beat=beat, now=now)
        if self.window.mark != before:
            reader.free(self.window.mark)
            with self._stored:
                self._stored.notify_all()

    def _heed(self, asked: int) -> None:
        """Pass on that somebody asked this writer to stop, once for each time that they did."""
        if asked > self._asked_to_stop:
            self._asked_to_stop = asked
            if self._on_stop is not None:
                self._on_stop()

    @property
    def _ease(self) -> float:
        return BEAT_SECONDS if self._on_stop is None else LISTEN_SECONDS

    @property
    def _patience(self) -> float:
        return STORED_SECONDS if self._awaited or not self.window.has_room() else UNHURRIED_SECONDS

    def _rest(self, sent: int) -> None:
        """Let rows gather after some were sent; else sleep until a nudge, or until marks may have moved."""
        if sent == ENTRIES_MAX:
            return
        if sent:
            time.sleep(PACE_SECONDS)
            return
        self._source.settle()
        if not self.window.has_room():
            # Whatever is logged now cannot leave before something is stored.
            self._stopping.wait(STORED_SECONDS)
            return
        self._wake.clear()
        self.asleep = True
        if self.window.next > self._source.durable:
            self._wake.wait(self._patience if self.window.waits else IDLE_SECONDS)
        self.asleep = False
