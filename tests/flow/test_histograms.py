"""Histograms by key: every one is stored, and of very many every n-th is shown."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from tests.flow.stored import BEGIN, Publisher, block, key_of, leased

from runcast_ingest.store import Store

KEY = "gradients/fc.weight"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with leased(tmp_path) as store:
        yield store


def histogram(low: float) -> dict[str, object]:
    return {"_type": "histogram", "values": [1, 2, 3], "bins": [low, low + 1, low + 2, low + 3]}


async def log(writer: Publisher, count: int, *, first: int = 0) -> None:
    steps = range(first, first + count)
    rows = block({"loss": list(steps)}, steps=steps)
    await writer.commit(msgspec.structs.replace(rows, extras=tuple({KEY: histogram(step)} for step in steps)))


async def test_of_very_many_every_nth_is_given_and_the_newest_always(store: Store) -> None:
    one, two = Publisher(store, label="rank0"), Publisher(store, writer="b" * 16, label="rank1")
    await one.start()
    await two.start()
    await log(one, 100)
    await log(two, 3)
    run = await key_of(store)
    assert [(one.key, one.label, one.count) for one in await store.histogram_keys(run)] == [
        (KEY, "rank0", 100),
        (KEY, "rank1", 3),
    ]
    some = await store.histograms(run, KEY, "rank0", limit=30)
    assert [one.step for one in some] == list(range(3, 100, 4))
    assert (some[-1].value, some[-1].time) == (histogram(99), BEGIN + 99 * 100_000_000)
    await log(one, 2, first=100)
    assert [one.step for one in await store.histograms(run, KEY, "rank0", after=some[-1].number)] == [100, 101]
    assert [one.label for one in await store.histograms(run, KEY, "rank1")] == ["rank1"] * 3
    assert await store.histograms(run, KEY, "none") == []
    assert await store.media(run) == []
    assert (await store.check()).problems == []


@pytest.mark.parametrize("table", ["medium", "histogram"])
async def test_doctor_reads_what_is_to_be_looked_at(store: Store, table: str) -> None:
    writer = Publisher(store)
    await writer.start()
    await log(writer, 1)
    rows = block({"loss": [1.0]}, steps=[1])
    await writer.commit(msgspec.structs.replace(rows, extras=({"sample": {"_type": "image-file", "path": "a.png"}},)))
    database = sqlite3.connect(store.path, isolation_level=None)
    database.execute(f"UPDATE {table} SET data = zeroblob(length(data))")
    database.close()
    assert (await store.check()).problems == [f"{table} 1: its crc does not match"]
