"""M4 keeps what a chart would show: first, lowest, highest and last of each column."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from runcast_ingest.decimate import buckets_of, m4

VALUES = arrays.arrays(np.float64, st.integers(50, 400), elements=st.floats(-1e6, 1e6))
GAPPED = arrays.arrays(np.float64, st.integers(50, 400), elements=st.floats(-9, 9) | st.just(float("nan")))


def test_few_points_are_all_kept() -> None:
    assert m4(np.arange(40), np.zeros(40), 10).tolist() == list(range(40))


def test_nothing_stays_nothing() -> None:
    assert len(m4(np.empty(0, np.int64), np.empty(0), 10)) == 0


@given(VALUES)
def test_each_bucket_keeps_its_ends_and_its_extremes(y: np.ndarray) -> None:
    x = np.arange(len(y))
    kept = m4(x, y, 10)
    bucket = buckets_of(x, 10)
    for each in np.unique(bucket):
        mine = np.flatnonzero(bucket == each)
        left = kept[bucket[kept] == each]
        assert left[0] == mine[0]
        assert left[-1] == mine[-1]
        assert y[left].min() == y[mine].min()
        assert y[left].max() == y[mine].max()


@given(GAPPED)
def test_what_is_kept_rises_is_real_and_is_bounded(y: np.ndarray) -> None:
    kept = m4(np.arange(len(y)), y, 10)
    assert (np.diff(kept) > 0).all()
    assert len(kept) <= 5 * 10


@given(GAPPED)
def test_a_nan_is_seen_where_there_is_one(y: np.ndarray) -> None:
    assert np.isnan(y[m4(np.arange(len(y)), y, 10)]).any() == np.isnan(y).any()


def test_a_spike_between_pixels_stays() -> None:
    y = np.zeros(1_000_000)
    y[777_777] = 5.0
    assert 777_777 in m4(np.arange(len(y)), y, 600)


def test_columns_are_stretches_of_the_axis_not_of_the_points() -> None:
    """A run that logs densely at its end is not drawn as if it had logged evenly."""
    x = np.concatenate([np.arange(0, 900_000, 10_000), np.arange(900_000, 1_000_000)])
    kept = m4(x, np.sin(x / 50.0), 100)
    assert (x[kept] < 900_000).sum() == 90


def test_times_in_nanoseconds_keep_their_columns() -> None:
    start = 1_764_000_000_000_000_000
    x = start + np.arange(1000) * 1_000
    assert np.bincount(buckets_of(x, 10)).tolist() == [100] * 10


def test_an_axis_that_goes_back_is_cut_by_count() -> None:
    x = np.array([5, 4, 3, 2, 1, 0] * 100)
    assert len(np.unique(buckets_of(x, 10))) == 10
