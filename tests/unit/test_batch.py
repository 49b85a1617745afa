"""What a batch costs while it waits, and what is left of one that overlaps what is stored."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import pytest

from runcast.blocks import Block, Item, count
from runcast.events import Config, Rename
from runcast.wire import decode, encode
from runcast_ingest.batch import Batch, weigh


def _rows(rows: int, keys: int) -> list[Item]:
    names = tuple(f"metric{key}" for key in range(keys))
    return [Block(rows, names, "f" * keys, bytes(8 * rows), bytes(8 * rows), bytes(8 * rows * keys))]


@pytest.mark.parametrize(
    ("items", "entries"),
    [
        (_rows(1, 10), 1000),
        (_rows(1, 1), 2000),
        (_rows(500, 10), 50),
        ([Config(0, {f"key{at}": at / 7 for at in range(300)})], 100),
        ([Config(0, {"text": "x" * 100_000})], 50),
    ],
)
def test_a_batch_weighs_about_what_it_takes_in_memory(items: list[Item], entries: int) -> None:
    """A bound on bytes that wait is a bound on memory, however small or well compressed the entries were."""
    fields: Any = {
        key.encode(): value if isinstance(value, bytes) else str(value).encode()
        for key, value in encode("p/r", "a" * 16, 1, items, compress=True).items()
    }
    gc.collect()
    tracemalloc.start()
    held = []
    for _ in range(entries):
        entry = decode(fields)
        held.append(Batch(entry.path, entry.writer, 0, 1, 1, entry.items, (1, 0), 0, 0))
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    weighed = sum(weigh(batch.items) for batch in held)
    assert taken / 2 < weighed < 8 * taken
    assert taken < 1.5 * weighed


def test_what_is_left_above_a_mark_is_in_order() -> None:
    items: list[Item] = [Rename(0, "x"), *_rows(4, 2), Rename(0, "y")]
    batch = Batch("p/r", "a" * 16, 0, 11, 16, items, (1, 0), 0)
    assert batch.above(5) is batch
    assert batch.above(10) is batch
    assert batch.above(16) is None
    left = batch.above(13)
    assert left is not None
    assert (left.first, left.last, count(left.items)) == (14, 16, 3)
