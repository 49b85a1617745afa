"""Store what the tail admitted, soon and in one piece, then tell the writers how far it is safe.

A commit at most every 100 ms, or when 4 MB wait. It knows no Redis: telling is the publisher's, a task of its own.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from contextlib import suppress

from runcast.streams import START, StreamId
from runcast_ingest.batch import Batch, Stored
from runcast_ingest.publisher import Publisher
from runcast_ingest.store import Alarm, Passed, QuarantineRecord, Replaced, Store, Work

log = logging.getLogger(__name__)

COMMIT_SECONDS = 0.1
COMMIT_BYTES = 4 * 1024 * 1024
WAITING_BYTES_MAX = 64 * 1024 * 1024  # Above this the tail reads no more; the rest waits in Redis.
RENEW_SECONDS = 1.0  # A third of a lease.
RETRY_SECONDS = 0.5


class Persister:
    """Takes batches, cursors and what cannot be stored from the tail; `run` commits and publishes them."""

    def __init__(
        self,
        redis_url: str,
        store: Store,
        *,
        on_stored: Callable[[list[Stored]], None] = lambda _: None,
        on_state: Callable[[str, str], None] = lambda _path, _state: None,
        on_replaced: Callable[[Replaced], Awaitable[None]] | None = None,
        on_alarms: Callable[[list[Alarm]], None] = lambda _: None,
        on_fenced: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._on_alarms = on_alarms
        self._on_stored = on_stored
        self._on_state = on_state
        self._on_replaced = on_replaced
        self.on_fenced = on_fenced
        self._epochs: dict[int, int] = {}
        self._read: dict[int, StreamId] = {}  # By shard: the cursor that the next commit stores.
        self._work = Work({}, [], [], [])
        self._waiting = 0
        self._committing: list[Batch | Passed] = []
        self._due = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._publisher = Publisher(redis_url, busy=self._busy)
        self.stored_at = time.monotonic()  # Or since when it could not be; a renewed lease is stored too.

    # What the tail says.

    def connected(self) -> None:
        """Count from now on how long nothing is stored: without Redis and leases there was nothing to store."""
        if not self._epochs:
            self.stored_at = time.monotonic()

    def leased(self, shard: int, epoch: int, cursor: StreamId) -> None:
        """Begin a lease: what an earlier one left is gone."""
        self.drop(shard)
        self._epochs[shard] = epoch
        self._read[shard] = cursor
        self._publisher.lease(shard, cursor)

    def drop(self, shard: int) -> None:
        """End a lease: nothing of its shard is committed or published any more."""
        self._epochs.pop(shard, None)
        self._read.pop(shard, None)
        self._publisher.drop(shard)
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
        self._publisher.marks.learn(shard, writer, mark)

    def ask_to_stop(self, shard: int, writers: Iterable[str]) -> bool:
        """Ask writers to stop, the next time that they look; False when the shard is not ours."""
        return self._publisher.ask_to_stop(shard, writers)

    def repeat(self, shard: int, writer: str) -> None:
        """Publish a writer's mark again: it sends what is stored, so it has not heard."""
        self._publisher.marks.repeat(shard, writer)

    def advance(self, shard: int, cursor: StreamId) -> None:
        """Move a shard's cursor: everything up to it was handed over."""
        self._read[shard] = cursor
        self._due.set()

    def was_reset(self, shard: int, now: StreamId) -> None:
        """Tell the writers of a shard whose stream began again that nothing from before `now` is still to come."""
        self._read[shard] = START
        self._publisher.was_reset(shard, now)
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

    @property
    def published_at(self) -> float:
        """When writers were last told, on the monotonic clock."""
        return self._publisher.published_at

    @property
    def trouble(self) -> str:
        """Why they could not be told, in Redis' words; empty when they were."""
        return self._publisher.trouble

    def on_sweep(self, act: Callable[[int, Collection[str]], None]) -> None:
        """Say by `act(shard, writers)` whom the others may forget: everybody but those."""
        self._publisher.on_sweep = act

    # What is done about it.

    async def run(self) -> None:
        """Commit and publish, for as long as the service lives."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._commit_loop())
            tasks.create_task(self._publisher.run())

    async def settle(self) -> None:
        """Store what is left and tell the writers; for when `run` has ended."""
        await self.commit()
        await self._publisher.once()

    async def commit(self) -> None:
        """Store what waits, in one transaction."""
        work, self._work = self._work, Work({}, [], [], [])
        work.cursors = {shard: self._read[shard] for shard in self._epochs}
        epochs = dict(self._epochs)
        if not work.cursors:
            return
        self._committing = [*work.batches, *work.passed]
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
            self._publisher.marks.learn(shards[stored.writer], stored.writer, stored.mark)
        for shard, cursor in work.cursors.items():
            ours = self._epochs.get(shard) == epochs[shard] and shard not in done.fenced
            # A stream that began again meanwhile is behind its old cursor: trimmed there, it would lose what is new.
            if ours and self._read[shard] >= cursor:
                self._publisher.stored(shard, cursor)
        self._publisher.wake()
        if done.stored:
            self._on_stored(done.stored)
        for replaced in done.replaced if self._on_replaced else ():
            await self._on_replaced(replaced)  # type: ignore[misc]
        for path, state in done.states:
            self._on_state(path, state)
        if done.alarms:
            self._on_alarms(done.alarms)

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

    def _busy(self) -> set[str]:
        return {each.writer for each in [*self._work.batches, *self._work.passed, *self._committing]}

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
