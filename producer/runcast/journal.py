"""The writer's local append-only file: the only copy of an event until the service has stored it.

One folder a writer, `<run id>-<writer>`, with numbered segments. A record is `u32 length | u32 crc32 | body`,
written by one `os.write` on an O_APPEND file and padded to 8 bytes, so that a SIGKILL at the next
instruction loses nothing, and a torn tail is found by its crc. Rows of plain numbers have a fixed layout
(`u32 kind | u32 shape | i64 step | i64 time | f64 …`), so that equal rows in sequence are a matrix that can
be read by columns. A row's shape (its names and kinds) is declared once in each segment.

Sequence is position: the n-th event record of a writer is its event n. The journal knows neither
Redis nor what a run is; it never raises for a full disk (see `append`).
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from zlib import crc32

import msgspec
from msgspec import Struct

from runcast.blocks import Block
from runcast.errors import JournalUnavailable
from runcast.events import Event, Lost, Plain
from runcast.rows import Row, back

VERSION = 1
SEGMENT_BYTES_MAX = 64 * 1024 * 1024  # What is stored is freed by whole segments.
WAITING_BYTES_MAX = 64 * 1024 * 1024  # Kept in memory while the disk is full; then the newest rows are dropped.
EVENT_BYTES_MAX = 3 * 1024 * 1024  # Under what a stream's entry may hold, with room for what stands around it.
RETRY_SECONDS = 0.1  # How often a full disk is tried again.

HEADER, SHAPE, ROW, EVENT = 1, 2, 3, 4  # Kinds of record; ROW and EVENT are events.
HEAD = struct.Struct("<II")
KIND = struct.Struct("<II")
SUFFIX = ".journal"

_encode = msgspec.msgpack.Encoder().encode


class Header(Struct, frozen=True, array_like=True):
    """The first record of each segment: whose events these are, and the first sequence in it."""

    version: int
    path: str
    writer: str
    shard: int
    segment: int
    first: int
    created: int
    label: str = ""
    host: str = ""
    pid: int = 0


class Shape:
    """The names and kinds of a row of plain numbers, and the packer that writes one."""

    __slots__ = ("declared_in", "id", "kinds", "names", "pack", "unpack")

    def __init__(self, number: int, names: tuple[str, ...], kinds: str) -> None:
        self.id, self.names, self.kinds = number, names, kinds
        layout = struct.Struct(f"<IIqq{len(names)}d")
        self.pack, self.unpack = layout.pack, layout.unpack
        self.declared_in = 0

    def values(self, body: bytes) -> dict[str, Plain]:
        """Read the values of a row of this shape back, as what they were."""
        numbers = self.unpack(body)[4:]
        return {name: back(number, kind) for name, kind, number in zip(self.names, self.kinds, numbers, strict=True)}


class Journal:
    """A writer's journal, open for appending. Safe to use from several threads, and from a signal's handler."""

    def __init__(self, directory: Path, header: Header, *, warn: Callable[[str], None] = lambda _: None) -> None:
        """Create the folder with its first segment, and take the lock that says that the writer lives.

        Raises JournalUnavailable when the disk refuses even that.
        """
        self.header = header
        self.sequence = 0  # Events appended so far.
        self.durable = 0  # Those of them that are in the file; the rest waits in memory for room.
        self.segment, self.end = 0, 0  # Where the file ends: the reader's limit.
        self.lost = 0
        self._warn = warn
        # Reentrant: a handler that logs may interrupt a row of its own thread.
        self._lock = threading.RLock()
        self._shapes = 0
        self._waiting: deque[tuple[bytes, int]] = deque()
        self._waiting_bytes = 0
        self._dropped = 0
        self._retry_at = 0.0
        self._torn = False  # Part of a record is behind `end`, and could not be cut off yet.
        self._fd = -1
        # Under its own name it appears in one step, locked and with a header: a drain never meets half of it.
        self.directory = directory.with_name(f".{directory.name}")
        try:
            self.directory.mkdir(parents=True, mode=0o700, exist_ok=True)
            self._lock_fd = hold(self.directory)
            self._roll()
            self.directory = self.directory.rename(directory)
        except OSError as error:
            raise JournalUnavailable(str(directory), error.strerror or str(error)) from error

    def shape(self, names: tuple[str, ...], kinds: str) -> Shape:
        """Make a shape for rows of these names; each segment declares it before its first row."""
        with self._lock:
            self._shapes += 1
            return Shape(self._shapes, names, kinds)

    def row(self, shape: Shape, step: int, time_ns: int, values: Iterable[float]) -> bytes:
        """Append a row of plain numbers, in the order of the shape's names; returns it as it is written."""
        body = shape.pack(ROW, shape.id, step, time_ns, *values)
        with self._lock:
            if shape.declared_in != self.segment:
                self._write(KIND.pack(SHAPE, shape.id) + _encode((shape.names, shape.kinds)), 0)
                shape.declared_in = self.segment
            self._write(body, 1)
        return body

    def event(self, event: Event | Block) -> bool:
        """Append any other event; a row with values that are no numbers comes as a block of one.

        Returns False, and appends nothing, when it is too large for a stream's entry.
        """
        body = KIND.pack(EVENT, 0) + _encode(event)
        if len(body) > EVENT_BYTES_MAX:
            return False
        with self._lock:
            self._write(body, 1)
        return True

    def _write(self, body: bytes, events: int) -> None:
        size = len(body)
        record = HEAD.pack(size, crc32(body)) + body
        if size & 7:
            record += bytes(-size & 7)
        if self._waiting:
            if time.monotonic() >= self._retry_at:
                self._flush()
            if self._waiting:
                self._hold(record, events)
                return
        if not self._put(record, events, appended=events):
            self._hold(record, events)
        elif events and self.end > SEGMENT_BYTES_MAX:
            # Only behind an event: a shape stands in the same segment as its row.
            self._try_roll()

    def _put(self, record: bytes, events: int, *, appended: int) -> bool:
        """Write a record to the end of the file, whole or not at all; return whether it is there now."""
        try:
            if self._torn:
                os.ftruncate(self._fd, self.end)
                self._torn = False
            written = os.write(self._fd, record)
        except OSError as error:
            self._refused(error)
            return False
        except BaseException:
            # Ctrl-C strikes here most, between a write and its count. The file knows what became of it.
            written = os.fstat(self._fd).st_size - self.end
            self._torn = 0 < written < len(record)
            if written == len(record):
                self.end, self.durable, self.sequence = (
                    self.end + written,
                    self.durable + events,
                    self.sequence + appended,
                )
            raise
        if written != len(record):
            # A disk that fills up takes a part. It is cut off again: a torn record would hide all that follow.
            self._torn = True
            self._refused(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
            return False
        self.end += written
        self.durable += events
        self.sequence += appended
        return True

    def _refused(self, error: OSError) -> None:
        self._retry_at = time.monotonic() + RETRY_SECONDS
        self._warn(
            f"cannot write the journal at {self.directory}: {error.strerror}; "
            f"up to {WAITING_BYTES_MAX >> 20} MB wait in memory until there is room"
        )
        if self._torn:
            with suppress(OSError):
                os.ftruncate(self._fd, self.end)
                self._torn = False

    def _hold(self, record: bytes, events: int) -> None:
        if events and self._waiting_bytes + len(record) > WAITING_BYTES_MAX:
            self._dropped += events
            self.lost += events
            return
        self._waiting.append((record, events))
        self._waiting_bytes += len(record)
        self.sequence += events

    def _flush(self) -> None:
        """Write what waits in memory, as far as there is room, and say what was lost meanwhile."""
        while self._waiting:
            record, events = self._waiting[0]
            if not self._put(record, events, appended=0):
                return
            self._waiting.popleft()
            self._waiting_bytes -= len(record)
        if self._dropped:
            lost, self._dropped = self._dropped, 0
            event = Lost(time=time.time_ns(), rows=lost, reason="the disk of the journal was full")
            self._write(KIND.pack(EVENT, 0) + _encode(event), 1)

    def settle(self) -> bool:
        """Try to write what waits in memory; return whether everything is in the file."""
        if not self._waiting:
            return True
        with self._lock:
            self._flush()
            return not self._waiting

    def _try_roll(self) -> None:
        try:
            self._roll()
        except OSError:
            # No room for a new segment: the old one grows on, and the next record tries again.
            return

    def _roll(self) -> None:
        number = self.segment + 1
        header = msgspec.structs.replace(self.header, segment=number, first=self.durable + 1)
        body = KIND.pack(HEADER, 0) + _encode(header)
        record = HEAD.pack(len(body), crc32(body)) + body + bytes(-len(body) & 7)
        path = self.directory / f"{number:06d}{SUFFIX}"
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            written = os.write(fd, record)
        except OSError:
            written = 0
        if written != len(record):
            os.close(fd)
            path.unlink(missing_ok=True)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self.end, self.segment = fd, len(record), number

    def remove(self) -> None:
        """Delete the folder: everything in it is stored."""
        delete(self.directory)

    def close(self) -> None:
        """Close the file and let the lock go: whoever comes next may drain what is left."""
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
                os.close(self._lock_fd)
                self._fd = -1

    def forget(self) -> None:
        """Close the files in a forked child, without a word: they are the parent's.

        Closing a copy does not release the parent's flock. The lock of the parent's thread may be held; it is not ours.
        """
        os.close(self._fd)
        os.close(self._lock_fd)
        self._fd = -1


def hold(directory: Path) -> int:
    """Take the lock of a writer's folder; raises BlockingIOError while its process lives."""
    fd = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise
    return fd


def delete(directory: Path) -> None:
    """Delete a writer's folder, which holds nothing but files; what cannot be deleted is left."""
    with suppress(OSError):
        for path in directory.iterdir():
            path.unlink(missing_ok=True)
        directory.rmdir()


def row_event(step: int, time_ns: int, row: Row) -> Block:
    """Write one row as a block: the form of a row that holds more than plain numbers."""
    return Block(
        rows=1,
        names=tuple(row.numbers),
        kinds=row.kinds,
        steps=struct.pack("<q", step),
        times=struct.pack("<q", time_ns),
        values=struct.pack(f"<{len(row.numbers)}d", *row.numbers.values()),
        extras=(row.extras,) if row.extras else None,
    )
