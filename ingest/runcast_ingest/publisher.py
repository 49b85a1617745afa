"""Tell writers how far they are stored, and keep in Redis only what somebody may still need.

It speaks to Redis alone. Whatever Redis does, what was stored stays stored, and is said again until it is heard.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import OutOfMemoryError, RedisError, ResponseError

from runcast.streams import ACK_BEAT, ACK_CURSOR, ACK_STOP, START, StreamId, ack_key, format_id, stream_key
from runcast_ingest.link import connect, heed_cancellation
from runcast_ingest.marks import Marks

log = logging.getLogger(__name__)

BEAT_SECONDS = 1.0  # By it, trainers and probes know that somebody stores.
RETRY_SECONDS = 0.5
SWEEP_SECONDS = 600.0  # Longer than a writer pauses between two rows, as a rule; whoever does not is only asked again.
SWEEP_SECONDS_MIN = 30.0  # Where there are many.
WRITERS_MANY = 50_000  # About 10 MB.
SCAN_FIELDS = 1000
KEEP_MS = 60 * 1000  # The stream keeps a minute behind the cursor, for other readers of it.
MEMORY_SHARE_MAX = 0.7  # Of Redis' memory: above it nothing behind the cursor is kept.


class Publisher:
    """Says in Redis what the store has, of the shards that are ours."""

    def __init__(self, redis_url: str, *, busy: Callable[[], set[str]]) -> None:
        self._url = redis_url
        self._busy = busy  # Who has something under way that is not stored.
        self.marks = Marks()
        self.on_sweep: Callable[[int, Collection[str]], None] = lambda _shard, _kept: None
        self._cursors: dict[int, StreamId] = {}  # By shard: the cursor that is stored.
        self._floors: dict[int, StreamId] = {}
        self._due = asyncio.Event()
        self._squeezed = False
        self._swept = time.monotonic()
        self.published_at = time.monotonic()  # Or since when it could not be.
        self.trouble = ""  # What came of the last try, where that was nothing good.

    def lease(self, shard: int, cursor: StreamId) -> None:
        """Speak of a shard from now on."""
        self._cursors[shard] = cursor
        self.marks.lease(shard)
        self._due.set()  # A beat at once: trainers and probes wait for one.

    def drop(self, shard: int) -> None:
        """Speak of a shard no more."""
        self._cursors.pop(shard, None)
        self._floors.pop(shard, None)
        self.marks.drop(shard)

    def was_reset(self, shard: int, now: StreamId) -> None:
        """Tell the writers of a shard whose stream began again that nothing from before `now` is still to come."""
        self._cursors[shard] = START
        self._floors[shard] = now
        self.marks.repeat_all(shard)

    def stored(self, shard: int, cursor: StreamId) -> None:
        """Take note of a cursor that is stored."""
        self._cursors[shard] = cursor

    def ask_to_stop(self, shard: int, writers: Iterable[str]) -> bool:
        """Ask writers to stop, the next time that they look; False when the shard is not ours."""
        if shard not in self._cursors:
            return False
        for writer in writers:
            self.marks.learn(shard, ACK_STOP + writer, time.time_ns() // 1_000_000)
        self._due.set()
        return True

    def wake(self) -> None:
        """Say soon what is new."""
        self._due.set()

    async def run(self) -> None:
        """Publish, through every loss of the connection, for as long as the service lives."""
        while True:
            try:
                async with connect(self._url) as redis:
                    # Redis may be a new one that knows nothing: everything is said again.
                    self.marks.repeat_all()
                    await self._follow(redis)
            except (RedisError, OSError, TimeoutError) as error:
                if not self.trouble and isinstance(error, ResponseError):
                    log.warning("Redis does not take what writers are to be told: %s; trying again", error)
                self.trouble = str(error) or type(error).__name__
                await asyncio.sleep(RETRY_SECONDS)

    async def once(self) -> None:
        """Say what is left; for when `run` has ended."""
        with suppress(RedisError, OSError, TimeoutError):
            async with connect(self._url) as redis:
                await self._publish(redis, beat=False)

    async def _follow(self, redis: Redis) -> None:
        beat_at = 0.0
        while True:
            heed_cancellation()
            with suppress(TimeoutError):
                async with asyncio.timeout(BEAT_SECONDS):
                    await self._due.wait()
            self._due.clear()
            now = time.monotonic()
            beat = now - beat_at >= BEAT_SECONDS
            if beat:
                beat_at = now
                self._squeezed = await _is_full(redis)
            await self._publish(redis, beat)
            if now - self._swept >= (SWEEP_SECONDS if len(self.marks) < WRITERS_MANY else SWEEP_SECONDS_MIN):
                self._swept = now
                await self._sweep(redis)

    async def _publish(self, redis: Redis, beat: bool) -> None:
        # Trim, then publish the marks: a Redis out of memory refuses HSET, but not XTRIM, which makes the room for it.
        said = {shard: marks for shard, marks in self.marks.untold().items() if beat or marks}
        pipeline = redis.pipeline(transaction=False)
        for shard in said:
            cursor = self._cursors[shard]
            keep = cursor if self._squeezed else (cursor[0] - KEEP_MS, 0)
            if keep[0] > 0:
                pipeline.xtrim(stream_key(shard), minid=format_id(keep), approximate=not self._squeezed)
        for shard, marks in said.items():
            cursor = max(self._cursors[shard], self._floors.get(shard, START))
            fields: dict[Any, Any] = {**marks, ACK_CURSOR: format_id(cursor)}
            if beat:
                fields[ACK_BEAT] = time.time_ns() // 1_000_000
            pipeline.hset(ack_key(shard), mapping=fields)
        self._heed(await pipeline.execute(raise_on_error=False))
        self.marks.told(said)
        self.published_at, self.trouble = time.monotonic(), ""

    def _heed(self, answers: Sequence[Any]) -> None:
        for answer in answers:
            if isinstance(answer, OutOfMemoryError):
                self._squeezed = True  # Nothing that is stored is kept there.
            if isinstance(answer, Exception):
                raise answer

    async def _sweep(self, redis: Redis) -> None:
        """Forget quiet writers, here, in the tail and in Redis. Whoever comes back is told its mark again."""
        # Without an await in between: a writer that the tail just met would be forgotten with what it sent under way.
        busy = self._busy()
        self.marks.sweep(busy)
        for shard in self._cursors:
            self.on_sweep(shard, busy.union(self.marks.of(shard)))
        for shard in list(self._cursors):
            cursor = 0
            while True:
                cursor, fields = await redis.hscan(ack_key(shard), cursor, count=SCAN_FIELDS)
                if shard not in self._cursors:
                    break  # Whoever has it now speaks for it.
                names = {_text(field) for field in fields} - {ACK_CURSOR, ACK_BEAT} - self.marks.of(shard).keys()
                if names:
                    await redis.hdel(ack_key(shard), *names)
                if not cursor:
                    break


def _text(field: bytes | str) -> str:
    return field if isinstance(field, str) else field.decode(errors="replace")


async def _is_full(redis: Redis) -> bool:
    try:
        memory = await redis.info("memory")
    except ResponseError:
        return False  # Not for this user to ask; an HSET that is refused will tell.
    most = int(memory.get("maxmemory", 0))
    return most > 0 and int(memory["used_memory"]) > MEMORY_SHARE_MAX * most
