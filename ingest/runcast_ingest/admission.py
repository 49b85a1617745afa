"""What of a stream may be stored: the reading half of the protocol, pure.

A writer's events are taken in order and each once; what is below its mark was stored before, what is above
a hole must wait until the writer has gone back. Nothing here reads a clock, a socket or a database: a simulator
drives these rules as they are, and each is one function, so that a test can take it out and see the loss.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from enum import Enum

from msgspec import Struct

from runcast.streams import START, StreamId

JAM_MS = 3600 * 1000  # An entry id this far ahead of our clock: the shard's ids no longer follow time.


class Verdict(Enum):
    """What becomes of an entry."""

    TAKE = "take"
    DUPLICATE = "duplicate"  # All of it is stored, or about to be.
    GAP = "gap"  # Something before it is missing; the writer will send both again.


class Admission(Struct, frozen=True):
    """The verdict on an entry, and how many of its first events to leave out because they were taken before."""

    verdict: Verdict
    skip: int = 0


def admit(mark: int, first: int, count: int) -> Admission:
    """Compare the events `first` … `first + count - 1` with a writer's mark; only what continues it is taken."""
    if first + count - 1 <= mark:
        return Admission(Verdict.DUPLICATE)
    if first > mark + 1:
        return Admission(Verdict.GAP)
    return Admission(Verdict.TAKE, skip=mark + 1 - first)


def was_reset(last_generated: StreamId, cursor: StreamId) -> bool:
    """Tell whether the stream began again below our cursor: then nothing would ever be read from there."""
    return last_generated < cursor


def is_jammed(last_generated: StreamId, now_ms: int) -> bool:
    """Tell whether a stream's ids ran ahead of the clock, as after somebody's XADD with an id of their own."""
    return last_generated[0] > now_ms + JAM_MS


class Shard:
    """One shard for as long as one lease lasts: how far it was read, and what was admitted of each writer.

    A new lease gets a new Shard: marks that an earlier lease knew may be older than the store's.
    """

    def __init__(self, number: int, epoch: int, cursor: StreamId) -> None:
        self.number = number
        self.epoch = epoch
        self.cursor = cursor
        self._marks: dict[str, int] = {}

    def unknown(self, writers: Iterable[str]) -> set[str]:
        """Say whose marks must be read from the store before their entries can be judged."""
        return {writer for writer in writers if writer not in self._marks}

    def learn(self, marks: Mapping[str, int]) -> None:
        """Take in stored marks, of writers not met in this lease."""
        for writer, mark in marks.items():
            self._marks.setdefault(writer, mark)

    def keep(self, writers: Container[str]) -> None:
        """Know only these writers. All that was admitted of the others must be stored: their marks are read again."""
        self._marks = {writer: mark for writer, mark in self._marks.items() if writer in writers}

    def __len__(self) -> int:
        """How many writers are known."""
        return len(self._marks)

    def admit(self, writer: str, first: int, count: int) -> Admission:
        """Judge an entry and, when it is taken, move the writer's mark; its mark must be known."""
        admission = admit(self._marks[writer], first, count)
        if admission.verdict is Verdict.TAKE:
            self._marks[writer] = first + count - 1
        return admission

    def passed(self, entry: StreamId) -> None:
        """Remember that everything up to `entry` was looked at."""
        self.cursor = entry

    def check(self, last_generated: StreamId) -> bool:
        """Start again from the beginning when the stream was reset; True when it was. Duplicates are free."""
        if not was_reset(last_generated, self.cursor):
            return False
        self.cursor = START
        return True
