"""Blocks are columns of rows; leaving the first rows out leaves the others as they were."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.made import ITEMS, blocks

from runcast.blocks import Block, Item, count, drop_first


def rows_of(block: Block) -> list[tuple[object, ...]]:
    """Spell a block out, one tuple a row."""
    n, k = block.rows, len(block.names)
    steps, times = struct.unpack(f"<{n}q", block.steps), struct.unpack(f"<{n}q", block.times)
    cells = [block.values[8 * at : 8 * at + 8] for at in range(n * k)]
    extras = block.extras or (None,) * n
    return [(steps[at], times[at], cells[at::n][:k], extras[at]) for at in range(n)]


@given(blocks())
def test_a_well_made_block_passes_its_own_check(block: Block) -> None:
    block.check()


@given(blocks(), st.data())
def test_the_rows_after_some_are_the_same_rows(block: Block, data: st.DataObject) -> None:
    skip = data.draw(st.integers(0, block.rows - 1))
    after = block.after(skip)
    after.check()
    assert rows_of(after) == rows_of(block)[skip:]
    assert (after.names, after.kinds) == (block.names, block.kinds)


def spelled(items: list[Item]) -> list[object]:
    return [row for item in items for row in (rows_of(item) if isinstance(item, Block) else [item])]


@given(ITEMS, st.data())
def test_leaving_out_the_first_events_leaves_the_others(items: list[Item], data: st.DataObject) -> None:
    """A reader that has the first part of an entry takes only the rest of it."""
    skip = data.draw(st.integers(0, count(items)))
    left = drop_first(items, skip)
    assert count(left) == count(items) - skip
    assert spelled(left) == spelled(items)[skip:]
