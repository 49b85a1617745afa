"""What leaves a live session: frames and messages in one order, at the pace at which their reader decodes frames.

It knows no run; who numbers what frames speak of is told before each of them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from runcast import frames
from runcast.frames import SNAPSHOT
from runcast_ingest.picture import Stroke, Total

UNACKED_FRAMES_MAX = 2  # One being drawn, one on the way: a third would only wait.
GATHERED_BYTES_MAX = 256 * 1024  # Snapshots of several runs in one frame: a tenth of a second on a slow line.


async def _nothing() -> None: ...


class Outbox:
    """Writes to one reader; `seq` numbers the frames."""

    def __init__(
        self,
        send_text: Callable[[str], Awaitable[None]],
        send_frame: Callable[[bytes], Awaitable[None]],
        *,
        seq: int = 0,
    ) -> None:
        self._send_text, self._send_bytes = send_text, send_frame
        self.before_frame: Callable[[], Awaitable[None]] = _nothing  # Announces the numbers that the frame uses.
        self.seq = self._acked = seq
        self.sent_at = 0.0  # The last frame, on the monotonic clock.
        self._room = asyncio.Event()
        self._gathered: list[Stroke] = []
        self._gathered_flags = 0
        self._gathered_totals: list[tuple[int, Sequence[Total]]] = []

    def ack(self, seq: int) -> None:
        """Hear that a frame was decoded."""
        self._acked = min(max(self._acked, seq), self.seq)
        self._room.set()

    async def has_room(self) -> None:
        """Wait until another frame may be sent."""
        while self.seq - self._acked >= UNACKED_FRAMES_MAX:
            self._room.clear()
            await self._room.wait()

    async def say(self, **message: Any) -> None:
        """Send a message."""
        await self.flush()
        await self._send_text(msgspec.json.encode(message).decode())

    async def send(self, kind: int, strokes: Sequence[Stroke], *, req: int = 0, flags: int = 0) -> None:
        """Send a frame."""
        await self.flush()  # What follows a snapshot comes after it.
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
        await self.before_frame()
        self.sent_at = time.monotonic()
        await self._send_bytes(data)

    async def gather(self, run: int, strokes: Sequence[Stroke], totals: Sequence[Total], flags: int) -> None:
        """Send a run's snapshot, together with the next ones: a thousand frames would each wait for their answer."""
        self._gathered += strokes
        self._gathered_flags |= flags
        if totals:
            self._gathered_totals.append((run, totals))
        if sum(len(stroke.data) for stroke in self._gathered) >= GATHERED_BYTES_MAX:
            await self.flush()

    async def flush(self) -> None:
        """Send what was gathered."""
        if not self._gathered:
            return
        await self.has_room()
        strokes, flags = self._gathered, self._gathered_flags
        self._gathered, self._gathered_flags = [], 0
        totals, self._gathered_totals = self._gathered_totals, []
        await self.send(SNAPSHOT, strokes, flags=flags)
        for run, points in totals:
            await self.say(ev="totals", run=run, points=points)
