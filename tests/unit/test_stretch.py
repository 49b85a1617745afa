"""Rows with different keys come in different stretches; merged by time they are what was logged, in its order."""

from __future__ import annotations

import heapq

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from runcast_ingest.store.stretch import Stretch, untie


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=60))
def test_a_merge_by_time_is_the_order_of_the_sequences_however_many_rows_share_a_tick(
    rows: list[tuple[int, bool]],
) -> None:
    """A row has one of four sets of keys, and the time of the row before it or a later one."""
    times = np.cumsum([int(later) for _, later in rows])
    stretches = []
    for keys in {keys for keys, _ in rows}:
        own = np.array([at for at, (which, _) in enumerate(rows) if which == keys])
        names = (f"k{keys}",)
        stretches.append(Stretch(names, own + 1, own, times[own], own[None].astype(float), "f", {0: {"x": keys}}))
    pieces = untie(stretches)
    streams = [list(zip(piece.times.tolist(), piece.sequences.tolist(), strict=True)) for piece in pieces]
    merged = [row for _, row in heapq.merge(*streams, key=lambda pair: pair[0])]
    assert merged == list(range(1, len(rows) + 1))
    assert sum(len(piece.extras) for piece in pieces) == len(stretches)
