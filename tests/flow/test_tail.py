"""From the stream to the store: each event once, whatever Redis loses, repeats or holds back."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
import redis.asyncio
from tests.flow.stored import BEGIN, WRITER, block, rows_of

from runcast.blocks import Item
from runcast.events import Finish, Start
from runcast.streams import ACK_BEAT, ACK_CURSOR, ack_key, parse_id, shard_of, stream_key
from runcast.wire import encode
from runcast_ingest.backlogs import Backlogs
from runcast_ingest.batch import Batch, Stored
from runcast_ingest.health import Health
from runcast_ingest.persister import Persister
from runcast_ingest.states import States
from runcast_ingest.store import Store
from runcast_ingest.store.records import GAP, MALFORMED, POISON
from runcast_ingest.tail import Tail

PATH = "p/r"
SHARD = shard_of(PATH)


class Service:
    """A tail and a persister on a store of their own, and a client of the same Redis."""

    def __init__(self, url: str, store: Store) -> None:
        self.store = store
        self.batches: list[Batch] = []
        self.beats: list[tuple[str, str]] = []
        self.stored: list[Stored] = []
        self.states: list[tuple[str, str]] = []
        self.persister = Persister(
            url, store, on_stored=self.stored.extend, on_state=lambda path, state: self.states.append((path, state))
        )
        self.tail = Tail(
            url,
            store,
            self.persister,
            on_batch=self.batches.append,
            on_beat=lambda path, writer, _: self.beats.append((path, writer)),
        )
        self.client = redis.Redis.from_url(url)
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        """Start both loops."""
        self._tasks = [asyncio.create_task(loop) for loop in (self.tail.run(), self.persister.run())]

    async def end(self) -> None:
        """Stop both loops, as a kill would, and fail if one had died by itself."""
        for task in self._tasks:
            task.cancel()
        ends = await asyncio.gather(*self._tasks, return_exceptions=True)
        self.client.close()
        assert all(isinstance(end, asyncio.CancelledError) for end in ends), ends

    def send(self, first: int, *items: Item, writer: str = WRITER, path: str = PATH) -> bytes:
        """Publish an entry."""
        fields: dict[Any, Any] = dict(encode(path, writer, first, items))
        answer = self.client.xadd(stream_key(shard_of(path)), fields)
        assert isinstance(answer, bytes)
        return answer

    def acks(self, shard: int = SHARD) -> dict[Any, Any]:
        """Read what writers are told."""
        return dict(self.client.hgetall(ack_key(shard)))

    def mark(self, writer: str = WRITER) -> int:
        """Read a writer's published mark."""
        return int(self.acks().get(writer.encode(), 0))


@pytest.fixture
async def service(redis_server: str, tmp_path: Path) -> AsyncIterator[Service]:
    async with Store.open(tmp_path / "runcast.db") as store:
        made = Service(redis_server, store)
        made.begin()
        try:
            yield made
        finally:
            await made.end()


async def until(fact: Callable[[], Any] | Callable[[], Awaitable[Any]], seconds: float = 10.0) -> None:
    """Wait for a fact, with a deadline."""
    deadline = time.monotonic() + seconds
    while True:
        told = fact()
        if await told if isinstance(told, Awaitable) else told:
            return
        assert time.monotonic() < deadline, f"it did not come to hold within {seconds} s"
        await asyncio.sleep(0.01)


def start() -> Start:
    return Start(BEGIN, "a run", {})


def row(step: int) -> Item:
    return block({"a": [step]}, steps=[step])


async def test_what_is_published_is_stored_and_its_writer_is_told(service: Service) -> None:
    entry = service.send(1, start(), row(0), row(1))
    await until(lambda: service.mark() == 3)
    assert [row["a"] for row in await rows_of(service.store)] == [0.0, 1.0]
    assert parse_id(service.acks()[ACK_CURSOR.encode()]) == parse_id(entry)
    assert service.stored[-1] == Stored(PATH, WRITER, 3)
    assert service.states == [(PATH, "running")]


async def test_the_hub_gets_a_batch_before_it_is_stored(service: Service) -> None:
    service.send(1, start())
    await until(lambda: service.batches)
    assert (service.batches[0].first, service.batches[0].last) == (1, 1)


async def test_a_metric_sent_twice_is_stored_once(service: Service) -> None:
    """A trainer that retries after a lost answer leaves one point on the curve, even in another entry."""
    service.send(1, start(), row(0))
    service.send(1, start(), row(0))
    service.send(2, row(0), row(1))
    await until(lambda: service.mark() == 3)
    assert [(batch.first, batch.last) for batch in service.batches] == [(1, 2), (3, 3)]
    assert len(await rows_of(service.store)) == 2
    assert service.tail.stats.duplicates == 1


async def test_what_lies_above_a_hole_waits_until_the_writer_has_gone_back(service: Service) -> None:
    service.send(1, start())
    service.send(5, row(3))
    await until(lambda: service.tail.stats.gaps == 1)

    async def waits() -> bool:
        return [record.kind for record in await service.store.quarantine()] == [GAP]

    await until(waits)
    await until(lambda: service.mark() == 1)
    service.send(2, row(0), row(1), row(2))
    service.send(5, row(3))
    await until(lambda: service.mark() == 5)
    assert await service.store.quarantine() == []
    assert [row["a"] for row in await rows_of(service.store)] == [0, 1, 2, 3]


async def test_what_cannot_be_read_goes_to_quarantine_and_the_shard_goes_on(service: Service) -> None:
    service.client.xadd(stream_key(SHARD), {"hello": "world"})
    torn: dict[Any, Any] = {**encode(PATH, WRITER, 1, [start()]), "k": 5}
    service.client.xadd(stream_key(SHARD), torn)
    service.send(1, start())
    await until(lambda: service.mark() == 1)
    records = await service.store.quarantine()
    assert [record.kind for record in records] == [MALFORMED, MALFORMED]
    assert "crc" in records[0].reason
    assert b"hello=world" in records[1].data


async def test_a_mark_moves_past_what_its_writer_would_send_again_for_ever(service: Service) -> None:
    service.send(1, start())
    poison: dict[Any, Any] = {**encode(PATH, WRITER, 2, [row(0), row(1)]), "n": 3}
    service.client.xadd(stream_key(SHARD), poison)
    service.send(5, row(2))
    await until(lambda: service.mark() == 5)
    [record] = await service.store.quarantine()
    assert (record.kind, record.first, record.last) == (POISON, 2, 4)
    assert (await service.store.check()).problems == []


async def test_a_beat_is_heard_and_stores_nothing(service: Service) -> None:
    service.send(1, start())
    service.send(2)
    await until(lambda: service.beats == [(PATH, WRITER)])
    await until(lambda: service.mark() == 1)
    assert (await service.store.stats()).events == 1


async def test_the_services_own_beat_moves_while_nothing_happens(service: Service) -> None:
    await until(lambda: ACK_BEAT.encode() in service.acks())
    first = int(service.acks()[ACK_BEAT.encode()])
    await until(lambda: int(service.acks()[ACK_BEAT.encode()]) > first)


async def test_a_stream_that_lost_everything_is_followed_from_its_new_beginning(service: Service) -> None:
    """After FLUSHALL writers are told their marks again, and what they send again is stored once."""
    service.send(1, start(), row(0))
    await until(lambda: service.mark() == 2)
    lost = service.send(3, row(1))
    service.client.flushall()
    service.client.xadd(stream_key(SHARD), {"old": "clock"}, id="5-0")
    await until(lambda: service.mark() >= 2)
    # The cursor that writers see passes what was lost, so that they go back at once.
    await until(lambda: parse_id(service.acks().get(ACK_CURSOR.encode(), b"0-0")) >= parse_id(lost))
    fields: dict[Any, Any] = dict(encode(PATH, WRITER, 3, [row(1), row(2)]))
    service.client.xadd(stream_key(SHARD), fields, id="6-0")
    await until(lambda: service.mark() == 4)
    assert service.tail.stats.resets >= 1
    assert [row["a"] for row in await rows_of(service.store)] == [0, 1, 2]


async def test_a_shard_that_is_lost_while_its_stream_is_looked_at_ends_nobody(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.send(1, start(), row(0))
    await until(lambda: service.mark() == 2)
    ask_time, lost = redis.asyncio.Redis.time, []

    async def lose_then_ask(client: redis.asyncio.Redis) -> Any:
        lost.append(SHARD)
        service.persister.drop(SHARD)
        service.persister.on_fenced(SHARD)
        return await ask_time(client)

    monkeypatch.setattr(redis.asyncio.Redis, "time", lose_then_ask)
    service.client.flushall()
    await until(lambda: lost)
    monkeypatch.undo()
    service.send(3, row(1))
    await until(lambda: service.mark() == 3)
    assert [row["a"] for row in await rows_of(service.store)] == [0, 1]


async def test_an_entry_far_ahead_of_the_clock_is_reported(service: Service) -> None:
    ahead = time.time_ns() // 1_000_000 + 2 * 3600 * 1000
    service.client.xadd(stream_key(SHARD), {"x": "y"}, id=f"{ahead}-0")
    await until(lambda: service.tail.jammed == [SHARD])


async def test_a_service_that_was_killed_is_followed_without_loss_or_repetition(
    redis_server: str, tmp_path: Path
) -> None:
    """The next service reads on from the stored cursor, and what was on the way is stored once."""
    sent = 1
    for number in range(4):
        async with Store.open(tmp_path / "runcast.db") as store:
            service = Service(redis_server, store)
            if number == 0:
                service.send(1, start())
            service.begin()
            for _ in range(30):
                service.send(sent + 1, row(sent))
                sent += 1
                await asyncio.sleep(0.005)
            await service.end()
    async with Store.open(tmp_path / "runcast.db") as store:
        service = Service(redis_server, store)
        service.begin()
        await until(lambda: service.mark() == sent)
        assert [row["a"] for row in await rows_of(store)] == list(range(1, sent))
        assert (await store.check()).problems == []
        await service.end()


async def test_marks_are_published_after_redis_was_away(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is stored while nobody can be told is told later; nothing stops and nothing is lost."""
    service.send(1, start())
    await until(lambda: service.mark() == 1)
    asked = 0

    async def refuse(*_: object, **__: object) -> None:
        nonlocal asked
        asked += 1
        raise redis.ConnectionError("cut")

    with monkeypatch.context() as cut:
        cut.setattr("redis.asyncio.client.Pipeline.execute", refuse)
        service.send(2, row(0))
        await until(lambda: service.stored and service.stored[-1].mark == 2)
        await until(lambda: asked >= 2)
        assert service.mark() == 1
    await until(lambda: service.mark() == 2)


async def test_a_redis_out_of_memory_is_emptied_of_what_is_stored(service: Service) -> None:
    """The trim comes first, for an XTRIM is let through where the marks' HSET is not."""
    service.send(1, start())
    rows = 200
    for number in range(rows):
        wide = block({f"key{at}": [number] for at in range(300)}, steps=[number])
        service.send(number + 2, wide)
    await until(lambda: service.mark() == rows + 1)
    assert service.client.xlen(stream_key(SHARD)) > 50
    used = service.client.info("memory")["used_memory"]
    service.client.config_set("maxmemory", int(used))
    try:
        await until(lambda: service.client.xlen(stream_key(SHARD)) < 50)
        beat = service.acks().get(ACK_BEAT.encode())
        await until(lambda: service.acks().get(ACK_BEAT.encode()) != beat)
    finally:
        service.client.config_set("maxmemory", 0)


async def test_the_tail_waits_while_the_persister_is_behind(
    redis_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing piles up in the service: what cannot be stored yet stays in Redis."""
    monkeypatch.setattr("runcast_ingest.persister.WAITING_BYTES_MAX", 200_000)
    monkeypatch.setattr("runcast_ingest.tail.READ_BYTES", 100_000)
    async with Store.open(tmp_path / "runcast.db") as store:
        service = Service(redis_server, store)
        asking = asyncio.Event()
        deaf: list[bool] = []
        service.tail._on_deaf = deaf.append

        async def hold(*_: object, **__: object) -> None:
            await asking.wait()

        service.send(1, start())
        for number in range(100):
            service.send(number + 2, block({f"key{at}": [number] for at in range(1000)}, steps=[number]))
        with monkeypatch.context() as slow:
            slow.setattr(Persister, "commit", hold)
            service.begin()
            await until(lambda: service.persister.waiting_bytes > 200_000)
            await asyncio.sleep(0.3)
            assert service.persister.waiting_bytes < 600_000
            assert len(service.batches) < 60
            assert deaf[-1], "beats wait too: nobody who is not heard of now has fallen silent"
        asking.set()
        await until(lambda: service.mark() == 101)
        assert not deaf[-1]
        await service.end()


async def test_a_user_who_may_not_ask_how_redis_is_is_served_nonetheless(redis_server: str, tmp_path: Path) -> None:
    """INFO is denied on many a managed server; marks are published all the same."""
    with redis.Redis.from_url(redis_server) as client:
        client.execute_command("ACL", "SETUSER", "plain", "on", ">secret", "~*", "&*", "+@all", "-info")
        parts = urlsplit(redis_server)
        where = parts.path if parts.scheme == "unix" else parts.netloc.rpartition("@")[2]
        url = f"{parts.scheme}://plain:secret@{where}"
        try:
            async with Store.open(tmp_path / "runcast.db") as store:
                service = Service(url, store)
                service.begin()
                service.send(1, start())
                await until(lambda: service.mark() == 1)
                await service.end()
        finally:
            client.execute_command("ACL", "DELUSER", "plain")


def health_of(service: Service) -> Health:
    """Judge a service that has no viewers."""
    other: Any = SimpleNamespace(
        sockets=0, counts=SimpleNamespace(frames=0, bytes=0), hub=SimpleNamespace(held_bytes=0)
    )
    return Health(service.store, service.tail, service.persister, other, other, Backlogs(), 0.0)


async def troubles(health: Health) -> list[tuple[str, str, str]]:
    """Read what the health page would say; the disk of the machine is its own affair."""
    stats = await health.store.stats()
    told, disk = health.ready()[1] | await health.measures(stats), {"disk_free_bytes": 2, "disk_bytes": 2}
    told |= {key: value * 10**12 for key, value in disk.items()}
    return [(one["level"], one["what"], one["next"]) for one in health.troubles(told, stats)]


async def test_a_service_that_can_store_nothing_is_not_ready(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """It beats and publishes on a full disk; that nothing is stored is said, and over when there is room."""
    monkeypatch.setattr("runcast_ingest.health.SILENT_SECONDS_MAX", 1.5)
    health = health_of(service)
    await until(lambda: health.ready()[0])

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as disk:
        disk.setattr(service.store._ledger, "_fence", full)
        await until(lambda: "nothing could be stored" in health.ready()[1]["status"])
    await until(lambda: health.ready()[0])


async def test_a_redis_that_refuses_writes_is_a_trouble_with_its_own_words(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read and answers; only writers hear nothing. What it says is said on."""
    monkeypatch.setattr("runcast_ingest.health.SILENT_SECONDS_MAX", 1.5)
    health = health_of(service)
    await until(lambda: health.ready()[0])
    assert await troubles(health) == []
    service.client.config_set("maxmemory", "100kb")
    try:
        await until(lambda: "no writer could be told" in health.ready()[1]["status"])
        ((level, what, step),) = await troubles(health)
        assert (level, "used memory > 'maxmemory'" in what, "maxmemory" in step) == ("error", True, True)
    finally:
        service.client.config_set("maxmemory", "0")
    await until(lambda: health.ready()[0])
    assert await troubles(health) == []


async def test_a_redis_that_is_away_from_the_start_is_all_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is nothing to store without it, and no disk is full."""
    monkeypatch.setattr("runcast_ingest.health.SILENT_SECONDS_MAX", 0.1)
    async with Store.open(tmp_path / "runcast.db") as store:
        service = Service("redis://127.0.0.1:1", store)
        health = health_of(service)
        service.begin()
        await asyncio.sleep(0.3)
        assert health.ready()[1]["status"] == "no answer from Redis"
        assert [what for _, what, _ in await troubles(health)] == ["Redis does not answer."]
        await service.end()


async def test_a_disk_that_is_full_before_anything_is_leased_is_said_and_for_how_long(
    redis_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no lease can be taken nothing is stored either; it counts from when Redis answered."""
    monkeypatch.setattr("runcast_ingest.health.SILENT_SECONDS_MAX", 0.5)

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    async with Store.open(tmp_path / "runcast.db") as store:
        monkeypatch.setattr(store._ledger, "lease", full)
        service = Service(redis_server, store)
        service.persister.stored_at -= 3600.0
        health = health_of(service)
        service.begin()
        await until(lambda: "nothing could be stored for 1 s" in health.ready()[1]["status"])
        await service.end()


async def test_a_second_service_takes_over_a_shard_whose_owner_sleeps(
    redis_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sleeper's commit is refused when it wakes, and every row is there once."""
    monkeypatch.setattr("runcast_ingest.store.ledger.LEASE_SECONDS", 0.5)
    monkeypatch.setattr("runcast_ingest.persister.RENEW_SECONDS", 0.1)
    async with Store.open(tmp_path / "runcast.db") as one, Store.open(tmp_path / "runcast.db") as two:
        sleeper, heir = Service(redis_server, one), Service(redis_server, two)
        sleeper.begin()
        sleeper.send(1, start(), row(0))
        await until(lambda: sleeper.mark() == 2)
        asleep, woken = asyncio.Event(), asyncio.Event()
        commit = Store.commit

        async def sleep(self: Store, *args: Any, **kwargs: Any) -> Any:
            if self is one:
                asleep.set()
                await woken.wait()
            return await commit(self, *args, **kwargs)

        monkeypatch.setattr(Store, "commit", sleep)
        sleeper.send(3, row(1))
        await until(lambda: asleep.is_set() and len(sleeper.batches) == 2)
        heir.begin()
        await until(lambda: heir.mark() == 3)
        woken.set()
        await until(lambda: SHARD not in sleeper.tail.shards)
        heir.send(4, row(2))
        await until(lambda: heir.mark() == 4)
        assert [row["a"] for row in await rows_of(two)] == [0, 1, 2]
        assert (await two.check()).problems == []
        await sleeper.end()
        await heir.end()


async def test_a_run_falls_silent_and_comes_back(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runcast_ingest.states.SILENCE_SECONDS", 0.3)
    monkeypatch.setattr("runcast_ingest.states.CHECK_SECONDS", 0.05)
    seen: list[str] = []

    async def change(path: str, state: str) -> None:
        if (await service.store.set_state(path, state))[0]:
            seen.append(state)

    def committed(path: str, state: str) -> None:
        states.committed(path, state)
        seen.append(state)

    states = States(change)
    service.tail._on_batch = states.saw
    service.persister._on_state = committed
    watch = asyncio.create_task(states.run())
    service.send(1, start())
    await until(lambda: seen == ["running", "crashed"])
    service.send(2, row(0))
    await until(lambda: seen == ["running", "crashed", "running"])
    service.send(3, Finish(BEGIN, 0))
    await until(lambda: seen[3:] == ["finished"])
    await asyncio.sleep(0.5)
    assert seen[3:] == ["finished"]
    watch.cancel()
