"""What the tail hands on: consecutive events of one writer, each for the first time.

A batch continues what came before it, without a hole and without a repetition: the hub may show it and the
persister may store it as it stands.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from runcast.blocks import Item, drop_first
from runcast.streams import StreamId


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
    size: int = 0  # Bytes of the entry's payload: what the batch costs while it waits.

    def above(self, mark: int) -> Batch | None:
        """Leave out the events up to `mark`; None when that is all of them."""
        if mark < self.first:
            return self
        if mark >= self.last:
            return None
        return replace(self, first=mark + 1, items=drop_first(self.items, mark + 1 - self.first))


class Stored(Struct, frozen=True):
    """Everything of `writer` up to `mark` is in the store."""

    path: str
    writer: str
    mark: int
