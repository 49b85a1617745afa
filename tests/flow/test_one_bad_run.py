"""One run that the database cannot take, or cannot read, costs nobody else anything; and nothing of it is lost."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.flow.stage import Trainer, stage, viewer
from tests.flow.stored import Publisher, block, key_of, leased, rows_of

from runcast.blocks import Block, Item
from runcast.events import Config, Event, Finish
from runcast.frames import Subscribe
from runcast.streams import shard_of
from runcast.wire import decode_items
from runcast_ingest.batch import weigh
from runcast_ingest.persister import Persister
from runcast_ingest.store import Store, Work
from runcast_ingest.store.compactor import Due, Plan, plan
from runcast_ingest.store.records import REFUSED
from runcast_ingest.store.standing import Run, Writer, apply_event


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with leased(tmp_path) as store:
        yield store


def _damage(store: Store, run: str) -> None:
    """Change a byte of a run's row, and make the store read it again."""
    connection = sqlite3.connect(store.path)
    connection.execute("UPDATE run SET config = x'80ff' WHERE id = ?", (run,))
    connection.commit()
    connection.close()
    store._ledger._register.forget()


async def _commit_both(store: Store, bad: Publisher, good: Publisher, at: int) -> None:
    batches = [writer.batch([block({"a": [at]}, steps=[at])]) for writer in (bad, good)]
    await store.commit(Work({batch.shard: batch.entry for batch in batches}, batches, [], []))


async def test_a_damaged_run_goes_to_quarantine_and_the_others_are_stored(store: Store) -> None:
    bad, good = Publisher(store, "p/bad"), Publisher(store, "p/good", "b" * 16)
    await bad.start()
    await good.start()
    _damage(store, "bad")
    for at in range(3):
        await _commit_both(store, bad, good, at)
    assert [row["a"] for row in await rows_of(store, "p/good")] == [0, 1, 2]
    assert await store.marks(["a" * 16, "b" * 16]) == {"a" * 16: 4, "b" * 16: 4}
    held = [record for record in await store.quarantine() if record.kind == REFUSED]
    assert [(record.first, record.last) for record in held] == [(4, 4), (3, 3), (2, 2)]
    assert all("damaged on disk" in record.reason for record in held)
    problems = (await store.check()).problems
    assert len(problems) == 1
    assert "run 1: its crc does not match" in problems[0]


async def test_what_is_refused_is_kept_whole(store: Store) -> None:
    """Its writer is told that it is stored, and frees its journal."""
    writer = Publisher(store)
    await writer.start()
    _damage(store, "r")
    rows = 20_000
    done = await writer.commit(block({"a": range(rows)}, steps=range(rows)))
    assert [stored.mark for stored in done.stored] == [rows + 1]
    [record] = await store.quarantine()
    [kept] = decode_items(record.data)
    assert isinstance(kept, Block)
    assert kept.rows == rows


async def test_an_event_that_cannot_be_applied_takes_no_other_event_of_its_run_with_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(run: Run, writer: Writer, event: Event) -> None:
        apply_event(run, writer, event)
        if isinstance(event, Config):
            run.rows = 2**70  # What no column takes.

    monkeypatch.setattr("runcast_ingest.store.posting.apply_event", stumble)
    writer = Publisher(store)
    await writer.start()
    items: list[Item] = [block({"a": [0]}, steps=[0]), Config(1, {"x": 1}), block({"a": [1]}, steps=[1]), Finish(2, 0)]
    batches = [writer.batch([item]) for item in items]
    done = await store.commit(Work({batches[0].shard: (4, 0)}, batches, [], []))
    assert max(stored.mark for stored in done.stored) == 5
    assert [row["a"] for row in await rows_of(store)] == [0, 1]
    record = await store.run("p", "r")
    assert record is not None
    assert (record.state, record.rows, record.writers[0].mark) == ("finished", 2, 5)
    assert (await store.check()).problems == []
    assert await store.compact_once(everything=True)
    assert (await store.check()).problems == []


async def test_a_full_disk_is_nobodys_fault(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing goes to quarantine for it: the commit is tried again, whole."""
    writer = Publisher(store)
    await writer.start()

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(store._ledger._register, "save", full)
        with pytest.raises(sqlite3.OperationalError):
            await writer.commit(block({"a": [0]}, steps=[0]))
    assert await store.quarantine() == []
    assert await rows_of(store) == []


async def test_a_damaged_run_hides_no_other_from_lists_and_pages(tmp_path: Path) -> None:
    async with stage(tmp_path) as live, viewer(live.url) as page:
        for path, writer in (("p/bad", "a" * 16), ("p/good", "b" * 16)):
            trainer = Trainer(live, path, writer)
            await trainer.begin(lr=0.1)
            await trainer.log(5, store=True)
        _damage(live.store, "bad")
        runs, _ = await live.store.runs("p")
        assert {run.id: (run.damaged, run.config) for run in runs} == {"bad": (True, {}), "good": (False, {"lr": 0.1})}
        await page.say(Subscribe("p"))
        await page.has(5, run="good")
        await page.has(5, run="bad")


async def test_the_compactor_leaves_what_it_cannot_read_and_goes_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path, writer in (("p/bad", "a" * 16), ("p/good", "b" * 16)):
        publisher = Publisher(store, path, writer)
        await publisher.start()
        await publisher.commit(block({"a": range(10)}, steps=range(10)))
    bad = await key_of(store, "p/bad")

    def stumble(db: sqlite3.Connection, due: Due, next_part: int) -> Plan | None:
        if due.run == bad:
            raise KeyError("a key set that is not there")
        return plan(db, due, next_part)

    monkeypatch.setattr("runcast_ingest.store.store.plan", stumble)
    assert await store.compact_once(everything=True) == 2
    assert len(await rows_of(store, "p/bad")) == 10


async def test_a_commit_whose_waiting_was_given_up_is_not_done_twice(store: Store) -> None:
    """The service stops while a commit is under way: the thread finishes it, and what is settled after it is new."""
    writer = Publisher(store)
    await writer.start()
    persister = Persister("redis://127.0.0.1:1", store)
    [lease] = [lease for lease in await store.lease(owner="test") if lease.shard == shard_of("p/r")]
    persister.leased(lease.shard, lease.epoch, lease.cursor)
    persister.add(writer.batch([block({"a": [0]}, steps=[0])]))
    held, go = threading.Event(), threading.Event()

    def hold() -> None:
        held.set()
        go.wait(5)

    blocker = asyncio.create_task(store._write(hold))
    await asyncio.to_thread(held.wait, 5)
    commit = asyncio.create_task(persister.commit())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    # Begun, not only waiting for its turn: else the executor would take it back.
    go.set()
    await blocker
    while not commit.done() and store._thread._work_queue.qsize():  # noqa: ASYNC110
        await asyncio.sleep(0)
    commit.cancel()
    await asyncio.gather(commit, return_exceptions=True)
    await persister.commit()
    await store.compact_once(everything=True)
    assert [row["a"] for row in await rows_of(store)] == [0]
    assert (await store.check()).problems == []


async def test_work_that_is_committed_twice_is_stored_once(store: Store) -> None:
    writer = Publisher(store)
    await writer.start()
    batch = writer.batch([block({"a": range(4)}, steps=range(4))])
    for _ in range(2):
        done = await store.commit(Work({batch.shard: batch.entry}, [batch], [], []))
        assert [stored.mark for stored in done.stored] == [5]
    assert len(await rows_of(store)) == 4
    assert (await store.check()).problems == []


async def test_a_reader_that_left_in_the_middle_leaves_its_connection_as_it_was(store: Store) -> None:
    """A page that is closed at any moment of a read costs the next reader nothing."""
    writer = Publisher(store)
    await writer.start()
    for moment in range(60):
        reading = asyncio.create_task(store.runs("p"))
        for _ in range(moment % 12):
            await asyncio.sleep(0)
        await asyncio.sleep(0.0002 * (moment // 12))
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    for _ in range(8):
        assert len((await store.runs("p"))[0]) == 1


async def test_a_service_that_lost_a_shard_declares_nobody_silent(store: Store) -> None:
    """It hears nobody of that shard any more: whoever has it does."""
    writer = Publisher(store)
    await writer.start()
    async with Store.open(store.path) as other:
        connection = sqlite3.connect(store.path)
        connection.execute("UPDATE lease SET until = 0")
        connection.commit()
        connection.close()
        await other.lease(owner="other")
        assert not (await store.set_state("p/r", "crashed"))[0]
        assert (await other.set_state("p/r", "crashed"))[0]


@pytest.mark.parametrize("depth", [120, 600, 960])
async def test_a_config_nested_without_end_is_stored_and_hides_no_page(tmp_path: Path, depth: int) -> None:
    nested: dict[str, Any] = {}
    for _ in range(depth):
        nested = {"a": nested}
    async with stage(tmp_path) as live, viewer(live.url) as page:
        trainer = Trainer(live)
        await trainer.begin(lr=0.1, nested=nested)
        await trainer.log(5, store=True)
        assert weigh([Config(0, nested)]) > 0
        await page.say(Subscribe("p"))
        welcome = await page.until("welcome")
        config = welcome["runs"][0]["config"]
        assert not config or (config["lr"] == 0.1 and "nested too deeply" in str(config["nested"]))
        await page.has(5)
        runs, _ = await live.store.runs("p")
        assert runs[0].rows == 5
