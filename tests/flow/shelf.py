"""The smallest service there can be, for tests of trainers: it takes entries in order, and says what it has."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, cast

import redis

from runcast import streams, wire
from runcast.blocks import Block, Item, count, drop_first
from runcast.transport import connect


class Shelf(threading.Thread):
    """Keeps every writer's events, each once and in order, and publishes the marks."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.items: dict[str, list[Item]] = {}
        self.marks: dict[str, int] = {}
        self.entries = 0
        self.heartbeats = 0
        self.received = 0  # Events that came, also those it had.
        self.turn = threading.Lock()  # Whoever holds it keeps the shelf from taking anything.
        self._url = url
        self._ended = threading.Event()

    def __enter__(self) -> Shelf:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self.join()

    def run(self) -> None:
        """Read every shard from its start; begin again when the server has forgotten."""
        cursors = dict.fromkeys(range(streams.SHARDS), "0")
        beat = 0
        with connect(self._url) as client:
            while not self._ended.wait(0.005):
                try:
                    beat += 1
                    with self.turn:
                        for shard in cursors:
                            self._shard(client, shard, cursors, beat)
                except redis.RedisError:
                    cursors = dict.fromkeys(cursors, "0")

    def _shard(self, client: redis.Redis, shard: int, cursors: dict[int, str], beat: int) -> None:
        if not client.exists(streams.stream_key(shard)):
            cursors[shard] = "0"
            return
        found: Any = client.xrange(streams.stream_key(shard), f"({cursors[shard]}" if cursors[shard] != "0" else "-")
        for entry, fields in found or []:
            cursors[shard] = entry.decode()
            self._take(wire.decode(fields))
        client.hset(
            streams.ack_key(shard),
            mapping=cast("Any", self.marks) | {streams.ACK_CURSOR: cursors[shard], streams.ACK_BEAT: beat},
        )

    def _take(self, entry: wire.Entry) -> None:
        self.entries += 1
        self.received += entry.count
        self.heartbeats += entry.count == 0
        mark = self.marks.get(entry.writer, 0)
        if entry.first <= mark + 1 <= entry.last:
            self.items.setdefault(entry.writer, []).extend(drop_first(entry.items, mark + 1 - entry.first))
            self.marks[entry.writer] = entry.last

    @property
    def events(self) -> list[Item]:
        """What came that is no row, of all writers."""
        return [item for items in list(self.items.values()) for item in list(items) if not isinstance(item, Block)]

    def steps(self) -> list[int]:
        """The steps of all rows, writer by writer, in their order."""
        return [
            step
            for items in list(self.items.values())
            for item in list(items)
            if isinstance(item, Block)
            for step in memoryview(item.steps).cast("q")
        ]

    @property
    def stored(self) -> int:
        """How many events it holds."""
        return sum(count(items) for items in list(self.items.values()))


@contextmanager
def paused(client: redis.Redis) -> Iterator[None]:
    """Have a server refuse every write for want of memory, for as long as the block lasts."""
    client.config_set("maxmemory", 1)
    try:
        yield
    finally:
        client.config_set("maxmemory", 0)
