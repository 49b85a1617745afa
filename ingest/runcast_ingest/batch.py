"""What the tail hands on: consecutive events of one writer, each for the first time.

A batch continues what came before it, without a hole and without a repetition: the hub may show it and the
persister may store it as it stands.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from runcast.blocks import Block, Item, drop_first
from runcast.streams import StreamId
from runcast.wire import ENTRY_BYTES_MAX, encode_items

BATCH_BYTES, BLOCK_BYTES, NAME_BYTES = 500, 500, 70  # What Python's objects cost beside their content.
DOCUMENT_FACTOR = 6  # A document as Python's objects, to its bytes in msgpack.


class Batch(Struct, frozen=True):
    """The events `first` … `last` of a writer to the run at `path`, read from the stream entry `entry`."""

    path: str
    writer: str
    shard: int
    first: int
    last: int
    items: list[Item]
    entry: StreamId
    received: int  # ns
    size: int = 0  # Bytes that it costs while it waits, about.

    def above(self, mark: int) -> Batch | None:
        """Leave out the events up to `mark`; None when that is all of them."""
        if mark < self.first:
            return self
        if mark >= self.last:
            return None
        return replace(self, first=mark + 1, items=drop_first(self.items, mark + 1 - self.first))


def weigh(items: Iterable[Item]) -> int:
    """Estimate what events cost in memory.

    The entry's own size says little: a lone row is three quarters Python's objects, and a payload may be compressed.
    """
    size = BATCH_BYTES
    for item in items:
        if isinstance(item, Block):
            size += BLOCK_BYTES + NAME_BYTES * len(item.names) + len(item.values) + 2 * len(item.steps)
            if item.extras is not None:
                size += DOCUMENT_FACTOR * _length(item)
        else:
            size += BLOCK_BYTES + DOCUMENT_FACTOR * _length(item)
    return size


def _length(item: Item) -> int:
    try:
        return len(encode_items([item]))
    except RecursionError:
        return ENTRY_BYTES_MAX  # Nested so deeply that only whoever decoded it had stack enough.


class Stored(Struct, frozen=True):
    """Everything of `writer` up to `mark` is in the store."""

    path: str
    writer: str
    mark: int
