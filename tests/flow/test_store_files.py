"""The database file: kept by versions, guarded by crcs, left alone when it is not ours."""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
from pathlib import Path

import pytest
from tests.flow.stored import Publisher, block, key_of, leased, rows_of

from runcast.errors import StoreUnavailable
from runcast_ingest.store import Store, Work, codec
from runcast_ingest.store.codec import Damaged
from runcast_ingest.store.records import POISON, Passed, QuarantineRecord
from runcast_ingest.store.schema import APPLICATION_ID, MIGRATIONS, SCHEMA_1, prepare


async def _fill(path: Path, *, keys: int = 4) -> None:
    """Store a run in all the ways there are: columns, level 0, events, extras, quarantine."""
    async with leased(path) as store:
        writer = Publisher(store)
        await writer.start(lr=0.1)
        await writer.commit(block({f"m{key}": range(6000) for key in range(keys)}, steps=range(6000)))
        await store.compact_once(everything=True)
        for at in range(6000, 6040, 10):
            await writer.commit(block({f"m{key}": range(10) for key in range(keys)}, steps=range(at, at + 10)))


async def test_a_database_is_made_once_and_opened_again(tmp_path: Path) -> None:
    await _fill(tmp_path)
    async with Store.open(tmp_path / "runcast.db") as store:
        assert len(await rows_of(store)) == 6040
        assert (await store.check()).problems == []


def test_a_database_has_the_settings_that_keep_it_safe(tmp_path: Path) -> None:
    connection = prepare(tmp_path / "runcast.db")
    settings = ("page_size", "journal_mode", "synchronous", "auto_vacuum", "user_version")
    found = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in settings]
    assert found == [8192, "wal", 2, 2, len(MIGRATIONS)]
    connection.close()


def test_a_database_of_a_newer_version_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "runcast.db"
    connection = prepare(path)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreUnavailable, match="upgrade Runcast"):
        prepare(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", ["other", "text"])
def test_a_file_that_is_not_ours_is_refused_untouched(tmp_path: Path, content: str) -> None:
    path = tmp_path / "runcast.db"
    if content == "text":
        path.write_text("not a database at all, but a letter" * 100)
    else:
        other = sqlite3.connect(path)
        other.execute("CREATE TABLE mine(x)")
        other.close()
    before = path.read_bytes()
    with pytest.raises(StoreUnavailable):
        prepare(path)
    assert path.read_bytes() == before


async def test_a_database_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    """Every later schema starts from what the first one holds, and keeps it."""
    path = tmp_path / "runcast.db"
    first = sqlite3.connect(path, isolation_level=None)
    first.executescript(SCHEMA_1 + "PRAGMA application_id = 0x52434153; PRAGMA user_version = 1;")
    first.close()
    await _fill(tmp_path)
    later = prepare(path, [*MIGRATIONS, "ALTER TABLE run ADD COLUMN colour TEXT"])
    assert later.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS) + 1
    assert later.execute("SELECT id, colour FROM run").fetchall() == [("r", None)]
    later.close()


def test_a_migration_that_fails_leaves_the_version_before_it(tmp_path: Path) -> None:
    path = tmp_path / "runcast.db"
    with pytest.raises(StoreUnavailable):
        prepare(path, [SCHEMA_1, "CREATE TABLE half(x); CREATE TABLE run(x)"])
    connection = prepare(path, [SCHEMA_1])
    assert connection.execute("PRAGMA user_version").fetchone()[0] == 1
    assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'half'").fetchone()[0] == 0
    connection.close()


async def test_every_flipped_bit_is_found(tmp_path: Path) -> None:
    """Of 200 single bits turned over in stored blobs, a check names 200."""
    await _fill(tmp_path, keys=60)
    rng = random.Random(5)
    database = sqlite3.connect(tmp_path / "runcast.db", isolation_level=None)
    tables = {"chunk": "data", "bucket": "data", "level0": "data", "event": "data", "run": "config", "keyset": "names"}
    places = [(table, row[0]) for table in tables for row in database.execute(f"SELECT key FROM {table}")]
    chosen = rng.sample(places, 200)
    for table, key in chosen:
        column = tables[table]
        [blob] = database.execute(f"SELECT {column} FROM {table} WHERE key = ?", (key,)).fetchone()
        at, bit = rng.randrange(len(blob)), rng.randrange(8)
        damaged = blob[:at] + bytes([blob[at] ^ 1 << bit]) + blob[at + 1 :]
        database.execute(f"UPDATE {table} SET {column} = ? WHERE key = ?", (damaged, key))
    database.close()
    async with Store.open(tmp_path / "runcast.db") as store:
        problems = (await store.check()).problems
    named = {" ".join(problem.split(":")[0].split()[:2]) for problem in problems}
    assert {f"{table} {key}" for table, key in chosen} <= named


async def test_a_damaged_column_is_an_error_and_not_a_curve(tmp_path: Path) -> None:
    await _fill(tmp_path)
    database = sqlite3.connect(tmp_path / "runcast.db", isolation_level=None)
    database.execute("UPDATE chunk SET crc = crc + 1 WHERE key = (SELECT max(key) FROM chunk WHERE key & 1048575 = 1)")
    database.close()
    async with Store.open(tmp_path / "runcast.db") as store:
        with pytest.raises(Damaged, match="runcast doctor"):
            await store.view(await key_of(store), ["m1"])
        assert len((await store.view(await key_of(store), ["m0"])).curves) == 1
        assert (await store.stats()).damaged == 1


async def test_a_check_sees_what_is_missing_and_what_is_there_twice(tmp_path: Path) -> None:
    async with leased(tmp_path) as store:
        writer = Publisher(store)
        await writer.start()
        for at in range(3):
            await writer.commit(block({"a": [1, 2]}, steps=[2 * at, 2 * at + 1]))
    database = sqlite3.connect(tmp_path / "runcast.db", isolation_level=None)
    database.execute("UPDATE level0 SET first = 2, last = 3 WHERE first = 4")
    database.close()
    async with Store.open(tmp_path / "runcast.db") as store:
        missing, twice = (await store.check()).problems
    assert "2 events missing, the first is 4" in missing
    assert "2 events stored twice, the first is 2" in twice


async def test_events_that_nobody_can_read_are_accounted_for(tmp_path: Path) -> None:
    async with leased(tmp_path) as store:
        writer = Publisher(store)
        await writer.start()
        shard = writer.batch([]).shard
        passed = Passed("p/r", "a" * 16, shard, 2, 5)
        record = QuarantineRecord(POISON, shard, (9, 9), "p/r", "a" * 16, 2, 5, "torn", 0, 3, b"abc")
        done = await store.commit(Work({shard: (9, 9)}, [], [passed], [record]))
        assert [stored.mark for stored in done.stored] == [5]
        report = await store.check()
    assert (report.problems, report.quarantine) == ([], {POISON: 1})


async def test_the_fence_keeps_a_service_out_whose_lease_was_taken(tmp_path: Path) -> None:
    """Of two services, the one with the older epoch changes nothing, and is told so."""
    async with leased(tmp_path) as zombie:
        writer = Publisher(zombie)
        await writer.start()
        batch = writer.batch([block({"a": [1]}, steps=[0])])
        async with Store.open(tmp_path / "runcast.db") as heir:
            assert await heir.lease(owner="heir") == []
            takeover = sqlite3.connect(tmp_path / "runcast.db", isolation_level=None)
            takeover.execute("UPDATE lease SET until = 0")
            takeover.close()
            [lease] = await heir.lease([batch.shard], owner="heir")
            assert lease.epoch == 2
            work = Work({batch.shard: (5, 5)}, [batch], [], [])
            assert (await zombie.commit(work)).fenced == [batch.shard]
            assert await heir.marks(["a" * 16]) == {"a" * 16: 1}
            assert (await heir.commit(work)).stored[0].mark == 2
            assert len(await rows_of(heir)) == 1


async def test_a_service_that_ends_cleanly_gives_its_shards_back(tmp_path: Path) -> None:
    async with leased(tmp_path):
        pass
    async with Store.open(tmp_path / "runcast.db") as store:
        assert len(await store.lease(owner="next")) == 16


async def test_a_commit_that_fails_leaves_no_trace(tmp_path: Path) -> None:
    """A batch that cannot be stored is not half stored, and the next commit knows nothing of it."""
    async with leased(tmp_path) as store:
        writer = Publisher(store)
        await writer.start()
        good = writer.batch([block({"a": [1]}, steps=[0])])
        bad = Work({good.shard: (2, 0), 99: (1, 1)}, [good], [], [])
        with pytest.raises(KeyError):
            await store.commit(bad)
        await store.commit(Work({good.shard: (2, 0)}, [good], [], []))
        run = await store.run("p", "r")
        assert run is not None
        assert run.rows == 1
        assert (await store.check()).problems == []


async def test_a_file_without_pcodec_is_read_with_it_and_the_other_way_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as without:
        without.setattr(codec, "_pcodec", None)
        await _fill(tmp_path)
    async with leased(tmp_path) as store:
        rows = await rows_of(store)
        assert [row["m3"] for row in rows[:6000]] == list(range(6000))
        assert (await store.check()).problems == []


async def test_space_that_level_0_needed_goes_back_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runcast_ingest.store.ledger.FREE_PAGES_MIN", 10)
    monkeypatch.setattr("runcast_ingest.store.store.CHECKPOINT_EVERY_SECONDS", 0.05)
    rng = random.Random(1)
    async with leased(tmp_path) as store:
        writer = Publisher(store)
        await writer.start()
        for at in range(0, 40_960, 4096):
            column = [rng.random() if at < 100 else 0.0 for _ in range(4096)]
            await writer.commit(block({f"m{key}": column for key in range(8)}, steps=range(at, at + 4096)))
        await store.compact_once(everything=True)
        checkpoint = asyncio.create_task(store.checkpoint())
        async with asyncio.timeout(10):
            # A file has no event to wait for.
            while not 20_000 < (await store.stats()).file_bytes < 2_000_000:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        checkpoint.cancel()
        with pytest.raises(asyncio.CancelledError):
            await checkpoint


def test_a_database_whose_making_was_cut_short_is_opened(tmp_path: Path) -> None:
    """What was begun is undone first, which a connection that only reads cannot do."""
    made, copied = tmp_path / "made.db", tmp_path / "copied.db"
    connection = sqlite3.connect(made, isolation_level=None)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("PRAGMA cache_size = 2")  # It has to write before it commits.
    connection.execute("CREATE TABLE cut(text)")
    connection.execute("DROP TABLE cut")
    connection.execute("BEGIN")
    connection.execute("CREATE TABLE cut(text)")
    connection.executemany("INSERT INTO cut VALUES(?)", [("x" * 1000,)] * 500)
    shutil.copy(made, copied)
    shutil.copy(f"{made}-journal", f"{copied}-journal")
    connection.close()
    prepared = prepare(copied)
    assert prepared.execute("SELECT count(*) FROM run").fetchone() == (0,)
    prepared.close()
