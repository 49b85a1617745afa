"""Store what the tail admitted, soon and in one piece, then tell the writers how far it is safe.

A commit at most every 100 ms, or when 4 MB wait. Publication is a task of its own: whatever Redis does after
a commit, what was stored stays stored, and the marks are published again until they arrive.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import OutOfMemoryError, RedisError, ResponseError

from runcast.streams import ACK_BEAT, ACK_CURSOR, START, StreamId, ack_key, format_id, stream_key
from runcast_ingest.batch import Batch, Stored
from runcast_ingest.link import connect, heed_cancellation
from runcast_ingest.marks import Marks
from runcast_ingest.store import Passed, QuarantineRecord, Store, Work

log = logging.getLogger(__name__)

COMMIT_SECONDS = 0.1
COMMIT_BYTES = 4 * 1024 * 1024
WAITING_BYTES_MAX = 64 * 1024 * 1024  # Above this the tail reads no more; the rest waits in Redis.
RENEW_SECONDS = 1.0  # A third of a lease.
RETRY_SECONDS = 0.5
SWEEP_SECONDS = 600.0  # Longer than a writer pauses between two rows, as a rule; whoever does not is only asked again.
SWEEP_SECONDS_MIN = 30.0  # Where there are many.
WRITERS_MANY = 50_000  # About 10 MB.
SCAN_FIELDS = 1000
KEEP_MS = 60 * 1000  # The stream keeps a minute behind the cursor, for other readers of it.
MEMORY_SHARE_MAX = 0.7  # Of Redis' memory: above it nothing behind the cursor is kept.


class Persister:
    """Takes batches, cursors and what cannot be stored from the tail; `run` commits and publishes them."""

    def __init__(
        self,
        redis_url: str,
        store: Store,
        *,
        on_stored: Callable[[list[Stored]], None] = lambda _: None,
        on_state: Callable[[str, str], None] = lambda _path, _state: None,
        on_fenced: Callable[[int], None] = lambda _: None,
        on_sweep: Callable[[int, set[str]], None] = lambda _shard, _kept: None,
    ) -> None:
        self._url = redis_url
        self._store = store
        self._on_stored = on_stored
        self._on_state = on_state
        self.on_fenced = on_fenced
        self.on_sweep = on_sweep
        self._epochs: dict[int, int] = {}
        self._read: dict[int, StreamId] = {}  # By shard: the cursor that the next commit stores.
        self._work = Work({}, [], [], [])
        self._waiting = 0
        self._committing: list[Batch] = []
        self._due = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._marks = Marks()
        self._swept = time.monotonic()
        self._cursors: dict[int, StreamId] = {}  # By shard: the cursor that is stored.
        self._floors: dict[int, StreamId] = {}
        self._publish = asyncio.Event()
        self._squeezed = False
        self.published_at = self.stored_at = 0.0  # On the monotonic clock; a renewed lease is stored too.

    # What the tail says.

    def leased(self, shard: int, epoch: int, cursor: StreamId) -> None:
        """Begin a lease: what an earlier one left is gone."""
        self.drop(shard)
        self._epochs[shard] = epoch
        self._read[shard] = self._cursors[shard] = cursor
        self._marks.lease(shard)
        self._publish.set()  # A beat at once: trainers and probes wait for one.

    def drop(self, shard: int) -> None:
        """End a lease: nothing of its shard is committed or published any more."""
        for held in (self._epochs, self._read, self._cursors, self._floors):
            held.pop(shard, None)
        self._marks.drop(shard)
        self._work.batches = [batch for batch in self._work.batches if batch.shard != shard]
        self._work.passed = [passed for passed in self._work.passed if passed.shard != shard]
        self._work.quarantine = [record for record in self._work.quarantine if record.shard != shard]
        self._measure()

    def add(self, batch: Batch) -> None:
        """Take a batch."""
        self._work.batches.append(batch)
        self._grow(batch.size)

    def skip(self, passed: Passed) -> None:
        """Move a mark past events that nobody can read."""
        self._work.passed.append(passed)

    def quarantine(self, record: QuarantineRecord) -> None:
        """Keep what could not be stored."""
        self._work.quarantine.append(record)
        self._grow(len(record.data))

    def known(self, shard: int, writer: str, mark: int) -> None:
        """Publish a mark that the store knew already: its writer may wait for it, after Redis forgot."""
        self._marks.learn(shard, writer, mark)

    def repeat(self, shard: int, writer: str) -> None:
        """Publish a writer's mark again: it sends what is stored, so it has not heard."""
        self._marks.repeat(shard, writer)

    def advance(self, shard: int, cursor: StreamId) -> None:
        """Move a shard's cursor: everything up to it was handed over."""
        self._read[shard] = cursor
        self._due.set()

    def was_reset(self, shard: int, now: StreamId) -> None:
        """Tell the writers of a shard whose stream began again that nothing from before `now` is still to come."""
        self._read[shard] = self._cursors[shard] = START
        self._floors[shard] = now
        self._marks.repeat_all(shard)
        self._due.set()

    @property
    def has_room(self) -> bool:
        """Whether more can be taken now."""
        return self._room.is_set()

    async def room(self) -> None:
        """Wait until there is room for more: the tail's brake."""
        await self._room.wait()

    @property
    def waiting_bytes(self) -> int:
        """What was taken and is not stored yet."""
        return self._waiting

    # What is done about it.

    async def run(self) -> None:
        """Commit and publish, for as long as the service lives."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._commit_loop())
            tasks.create_task(self._publish_loop())

    async def settle(self) -> None:
        """Store what is left and tell the writers; for when `run` has ended."""
        await self.commit()
        with suppress(RedisError, OSError, TimeoutError):
            async with connect(self._url) as redis:
                await self._publish_once(redis, beat=False)

    async def commit(self) -> None:
        """Store what waits, in one transaction."""
        work, self._work = self._work, Work({}, [], [], [])
        work.cursors = {shard: self._read[shard] for shard in self._epochs}
        epochs = dict(self._epochs)
        if not work.cursors:
            return
        self._committing = work.batches
        try:
            done = await self._store.commit(work, epochs)
        except BaseException:
            # Nothing of it was stored; or all of it, when only the waiting was given up: the ledger knows its marks,
            # and leaves out what it has. It goes back to the front, without what was dropped meanwhile.
            mine = {shard for shard, epoch in epochs.items() if self._epochs.get(shard) == epoch}
            self._work.batches[:0] = [batch for batch in work.batches if batch.shard in mine]
            self._work.passed[:0] = [passed for passed in work.passed if passed.shard in mine]
            self._work.quarantine[:0] = [record for record in work.quarantine if record.shard in mine]
            raise
        finally:
            self._committing = []
            self._measure()
        self.stored_at = time.monotonic()
        shards = {batch.writer: batch.shard for batch in work.batches}
        shards |= {passed.writer: passed.shard for passed in work.passed}
        for shard in done.fenced:
            log.warning("another service took over shard %d; leaving it alone", shard)
            self.drop(shard)
            self.on_fenced(shard)
        for stored in done.stored:
            self._marks.learn(shards[stored.writer], stored.writer, stored.mark)
        for shard, cursor in work.cursors.items():
            ours = self._epochs.get(shard) == epochs[shard] and shard not in done.fenced
            # A stream that began again meanwhile is behind its old cursor: trimmed there, it would lose what is new.
            if ours and self._read[shard] >= cursor:
                self._cursors[shard] = cursor
        self._publish.set()
        if done.stored:
            self._on_stored(done.stored)
        for path, state in done.states:
            self._on_state(path, state)

    async def _commit_loop(self) -> None:
        renewed = 0.0
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(RENEW_SECONDS):
                    await self._due.wait()
            started = time.monotonic()
            self._due.clear()
            worth = self._work.batches or self._work.passed or self._work.quarantine
            if not worth and started - renewed < RENEW_SECONDS:
                await asyncio.sleep(COMMIT_SECONDS)
                continue
            try:
                await self.commit()
                renewed = started
            except sqlite3.Error as error:
                # A full disk, say. The tail is held up by then, and the events wait in Redis and in their journals.
                log.error("cannot store: %s; trying again", error)
                await asyncio.sleep(RETRY_SECONDS)
                self._due.set()
                continue
            if self._waiting < COMMIT_BYTES:
                await asyncio.sleep(max(0.0, COMMIT_SECONDS - (time.monotonic() - started)))

    async def _publish_loop(self) -> None:
        while True:
            try:
                async with connect(self._url) as redis:
                    # Redis may be a new one that knows nothing: everything is said again.
                    self._marks.repeat_all()
                    beat_at = 0.0
                    while True:
                        heed_cancellation()
                        with suppress(TimeoutError):
                            async with asyncio.timeout(RENEW_SECONDS):
                                await self._publish.wait()
                        self._publish.clear()
                        now = time.monotonic()
                        beat = now - beat_at >= RENEW_SECONDS
                        if beat:
                            beat_at = now
                            self._squeezed = await _is_full(redis)
                        await self._publish_once(redis, beat)
                        if now - self._swept >= (
                            SWEEP_SECONDS if len(self._marks) < WRITERS_MANY else SWEEP_SECONDS_MIN
                        ):
                            self._swept = now
                            await self._sweep(redis)
            except (RedisError, OSError, TimeoutError) as error:
                log.debug("cannot publish marks: %s", error)
                await asyncio.sleep(RETRY_SECONDS)

    async def _publish_once(self, redis: Redis, beat: bool) -> None:
        # Trim, then publish the marks: a Redis out of memory refuses HSET, but not XTRIM, which makes the room for it.
        said = {shard: marks for shard, marks in self._marks.untold().items() if beat or marks}
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
        _raise_first(await pipeline.execute(raise_on_error=False), self)
        self._marks.told(said)
        self.published_at = time.monotonic()

    async def _sweep(self, redis: Redis) -> None:
        """Forget quiet writers, here, in the tail and in Redis. Whoever comes back is told its mark again."""
        busy = {each.writer for each in [*self._work.batches, *self._committing]}
        busy |= {each.writer for each in self._work.passed}
        self._marks.sweep(busy)
        for shard in list(self._epochs):
            self.on_sweep(shard, busy.union(self._marks.of(shard)))
            key = ack_key(shard)
            cursor = 0
            while True:
                cursor, fields = await redis.hscan(key, cursor, count=SCAN_FIELDS)
                known = self._marks.of(shard)
                names = {_text(field) for field in fields} - {ACK_CURSOR, ACK_BEAT}
                if gone := [name for name in names if name not in known]:
                    await redis.hdel(key, *gone)
                if not cursor:
                    break

    def squeeze(self) -> None:
        """Keep nothing in Redis that is stored: it is out of memory."""
        self._squeezed = True

    def _grow(self, size: int) -> None:
        self._waiting += size
        if self._waiting >= WAITING_BYTES_MAX:
            self._room.clear()
        self._due.set()

    def _measure(self) -> None:
        self._waiting = sum(batch.size for batch in self._work.batches)
        self._waiting += sum(len(record.data) for record in self._work.quarantine)
        if self._waiting < WAITING_BYTES_MAX:
            self._room.set()


def _text(field: bytes | str) -> str:
    return field if isinstance(field, str) else field.decode(errors="replace")


async def _is_full(redis: Redis) -> bool:
    try:
        memory = await redis.info("memory")
    except ResponseError:
        return False  # Not for this user to ask; an XADD or HSET that is refused will tell.
    most = int(memory.get("maxmemory", 0))
    return most > 0 and int(memory["used_memory"]) > MEMORY_SHARE_MAX * most


def _raise_first(answers: Sequence[Any], persister: Persister) -> None:
    for answer in answers:
        if isinstance(answer, OutOfMemoryError):
            persister.squeeze()
        if isinstance(answer, Exception):
            raise answer
