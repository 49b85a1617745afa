"""Thousands of short runs pass through, and the service is left as large as before."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
from tests.flow.stored import BEGIN, block

from runcast.events import Finish, Start
from runcast.frames import Subscribe, parse_frame
from runcast.streams import SHARDS, ack_key, shard_of, stream_key
from runcast.wire import encode
from runcast_ingest.service import _Service
from runcast_ingest.session import Session
from runcast_ingest.settings import Settings
from runcast_ingest.store import Store

ROUND_RUNS = 600
RUNS_MAX = 200


class Soak:
    """A service without its web server, one who watches, and a Redis that runs are sent to by the hundred."""

    def __init__(self, url: str, directory: Path, store: Store) -> None:
        self.service = _Service(Settings(directory=directory), store, url)
        self.client = redis.Redis.from_url(url)
        self.sent = 0
        self._awake = asyncio.Event()
        self._store = store
        self.session = Session(
            Subscribe("p"),
            store=store,
            broadcast=self.service._broadcast,
            send_text=self._ignore,
            send_frame=self._decode,
        )

    async def _ignore(self, text: str) -> None: ...

    async def _decode(self, data: bytes) -> None:
        await self._awake.wait()
        self.session.ack(parse_frame(data).seq)

    def loops(self) -> list[asyncio.Task[None]]:
        """Start everything that runs for as long as a service does."""
        service = self.service
        loops = [service._tail.run(), service._persister.run(), service._states.run(), self._store.compact()]
        return [asyncio.create_task(loop) for loop in [*loops, self.session.run()]]

    async def round(self, runs: int) -> None:
        """Send runs, of which every tenth dies without a word, and wait until all are stored, shown and over.

        The watcher sleeps at first: the roster has retired some runs before their pictures are sent.
        """
        self._awake.clear()
        pipeline = self.client.pipeline(transaction=False)
        for number in range(self.sent, self.sent + runs):
            path, writer = f"p/run{number}", f"{number:016x}"
            items: list[Any] = [Start(BEGIN + number, f"run {number}", {"lr": 0.1})]
            items.append(block({f"m{key}": range(5) for key in range(10)}, steps=range(5)))
            if number % 10:
                items.append(Finish(BEGIN + number + 1, 0))
            fields: dict[Any, Any] = dict(encode(path, writer, 1, items))
            pipeline.xadd(stream_key(shard_of(path)), fields)
        await asyncio.to_thread(pipeline.execute)
        self.sent += runs
        await self._until(lambda: not len(self.service._states), "a run is still taken for alive")
        await self._until(lambda: not self.service._persister.waiting_bytes, "something is not stored")
        await self._until(lambda: not self.living(), "a watcher still sees a run that is over as one that runs")
        await self._until(lambda: self.marks_in_redis() <= RUNS_MAX, "Redis keeps marks of runs that are over")
        self._awake.set()
        await self._until(lambda: not self.session._jobs, "the watcher never has all pictures")

    def living(self) -> int:
        """Count the runs that a watcher sees running."""
        return sum(run.state == "running" for run in self.service._broadcast._rosters["p"].roster.runs.values())

    def marks_in_redis(self) -> int:
        """Count the writers whose marks stand in Redis."""
        fields = [self.client.hlen(ack_key(shard)) for shard in range(SHARDS)]
        return sum(int(str(count)) for count in fields) - 2 * SHARDS

    def sizes(self) -> dict[str, int]:
        """Count what the parts remember."""
        service = self.service
        roster = service._broadcast._rosters["p"].roster
        return {
            "states": len(service._states),
            "marks": len(service._persister._publisher.marks),
            "admission": sum(map(len, service._tail._shards.values())),
            "register": len(self._store._ledger._register),
            "lines of the hub": len(service._broadcast.hub._lines),
            "roster": len(roster.runs),
            "reaches": len(self.session._reaches),
            "begun": len(self.session._begun),
            "told": len(self.session._announcer.told),
        }

    @staticmethod
    async def _until(fact: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + 60
        while not fact():
            assert time.monotonic() < deadline, otherwise
            await asyncio.sleep(0.02)


async def test_runs_that_are_over_leave_nothing_behind(
    redis_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour of runs in a few seconds: with a watcher, finished and silent ones, everybody's clock hurried."""
    monkeypatch.setattr("runcast_ingest.publisher.SWEEP_SECONDS", 0.5)
    monkeypatch.setattr("runcast_ingest.publisher.BEAT_SECONDS", 0.2)
    monkeypatch.setattr("runcast_ingest.states.SILENCE_SECONDS", 1.0)
    monkeypatch.setattr("runcast_ingest.roster.RUNS_MAX", RUNS_MAX)
    async with Store.open(tmp_path / "runcast.db") as store:
        soak = Soak(redis_server, tmp_path, store)
        tasks = soak.loops()
        objects = []
        for _ in range(4):
            await soak.round(ROUND_RUNS)
            gc.collect()
            objects.append(len(gc.get_objects()))
        sizes = soak.sizes()
        print(sizes, objects)
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        soak.client.close()
        assert all(isinstance(end, asyncio.CancelledError) for end in ends), ends
        # The last round's runs were all alive at once, and who lives is not retired.
        limits = dict.fromkeys(("lines of the hub", "roster", "reaches", "begun", "told"), ROUND_RUNS + RUNS_MAX)
        assert {what: size for what, size in sizes.items() if size > limits.get(what, RUNS_MAX)} == {}
        # How many of the last round are still seen differs from time to time; each is worth a few objects.
        most = objects[0] + 2000 + 10 * sizes["roster"]
        assert objects[-1] < most, f"{3 * ROUND_RUNS} runs more left objects: {objects}"
        runs = (await store.stats()).runs
        assert runs == 4 * ROUND_RUNS
        assert (await store.check()).problems == []


async def test_a_writer_that_was_forgotten_goes_on_where_it_was(
    redis_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told its mark again, and what it sends twice is stored once."""
    monkeypatch.setattr("runcast_ingest.publisher.SWEEP_SECONDS", 0.2)
    monkeypatch.setattr("runcast_ingest.publisher.BEAT_SECONDS", 0.1)
    path, writer = "p/r", "a" * 16
    stream, marks = stream_key(shard_of(path)), ack_key(shard_of(path))
    async with Store.open(tmp_path / "runcast.db") as store:
        soak = Soak(redis_server, tmp_path, store)
        tasks = soak.loops()
        start: dict[Any, Any] = dict(encode(path, writer, 1, [Start(BEGIN, "a run", {})]))
        more: dict[Any, Any] = dict(encode(path, writer, 2, [block({"a": [1]}, steps=[1])]))
        for entry, mark in ((start, b"1"), (start, b"1"), (more, b"2"), (more, b"2"), (start, b"2")):
            soak.client.xadd(stream, entry)
            await soak._until(lambda mark=mark: soak.client.hget(marks, writer) == mark, "a mark is missing")  # type: ignore[misc]
            await soak._until(lambda: soak.client.hget(marks, writer) is None, "a quiet writer is not forgotten")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        soak.client.close()
        assert (await store.check()).problems == []
        assert (await store.stats()).events == 2
