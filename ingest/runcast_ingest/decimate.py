"""Fewer points that draw the same curve: M4. Each pixel column keeps its first, lowest, highest and last point.

The points that remain are real ones, with their own steps and times. A line through them covers the same pixels as a
line through all (Jugel and others, "M4: A Visualization-Oriented Time Series Data Aggregation", 2014).
Pure numpy; it knows neither runs nor frames.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

KEPT_PER_BUCKET = 4  # First, lowest, highest, last; and one more where a bucket has a NaN.


def buckets_of(x: Ints | Floats, buckets: int) -> Ints:
    """Say in which of `buckets` equal stretches of the x axis each point lies, or of the points where x goes back."""
    if not len(x):
        return np.empty(0, np.int64)
    low, high = x[0], x[-1]
    if not high > low or (x[1:] < x[:-1]).any():
        by_place: Ints = np.arange(len(x)) * buckets // len(x)
        return by_place
    if x.dtype.kind == "i" and int(high) - int(low) > 2**62:
        x = x // 4  # The span of int64 has no room in an int64.
        low, high = x[0], x[-1]
    # Differences first: nanoseconds since 1970 have no room in a float64, their span has.
    place = (x - low) * (buckets / float(high - low))
    bucket: Ints = np.minimum(place.astype(np.int64), buckets - 1)
    return bucket


def m4(x: Ints | Floats, y: Floats, buckets: int) -> Ints:
    """Choose the points to keep, as rising indices; all of them where they are few. One NaN of a bucket is kept."""
    if len(y) <= KEPT_PER_BUCKET * buckets:
        return np.arange(len(y))
    bucket = buckets_of(x, buckets)
    starts = np.flatnonzero(np.diff(bucket, prepend=-1))
    ends = np.append(starts[1:], len(y)) - 1
    sizes = ends - starts + 1
    missing = np.isnan(y)
    kept = [starts, ends]
    for reduce, filler in ((np.minimum.reduceat, np.inf), (np.maximum.reduceat, -np.inf)):
        filled = np.where(missing, filler, y)
        extreme = np.repeat(reduce(filled, starts), sizes)
        kept.append(_first_of_each(np.flatnonzero((y == extreme) & ~missing), bucket))
    if missing.any():
        kept.append(_first_of_each(np.flatnonzero(missing), bucket))
    return np.unique(np.concatenate(kept))


def _first_of_each(places: Ints, bucket: Ints) -> Ints:
    return places[np.flatnonzero(np.diff(bucket[places], prepend=-1))]
