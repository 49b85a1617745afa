"""Send what a process left behind when it died: journals that nobody holds any more.

Whoever gets a journal's lock drains it under its old writer id, so that nothing is stored twice, and ends
it with the word that its process never said. Doing it again does nothing.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from zlib import crc32

import msgspec

from runcast import lazy
from runcast.blocks import Block
from runcast.errors import MalformedEntry
from runcast.events import Finish
from runcast.files import FileSender
from runcast.journal import EVENT, HEAD, KIND, Header, delete, hold
from runcast.messages import Messages
from runcast.reader import Reader, read_header, segments
from runcast.sender import Sender
from runcast.spool import Spool

JOURNALS = "journals"
DAMAGED = "damaged"


@dataclass
class DrainReport:
    """What a drain did: runs, events and what could not be read, by folder."""

    runs: list[str] = field(default_factory=list)
    events: int = 0
    files: int = 0
    refused: list[str] = field(default_factory=list)  # Why files were not taken.
    waiting: list[Path] = field(default_factory=list)  # Not stored within the time: still there, for the next try.
    unreadable: dict[Path, str] = field(default_factory=dict)


@dataclass
class Dead:
    """A journal whose process is gone; `lock` is ours until `release`."""

    directory: Path
    header: Header
    lock: int
    events: int
    torn: int

    def release(self) -> None:
        """Let the journal go, to be drained by another."""
        os.close(self.lock)

    def remove(self) -> None:
        """Delete the journal: everything in it is stored."""
        delete(self.directory)
        self.release()


def journals(directory: Path) -> list[Path]:
    """List the journals of a Runcast directory, living and dead."""
    root = directory / JOURNALS
    if not root.is_dir():
        return []
    # One whose name begins with a dot is about to become a journal, and holds nothing yet.
    return sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))


def find_dead(directory: Path, report: DrainReport | None = None, *, only: str | None = None) -> Iterator[Dead]:
    """Take the lock of each journal that nobody holds, and read it through; the caller releases or removes it.

    `only` is the path of the one run whose journals are looked at.
    """
    for path in journals(directory):
        if only is not None and not is_of(path, only):
            continue
        try:
            lock = hold(path)
        except OSError:
            continue  # Its process lives, or another drain has it.
        if not segments(path):
            delete(path)  # Its process died while it deleted what was stored.
            os.close(lock)
            continue
        try:
            dead, damaged = _examine(path, lock)
        except (MalformedEntry, OSError) as error:
            os.close(lock)
            if report is not None:
                report.unreadable[path] = str(error)
            continue
        if damaged is not None and report is not None:
            report.unreadable[damaged] = f"the end of {path.name}, from its first damaged record on; the rest is sent"
        yield dead


def is_of(directory: Path, path: str) -> bool:
    """Whether a journal is of that run."""
    if not directory.name.startswith(f"{path.rpartition('/')[2]}-"):
        return False
    try:
        return any(read_header(segment).path == path for _, segment in segments(directory)[:1])
    except (MalformedEntry, OSError):
        return False


def _examine(path: Path, lock: int) -> tuple[Dead, Path | None]:
    """Count the events, cut off a torn tail, and end a journal that was never ended.

    What is cut off is thrown away when it is the beginning of one record, as a killed process leaves it. Else it
    is damage, and kept beside the journals: the second value says where. Raises MalformedEntry and OSError.
    """
    header = read_header(segments(path)[0][1])
    reader = Reader(path)
    first, last_items = 0, []
    while True:
        first_here, items = reader.take()
        if not items:
            break
        first, last_items = first_here, items
    events, torn = reader.next - 1, reader.torn
    end = reader.position
    reader.close()
    last = last_items[-1] if first else None
    damaged = _set_aside(path / end[0], end[1])
    if not isinstance(last, Finish):
        when = _last_time(last) or time.time_ns()
        # A disk without room for one word more has the more need to be drained.
        with suppress(OSError):
            _append(path / end[0], end[1], Finish(time=when, exit_code=None))
            events += 1
    return Dead(path, header, lock, events, torn), damaged


def _set_aside(path: Path, end: int) -> Path | None:
    """Copy what stands behind the last readable record, unless it is only the beginning of another."""
    with path.open("rb") as file:
        file.seek(end)
        rest = file.read()
    if len(rest) < HEAD.size or HEAD.unpack_from(rest)[0] + HEAD.size > len(rest) or not any(rest):
        return None
    copy = path.parents[2] / DAMAGED / f"{path.parent.name}-{path.name}"
    copy.parent.mkdir(mode=0o700, exist_ok=True)
    copy.write_bytes(rest)
    return copy


def _last_time(item: object) -> int | None:
    if isinstance(item, Block):
        return int(struct.unpack("<q", item.times[-8:])[0])
    return getattr(item, "time", None)


def _append(path: Path, end: int, event: Finish) -> None:
    """Write an event behind the last whole record."""
    body = KIND.pack(EVENT, 0) + msgspec.msgpack.encode(event)
    with path.open("r+b") as file:
        file.truncate(end)
        file.seek(end)
        file.write(HEAD.pack(len(body), crc32(body)) + body + bytes(-len(body) & 7))
        file.flush()
        os.fsync(file.fileno())


class _Whole:
    """A journal to which nothing is added any more, as the sender sees it."""

    def __init__(self, events: int) -> None:
        self.sequence = self.durable = events

    def settle(self) -> bool:
        """Nothing waits."""
        return True


def drain(
    directory: Path,
    find_url: Callable[[], str | None],
    *,
    find_service: Callable[[], str | None] | None = None,
    token: str | None = None,
    messages: Messages | None = None,
    wait_seconds: float = 60.0,
    progress: Callable[[str, int, int], None] = lambda _path, _stored, _events: None,
    stopping: Callable[[], bool] = lambda: False,
    only: str | None = None,
) -> DrainReport:
    """Send every dead journal in a Runcast directory, or those of `only` one run, wait until stored, and delete it.

    `find_service` says where files go; without it, to the service that stores what goes to `find_url`. `progress`
    hears a run's path, the events stored and the events in all. What is not stored within
    `wait_seconds` without progress stays for the next time.
    """
    report = DrainReport()
    for dead in find_dead(directory, report, only=only):
        if stopping():
            dead.release()
            break
        said = messages or Messages(silent=True)
        sent = _drain_one(dead, find_url, said, wait_seconds, progress, stopping)
        if Spool(dead.directory).waiting() and not stopping():
            found = find_service or (lambda: _find_service(directory, find_url))
            sent = _drain_files(dead, FileSender(Spool(dead.directory), found, token, said), report) and sent
        if sent and Spool(dead.directory).clear():
            report.runs.append(dead.header.path)
            report.events += dead.events
            dead.remove()
        else:
            report.waiting.append(dead.directory)
            dead.release()
    return report


def _find_service(directory: Path, find_url: Callable[[], str | None]) -> str | None:
    found: str | None = lazy.load("runcast.delivery").locate(find_url(), page_url=None, directories=[directory])
    return found


def _drain_files(dead: Dead, sender: FileSender, report: DrainReport) -> bool:
    """Send a dead writer's files; says whether the service has them all."""
    spool = Spool(dead.directory)
    waiting = len(spool.waiting())
    sender.send_once()
    left = len(spool.waiting())
    report.files += waiting - left
    report.refused += sender.refused.values()
    return not left


def _drain_one(
    dead: Dead,
    find_url: Callable[[], str | None],
    messages: Messages,
    wait_seconds: float,
    progress: Callable[[str, int, int], None],
    stopping: Callable[[], bool],
) -> bool:
    header = dead.header
    sender = Sender(
        directory=dead.directory,
        path=header.path,
        writer=header.writer,
        shard=header.shard,
        source=_Whole(dead.events),
        reader=lambda: Reader(dead.directory),
        find_url=find_url,
        messages=messages,
        beats=False,
    )
    sender.start()
    mark, moved = -1, time.monotonic()
    try:
        while not sender.wait_stored(dead.events, 0.1):
            if sender.window.mark > mark:
                mark, moved = sender.window.mark, time.monotonic()
            progress(header.path, sender.window.mark, dead.events)
            if stopping() or sender.refused or time.monotonic() - moved > wait_seconds or not sender.is_alive():
                return False
        progress(header.path, dead.events, dead.events)
        return True
    finally:
        sender.stop()
