"""Buckets: what zooming out keeps of many points. Pure numpy.

A bucket of level 1 stands for 256 consecutive points of a series; 64 parts of a level make one part of the next, with
one bucket for each. A bucket keeps four real points (first, lowest, highest, last), the mean, and how many were no NaN,
so that it can be drawn as points or as a band, and merged with its neighbours without loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from runcast_ingest.store.codec import TICK_NS, Floats, Ints, compress, decompress

PART_POINTS = 4096
BUCKET_POINTS = 256  # They cost 0.15 bytes a point; at 64 it would be 0.5. What lies between is read exactly.
FANOUT = 64

Matrix = npt.NDArray[np.float64]
Buckets = npt.NDArray[Any]  # Of the dtype AXIS or SERIES.

# What the keys of an axis share.
AXIS = np.dtype(
    [("rows", "<i8"), ("first_step", "<i8"), ("last_step", "<i8"), ("first_time", "<i8"), ("last_time", "<i8")]
)
SERIES = np.dtype(
    [
        ("first", "<f8"),
        ("low", "<f8"),
        ("high", "<f8"),
        ("last", "<f8"),
        ("mean", "<f8"),
        ("count", "<i8"),  # Points that are no NaN.
        ("low_step", "<i8"),  # After the bucket's first step.
        ("high_step", "<i8"),
        ("low_time", "<i8"),  # After the bucket's first time.
        ("high_time", "<i8"),
    ]
)


def axis_buckets(steps: Ints, times: Ints) -> Buckets:
    """Cut an axis into buckets of level 1."""
    starts = np.arange(0, len(steps), BUCKET_POINTS)
    ends = np.minimum(starts + BUCKET_POINTS, len(steps))
    buckets = np.empty(len(starts), AXIS)
    buckets["rows"] = ends - starts
    buckets["first_step"], buckets["last_step"] = steps[starts], steps[ends - 1]
    buckets["first_time"], buckets["last_time"] = times[starts], times[ends - 1]
    return buckets


def series_buckets(steps: Ints, times: Ints, values: Matrix) -> Buckets:
    """Cut series that share an axis into buckets of level 1: one row of buckets for each row of `values`."""
    whole = len(steps) // BUCKET_POINTS * BUCKET_POINTS
    pieces = []
    if whole:
        shape = (len(values), -1, BUCKET_POINTS)
        cut = slice(0, whole)
        pieces.append(
            _reduce(
                values[:, cut].reshape(shape),
                steps[cut].reshape(1, -1, BUCKET_POINTS),
                times[cut].reshape(1, -1, BUCKET_POINTS),
            )
        )
    if whole < len(steps):
        pieces.append(_reduce(values[:, None, whole:], steps[None, None, whole:], times[None, None, whole:]))
    return np.concatenate(pieces, axis=1)


def merge_axis(buckets: Buckets) -> Buckets:
    """Make one bucket of a whole part's axis."""
    merged = np.empty(1, AXIS)
    merged["rows"] = buckets["rows"].sum()
    merged["first_step"], merged["first_time"] = buckets["first_step"][0], buckets["first_time"][0]
    merged["last_step"], merged["last_time"] = buckets["last_step"][-1], buckets["last_time"][-1]
    return merged


def merge_series(axis: Buckets, buckets: Buckets) -> Buckets:
    """Make one bucket of a whole part of a series."""
    merged = np.empty(1, SERIES)
    merged["first"], merged["last"] = buckets["first"][0], buckets["last"][-1]
    count = buckets["count"].sum()
    merged["count"] = count
    with np.errstate(invalid="ignore", over="ignore"):
        total = (np.where(buckets["count"] > 0, buckets["mean"], 0.0) * buckets["count"]).sum()
        merged["mean"] = total / count if count else np.nan
    for name, at in (("low", _lowest(buckets["low"][None])[0]), ("high", _highest(buckets["high"][None])[0])):
        merged[name] = buckets[name][at]
        for unit in ("step", "time"):
            start = axis[f"first_{unit}"]
            merged[f"{name}_{unit}"] = start[at] + buckets[f"{name}_{unit}"][at] - start[0]
    return merged


def pack_buckets(buckets: Buckets) -> bytes:
    """Write buckets: byte planes, then zstd, for a column of 32 is too short for anything better."""
    scaled = buckets.copy()
    for name in scaled.dtype.names or ():
        if name.endswith("_time"):
            scaled[name] //= TICK_NS
    return compress(np.ascontiguousarray(scaled).view(np.uint8).reshape(len(scaled), -1).T.tobytes())


def unpack_buckets(rows: Sequence[bytes], dtype: np.dtype[Any]) -> Buckets:
    """Read rows of buckets, and join them."""
    plain = [decompress(row) for row in rows]
    # All but the last part have the same number of buckets: those are turned over in one piece.
    pieces = []
    for size, group in groupby(plain, key=len):
        planes = np.frombuffer(b"".join(group), np.uint8)
        shape = (-1, dtype.itemsize, size // dtype.itemsize)
        pieces.append(planes.reshape(shape).transpose(0, 2, 1))
    joined = np.concatenate([piece.reshape(-1, dtype.itemsize) for piece in pieces])
    buckets: Buckets = np.ascontiguousarray(joined).view(dtype).ravel()
    for name in dtype.names or ():
        if name.endswith("_time"):
            buckets[name] *= TICK_NS
    return buckets


def points_of(axis: Buckets, buckets: Buckets) -> tuple[Ints, Ints, Floats]:
    """Return the real points that the buckets keep, in order and each once."""
    steps = np.stack(
        [
            axis["first_step"],
            axis["first_step"] + buckets["low_step"],
            axis["first_step"] + buckets["high_step"],
            axis["last_step"],
        ],
        axis=1,
    )
    times = np.stack(
        [
            axis["first_time"],
            axis["first_time"] + buckets["low_time"],
            axis["first_time"] + buckets["high_time"],
            axis["last_time"],
        ],
        axis=1,
    )
    values = np.stack([buckets["first"], buckets["low"], buckets["high"], buckets["last"]], axis=1)
    order = np.argsort(steps, axis=1, kind="stable")
    steps, times, values = (np.take_along_axis(each, order, 1).ravel() for each in (steps, times, values))
    new = np.ones(len(steps), bool)
    new[1:] = steps[1:] != steps[:-1]
    return steps[new], times[new], values[new]


def _reduce(values: npt.NDArray[np.float64], steps: Ints, times: Ints) -> Buckets:
    """Reduce the last axis of `values` (keys, buckets, points); `steps` and `times` are (1, buckets, points)."""
    made = np.empty(values.shape[:2], SERIES)
    made["first"], made["last"] = values[..., 0], values[..., -1]
    good = ~np.isnan(values)
    made["count"] = good.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        made["mean"] = np.where(good, values, 0.0).sum(axis=-1) / made["count"]
    for name, at in (("low", _lowest(values)), ("high", _highest(values))):
        made[name] = np.take_along_axis(values, at[..., None], -1)[..., 0]
        for unit, whole in (("step", steps), ("time", times)):
            where = np.take_along_axis(np.broadcast_to(whole, values.shape), at[..., None], -1)[..., 0]
            made[f"{name}_{unit}"] = where - whole[..., 0]
    return made


def _lowest(values: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    return np.asarray(np.where(np.isnan(values), np.inf, values).argmin(axis=-1))


def _highest(values: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    return np.asarray(np.where(np.isnan(values), -np.inf, values).argmax(axis=-1))
