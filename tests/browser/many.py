"""Thousands of runs, straight into a database: what no test has the time to train."""

from __future__ import annotations

import asyncio
import math
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.flow.stored import BEGIN, block

from runcast.blocks import Item, count
from runcast.events import Finish, Plain, Start
from runcast.names import new_writer_id
from runcast.streams import shard_of
from runcast_ingest.batch import Batch
from runcast_ingest.store import Store, Work

RUNS_PER_COMMIT = 500
STEPS = 40


def fill(folder: Path, project: str, runs: int) -> None:
    """Write runs that differ in what they were given, and in how well that went."""
    # In a thread of its own: in this one the browser's driver has a loop.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(_fill(folder / "runcast.db", project, runs))).result()


async def _fill(path: Path, project: str, runs: int) -> None:
    rng = random.Random(1)
    async with Store.open(path) as store:
        await store.lease(owner="many")
        for at in range(0, runs, RUNS_PER_COMMIT):
            batches = [_batch(project, number, rng) for number in range(at, min(runs, at + RUNS_PER_COMMIT))]
            cursors = {batch.shard: batch.entry for batch in batches}
            await store.commit(Work(cursors, batches, [], []))


def _batch(project: str, number: int, rng: random.Random) -> Batch:
    lr = round(10 ** rng.uniform(-4, -1), 6)
    depth, optimizer = rng.choice([2, 4, 8]), rng.choice(["adam", "sgd", "lion"])
    good = 1.2 - abs(math.log10(lr) + 2.5) * 0.35 + (0.1 if optimizer == "adam" else 0) + 0.02 * rng.gauss(0, 1)
    loss = [2.5 * math.exp(-step * good / 12) + 0.1 + 0.03 * rng.random() for step in range(STEPS)]
    if lr > 0.08:
        loss[-8:] = [math.nan] * 8
    accuracy = [1 - 0.9 * value / 2.6 for value in loss]
    begin = BEGIN + number * 60_000_000_000
    dropout = rng.choice([0.0, 0.1, 0.3])
    config: dict[str, Plain] = {"lr": lr, "depth": depth, "optimizer": optimizer, "dropout": dropout, "seed": number}
    tags = ("baseline",) if number % 50 == 0 else ()
    items: list[Item] = [
        Start(begin, f"sweep-{number:04}", config, host="gpu-1", tags=tags, program="train.py"),
        block({"loss": loss, "accuracy": accuracy}, steps=range(STEPS)),
        Finish(begin + (60 + number % 600) * 1_000_000_000, 1 if number % 17 == 0 else 0),
    ]
    path = f"{project}/r{number:05}"
    return Batch(path, new_writer_id(), shard_of(path), 1, count(items), items, (number + 1, 0), begin, 100)
