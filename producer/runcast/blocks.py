"""Consecutive rows of one writer with the same keys, as columns.

Pure bytes, so that a trainer needs no numpy: `steps` and `times` are int64[n], `values` is
float64[k][n] (one key after the other), all little-endian. Integers up to 2**53 and booleans
travel as float64; `kinds` remembers what they were. What is no number stands in `extras`.
Rows of one step are amendments of each other: readers merge them, the last value of a key wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from runcast.errors import MalformedEntry
from runcast.events import Event, Plain

FLOAT, INT, BOOL = "f", "i", "b"  # How a column's numbers were logged.
_KINDS = frozenset("fib")


class Block(Struct, frozen=True, array_like=True, tag=0):
    """The unit on the wire and in the store's first level: `rows` events in columnar form."""

    rows: int
    names: tuple[str, ...]
    kinds: str  # One character of FLOAT, INT, BOOL for each name.
    steps: bytes
    times: bytes
    values: bytes
    extras: tuple[dict[str, Any] | None, ...] | None = None  # By row: the values that are no numbers.

    def check(self) -> None:
        """Compare every length with what it should be, before anybody trusts one; raises MalformedEntry."""
        n, k = self.rows, len(self.names)
        if n < 1:
            raise MalformedEntry(f"a block of {n} rows")
        for what, data, want in (
            ("steps", self.steps, 8 * n),
            ("times", self.times, 8 * n),
            ("values", self.values, 8 * k * n),
        ):
            if len(data) != want:
                raise MalformedEntry(f"a block of {n} rows and {k} keys has {len(data)} bytes of {what}, not {want}")
        if len(self.kinds) != k or not _KINDS.issuperset(self.kinds):
            raise MalformedEntry(f"a block of {k} keys has the kinds {self.kinds!r}")
        if len(set(self.names)) != k:
            raise MalformedEntry("a block names a key twice")
        if self.extras is not None and len(self.extras) != n:
            raise MalformedEntry(f"a block of {n} rows has {len(self.extras)} extras")

    def after(self, skip: int) -> Block:
        """Leave out the first `skip` rows."""
        n = self.rows
        columns = [self.values[8 * (n * key + skip) : 8 * n * (key + 1)] for key in range(len(self.names))]
        return Block(
            rows=n - skip,
            names=self.names,
            kinds=self.kinds,
            steps=self.steps[8 * skip :],
            times=self.times[8 * skip :],
            values=b"".join(columns),
            extras=None if self.extras is None else self.extras[skip:],
        )


Item = Block | Event

__all__ = ["BOOL", "FLOAT", "INT", "Block", "Item", "Plain", "count", "drop_first"]


def count(items: Sequence[Item]) -> int:
    """Count the events in what an entry carries."""
    return sum(item.rows if isinstance(item, Block) else 1 for item in items)


def drop_first(items: Sequence[Item], skip: int) -> list[Item]:
    """Leave out the first `skip` events: those below the writer's mark, when an entry overlaps it."""
    left: list[Item] = []
    for item in items:
        size = item.rows if isinstance(item, Block) else 1
        if skip >= size:
            skip -= size
        elif skip and isinstance(item, Block):
            left.append(item.after(skip))
            skip = 0
        else:
            left.append(item)
    return left
