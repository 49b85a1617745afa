"""Read the shards' streams from their cursors, and hand on each event once, in its writer's order.

The loop that reconnects stands outside the loop that reads. What an entry may be is decided in `admission`; what
cannot be read or stored goes to quarantine with its reason, and the shard goes on.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from runcast.blocks import drop_first
from runcast.errors import MalformedEntry
from runcast.streams import SHARDS, START, StreamId, format_id, parse_id, stream_key
from runcast.wire import Entry, Fields, Poison, Waiting, decode
from runcast_ingest.admission import Shard, Verdict, is_jammed
from runcast_ingest.batch import Batch, weigh
from runcast_ingest.link import connect, heed_cancellation
from runcast_ingest.persister import Persister
from runcast_ingest.store import Passed, QuarantineRecord, Store
from runcast_ingest.store.records import GAP, MALFORMED, POISON

log = logging.getLogger(__name__)

BLOCK_MS = 1000
READ_BYTES = 8 * 1024 * 1024  # What one XREAD should bring; an entry has 256 kB at most, as a rule.
READ_ENTRIES_MIN, READ_ENTRIES_MAX = 2, 512  # Of each stream.
DECODE_INLINE_BYTES = 256 * 1024  # More than this is decoded in a thread: it would hold the loop up for a millisecond.
CHECK_SECONDS = 1.0
RECONNECT_SECONDS = (0.05, 1.0)  # The first pause, and the longest.

RawEntry = tuple[StreamId, Fields]
Read = tuple[StreamId, Fields, Entry | MalformedEntry]


class TailStats(Struct):
    """What the tail counted since it began."""

    entries: int = 0
    duplicates: int = 0
    gaps: int = 0
    malformed: int = 0
    poison: int = 0
    resets: int = 0
    reconnects: int = 0


class Tail:
    """Follows the shards that this service has leased. `on_batch` is called with each batch as soon as it is read."""

    def __init__(
        self,
        redis_url: str,
        store: Store,
        persister: Persister,
        *,
        shards: Iterable[int] = range(SHARDS),
        owner: str | None = None,
        on_batch: Callable[[Batch], None] = lambda _: None,
        on_beat: Callable[[str, str, Waiting | None], None] = lambda _path, _writer, _waiting: None,
        on_deaf: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._url = redis_url
        self._store = store
        self._persister = persister
        self._wanted = tuple(shards)
        self._owner = owner or uuid4().hex
        self._on_batch = on_batch
        self._on_beat = on_beat
        self._on_deaf = on_deaf
        self._shards: dict[int, Shard] = {}
        self._jammed: set[int] = set()
        self._latest: dict[int, StreamId] = {}  # By shard: the last entry of its stream, at the last look.
        self._entry_bytes = float(READ_BYTES)  # A running mean; the first read is careful.
        self.stats = TailStats()
        self.connected = False
        persister.on_fenced = self.drop
        persister.on_sweep(self._forget)

    @property
    def shards(self) -> list[int]:
        """The shards that are ours now."""
        return sorted(self._shards)

    def lags(self) -> dict[int, float]:
        """Say by shard how far what is read is behind what Redis had at the last look, in seconds of its clock."""
        return {
            number: max(0.0, (self._latest[number][0] - shard.cursor[0]) / 1000) if number in self._latest else 0.0
            for number, shard in self._shards.items()
        }

    @property
    def jammed(self) -> list[int]:
        """The shards whose ids ran more than an hour ahead of the clock."""
        return sorted(self._jammed)

    def drop(self, shard: int) -> None:
        """Give a shard up: somebody else has it."""
        self._shards.pop(shard, None)

    async def run(self) -> None:
        """Follow the streams, through every loss of the connection, for as long as the service lives."""
        pause = RECONNECT_SECONDS[0]
        while True:
            try:
                async with connect(self._url) as redis:
                    await redis.ping()
                    self._hear(True)
                    pause = RECONNECT_SECONDS[0]
                    await self._follow(redis)
            except sqlite3.Error as error:
                # A full disk, say, where a lease is taken. What was read and not handed on is read again.
                log.error("cannot store: %s; trying again", error)
                await asyncio.sleep(RECONNECT_SECONDS[1])
            except (RedisError, OSError, TimeoutError) as error:
                if self.connected:
                    log.warning("lost Redis: %s; trying again", error)
                    self.stats.reconnects += 1
                self._hear(False)
                await asyncio.sleep(pause)
                pause = min(2 * pause, RECONNECT_SECONDS[1])

    async def _follow(self, redis: Redis) -> None:
        checked = 0.0
        while True:
            heed_cancellation()
            if not self._persister.has_room:
                # Beats wait behind what is not read: whoever is not heard of now has not fallen silent.
                self._on_deaf(True)
                await self._persister.room()
                self._on_deaf(False)
            now = time.monotonic()
            if now - checked >= CHECK_SECONDS:
                await self._lease()
                await self._check(redis)
                checked = now
            if not self._shards:
                await asyncio.sleep(CHECK_SECONDS / 4)
                continue
            streams: dict[Any, Any] = {
                stream_key(number): format_id(shard.cursor) for number, shard in self._shards.items()
            }
            share = READ_BYTES / self._entry_bytes / len(streams)
            count = int(min(max(share, READ_ENTRIES_MIN), READ_ENTRIES_MAX))
            await self._take(await redis.xread(streams, count=count, block=BLOCK_MS))

    async def _lease(self) -> None:
        missing = [number for number in self._wanted if number not in self._shards]
        if not missing:
            return
        for lease in await self._store.lease(missing, owner=self._owner):
            self._persister.leased(lease.shard, lease.epoch, lease.cursor)
            self._shards[lease.shard] = Shard(lease.shard, lease.epoch, lease.cursor)

    async def _check(self, redis: Redis) -> None:
        for number, shard in list(self._shards.items()):
            last = self._latest[number] = await _last_generated(redis, number)
            if shard.check(last):
                seconds, micros = await redis.time()
                if self._shards.get(number) is not shard:
                    continue  # Fenced off meanwhile: whoever has it now looks for itself.
                log.warning("the stream of shard %d began again; reading it from the start", number)
                self.stats.resets += 1
                self._persister.was_reset(number, (seconds * 1000 + micros // 1000, 0))
            jammed = is_jammed(last, time.time_ns() // 1_000_000)
            if jammed and number not in self._jammed:
                log.error(
                    "shard %d is jammed: its last entry id %s is more than an hour ahead of the clock; "
                    "somebody wrote to %s by hand, or a clock was wrong",
                    number,
                    format_id(last),
                    stream_key(number),
                )
            (self._jammed.add if jammed else self._jammed.discard)(number)

    async def _take(self, answer: Any) -> None:
        by_shard = {int(key[4:-4]): entries for key, entries in _streams(answer)}
        size = sum(_size(fields) for entries in by_shard.values() for _, fields in entries)
        entries_count = sum(map(len, by_shard.values()))
        if not entries_count:
            return
        self.stats.entries += entries_count
        self._entry_bytes += (max(size / entries_count, 1.0) - self._entry_bytes) / 8
        if size > DECODE_INLINE_BYTES:
            read = await asyncio.to_thread(_decode_all, by_shard)
        else:
            read = _decode_all(by_shard)
        for number, entries in read.items():
            shard = self._shards.get(number)
            if shard is None:
                continue
            writers = {_writer(entry) for _, _, entry in entries} - {""}
            # Again, because one that was known may be forgotten while the others are looked up.
            while unknown := shard.unknown(writers):
                marks = await self._store.marks(unknown)
                if self._shards.get(number) is not shard:
                    break
                shard.learn(marks)
                for writer, mark in marks.items():
                    self._persister.known(number, writer, mark)
            if self._shards.get(number) is not shard:
                continue  # Fenced off meanwhile: these marks may be somebody else's work in progress.
            received = time.time_ns()
            for at, fields, entry in entries:
                self._admit(shard, at, fields, entry, received)
                shard.passed(at)
            self._persister.advance(number, shard.cursor)

    def _admit(self, shard: Shard, at: StreamId, fields: Fields, entry: Entry | MalformedEntry, received: int) -> None:
        if isinstance(entry, Entry):
            self._admit_entry(shard, at, fields, entry, received)
        elif isinstance(entry, Poison):
            self._admit_poison(shard, at, fields, entry, received)
        else:
            self.stats.malformed += 1
            self._persister.quarantine(_record(MALFORMED, shard.number, at, fields, str(entry), received))

    def _admit_entry(self, shard: Shard, at: StreamId, fields: Fields, entry: Entry, received: int) -> None:
        if not entry.count:
            self._on_beat(entry.path, entry.writer, entry.waiting)
            return
        admission = shard.admit(entry.writer, entry.first, entry.count)
        if admission.verdict is Verdict.DUPLICATE:
            self.stats.duplicates += 1
            self._persister.repeat(shard.number, entry.writer)
            return
        if admission.verdict is Verdict.GAP:
            self.stats.gaps += 1
            reason = "events before it are missing; the writer goes back"
            record = _record(GAP, shard.number, at, fields, reason, received)
            self._persister.quarantine(_named(record, entry.path, entry.writer, entry.first, entry.count))
            return
        items = drop_first(entry.items, admission.skip) if admission.skip else entry.items
        batch = Batch(
            path=entry.path,
            writer=entry.writer,
            shard=shard.number,
            first=entry.first + admission.skip,
            last=entry.last,
            items=items,
            entry=at,
            received=received,
            size=weigh(items),
        )
        self._on_batch(batch)
        self._persister.add(batch)

    def _admit_poison(self, shard: Shard, at: StreamId, fields: Fields, poison: Poison, received: int) -> None:
        if not poison.count:
            return
        admission = shard.admit(poison.writer, poison.first, poison.count)
        if admission.verdict is Verdict.DUPLICATE:
            self.stats.duplicates += 1
            self._persister.repeat(shard.number, poison.writer)
            return
        self.stats.poison += 1
        taken = admission.verdict is Verdict.TAKE
        record = _record(POISON if taken else GAP, shard.number, at, fields, str(poison), received)
        first, count = poison.first + admission.skip, poison.count - admission.skip
        self._persister.quarantine(_named(record, poison.path, poison.writer, first, count))
        if taken:
            self._persister.skip(Passed(poison.path, poison.writer, shard.number, first, first + count - 1))

    def _forget(self, shard: int, kept: Collection[str]) -> None:
        if (held := self._shards.get(shard)) is not None:
            held.keep(kept)

    def _hear(self, connected: bool) -> None:
        if connected != self.connected:
            self.connected = connected
            if connected:
                self._persister.connected()
            self._on_deaf(not connected)


def _streams(answer: Any) -> Iterable[tuple[str, Sequence[RawEntry]]]:
    for key, entries in (answer or {}).items():
        yield key.decode(), [(parse_id(at), fields) for at, fields in entries]


def _decode_all(by_shard: Mapping[int, Sequence[RawEntry]]) -> dict[int, list[Read]]:
    return {number: [(at, fields, _decode(fields)) for at, fields in entries] for number, entries in by_shard.items()}


def _decode(fields: Fields) -> Entry | MalformedEntry:
    try:
        return decode(fields)
    except MalformedEntry as error:
        return error


def _writer(entry: Entry | MalformedEntry) -> str:
    return entry.writer if isinstance(entry, Entry | Poison) else ""


def _size(fields: Fields) -> int:
    return sum(map(len, fields.values()))


def _record(kind: str, shard: int, at: StreamId, fields: Fields, reason: str, received: int) -> QuarantineRecord:
    data = fields.get(b"d") or b"".join(name + b"=" + value + b"\n" for name, value in fields.items())
    return QuarantineRecord(kind, shard, at, "", "", 0, 0, reason, received, len(data), bytes(data[:65536]))


def _named(record: QuarantineRecord, path: str, writer: str, first: int, count: int) -> QuarantineRecord:
    return QuarantineRecord(
        record.kind,
        record.shard,
        record.entry,
        path,
        writer,
        first,
        first + count - 1,
        record.reason,
        record.received,
        record.size,
        record.data,
    )


async def _last_generated(redis: Redis, shard: int) -> StreamId:
    try:
        about = await redis.xinfo_stream(stream_key(shard))
    except ResponseError as error:
        if "no such key" in str(error):
            return START
        raise
    return parse_id(about["last-generated-id"])
