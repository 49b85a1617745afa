"""What a writer has sent, and from where it must send again. Pure: no clock, no socket, no file.

Go-back-N. The one thing that counts is the mark: the highest sequence stored, every one before it
stored too. Whatever was sent above it is a hope. After any doubt the writer starts again from the mark.
"""

from __future__ import annotations

from collections import deque

from runcast.streams import StreamId

IN_FLIGHT_BYTES_MAX = 16 * 1024 * 1024  # A writer's share of Redis while nobody stores; the rest waits in its journal.
STALLED_SECONDS = 30.0  # Nothing stored for this long although the service is alive: send again.


class Window:
    """The sending half of the protocol, for one writer. `now` is any monotonic clock, in seconds."""

    def __init__(self, *, mark: int = 0, now: float = 0.0) -> None:
        self.mark = mark
        self.next = mark + 1
        self.went_back = 0
        self._in_flight: deque[tuple[int, StreamId, int]] = deque()  # (last sequence, entry, bytes)
        self._bytes = 0
        self._moved_at = now
        self._beat: str | None = None
        self._beat_moved = False

    def has_room(self, pending_bytes: int = 0) -> bool:
        """Whether another entry may be sent before something is stored, beside those about to be."""
        return self._bytes + pending_bytes < IN_FLIGHT_BYTES_MAX

    @property
    def waits(self) -> bool:
        """Whether something was sent that is not stored yet."""
        return bool(self._in_flight)

    def sent(self, last: int, entry: StreamId, size: int) -> None:
        """Remember that the events up to `last` went out in `entry`."""
        self.next = last + 1
        self._in_flight.append((last, entry, size))
        self._bytes += size

    def go_back(self) -> None:
        """Forget what was sent: after an error, a lost reply, a new connection."""
        if self.next > self.mark + 1:
            self.went_back += 1
        self.next = self.mark + 1
        self._in_flight.clear()
        self._bytes = 0

    def learn(self, *, mark: int, cursor: StreamId | None, beat: str | None, now: float) -> None:
        """Take in what the shard's ack hash says; all three come from one read, so they agree.

        Marks only rise: a zombie may publish an old one. The window goes back when the reader has
        passed an entry of ours without storing it, or stores nothing for long although it lives.
        """
        if mark > self.mark:
            self.mark, self._moved_at = mark, now
            # An event stored is an event sent, whoever sent it: another process may drain the same journal.
            self.next = max(self.next, mark + 1)
        while self._in_flight and self._in_flight[0][0] <= self.mark:
            self._bytes -= self._in_flight.popleft()[2]
        if not self._in_flight:
            self._moved_at = now
            return
        if beat != self._beat:
            self._beat_moved, self._beat = self._beat is not None, beat
        passed = cursor is not None and cursor >= self._in_flight[0][1]
        stalled = self._beat_moved and now - self._moved_at > STALLED_SECONDS
        if passed or stalled:
            self.go_back()
            self._moved_at = now
