"""A chart of ten million points at any zoom, and what a point costs on disk."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tests.bench.figure import Figure, percentile, table
from tests.flow.stored import BEGIN, Publisher, key_of, leased

from runcast.blocks import Block
from runcast.events import Start
from runcast_ingest.store import Store

POINTS = 10_000_000
ROWS_PER_BLOCK = 65_536
PIXELS = 1000

Floats = npt.NDArray[np.float64]


def losses(steps: npt.NDArray[np.int64], noise: np.random.Generator) -> Floats:
    """A loss as a training sees it: falling, noisy, and born as float32."""
    walk = np.convolve(noise.normal(0, 1, len(steps)), 0.9 ** np.arange(40), "same")
    return np.asarray(1.7 + 8.0 * (steps + 100.0) ** -0.28 + 0.02 * walk, np.float32).astype(np.float64)


def rows(first: int, count: int, noise: np.random.Generator, *, keys: int) -> Block:
    """A block of rows: a loss, and what stands beside one in a training's log."""
    steps = np.arange(first, first + count)
    columns: dict[str, npt.NDArray[np.floating]] = {"loss": losses(steps, noise)}
    if keys > 1:
        accuracy = (
            np.round(np.clip(1 - 0.9 * (steps + 1.0) ** -0.2 + 0.01 * noise.normal(0, 1, count), 0, 1) * 512) / 512
        )
        columns |= {
            "accuracy": accuracy,
            "epoch": np.floor(steps / 1000.0),
            "lr": 3e-4 * 0.5 * (1 + np.cos(np.pi * steps / 1e6)),
            "gpu_mb": np.round(40_000 + 9 * noise.normal(0, 1, count)),
            "val/loss": losses(steps, noise),
            "val/accuracy": np.round(accuracy * 10_000) / 10_000,
            "grad_norm": np.abs(noise.normal(1, 0.2, count)).astype(np.float32).astype(np.float64),
            "tokens": steps * 4096.0,
            "samples_per_s": np.round(1800 + 30 * noise.normal(0, 1, count), 1),
        }
    times = BEGIN + steps * 180_000_000 + noise.integers(-8_000_000, 8_000_000, count)
    return Block(
        rows=count,
        names=tuple(columns),
        kinds="f" * len(columns),
        steps=steps.astype("<i8").tobytes(),
        times=times.astype("<i8").tobytes(),
        values=np.array(list(columns.values())).tobytes(),
    )


async def fill(store: Store, path: str, points: int, *, keys: int) -> None:
    """Store a run, and compact all of it."""
    publisher, noise = Publisher(store, path=path, writer=f"{keys:016x}"), np.random.default_rng(7)
    await publisher.commit(Start(BEGIN, "a run", {}))
    for first in range(0, points // keys, ROWS_PER_BLOCK):
        await publisher.commit(rows(first, min(ROWS_PER_BLOCK, points // keys - first), noise, keys=keys))
        await store.compact_once()
    while await store.compact_once(everything=True):
        pass


async def zooms(store: Store, points: int) -> list[float]:
    """Ask for stretches of every length, anywhere, as charts do; ms each."""
    key, dice, taken = await key_of(store, "zoom/one"), random.Random(1), []
    for _ in range(200):
        width = int(points ** dice.uniform(0.3, 1.0))
        low = dice.randint(0, points - width)
        begun = time.perf_counter()
        if dice.random() < 0.5:
            await store.envelope(key, "loss", points=PIXELS, lo=low, hi=low + width)
        else:
            await store.view(key, ["loss"], points_max=4 * PIXELS, lo=low, hi=low + width)
        taken.append(1000 * (time.perf_counter() - begun))
    return taken


async def look(points: int) -> tuple[list[float], float, float]:
    """Fill two stores: one to zoom in, one to weigh."""
    with tempfile.TemporaryDirectory(prefix="rcb-") as folder:
        async with leased(Path(folder)) as store:
            await fill(store, "zoom/one", points, keys=1)
            taken = await zooms(store, points)
            key = await key_of(store, "zoom/one")
            begun = time.perf_counter()
            await store.view(key, ["loss"], points_max=4 * PIXELS)
            whole = 1000 * (time.perf_counter() - begun)
    with tempfile.TemporaryDirectory(prefix="rcb-") as folder:
        weighed = min(points, 3_000_000)
        async with leased(Path(folder)) as store:
            await fill(store, "weigh/ten", weighed, keys=10)
        size = await asyncio.to_thread(_size, Path(folder))
    return taken, whole, size / weighed


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def measure(*, quick: bool) -> list[Figure]:
    """Measure."""
    points = POINTS // (10 if quick else 1)
    taken, whole, bytes_per_point = asyncio.run(look(points))
    data = np.random.default_rng(1).normal(0, 1, points)
    begun = time.perf_counter()
    columns = data[: points // PIXELS * PIXELS].reshape(PIXELS, -1)
    columns.min(axis=1), columns.max(axis=1)
    numpy_ms = 1000 * (time.perf_counter() - begun)
    return [
        Figure(
            f"zoom into {points / 1e6:.0f} M points, p50",
            percentile(taken, 0.5),
            "ms",
            20,
            note="200 stretches of any length",
        ),
        Figure(f"zoom into {points / 1e6:.0f} M points, p99", percentile(taken, 0.99), "ms", 20),
        Figure(
            f"all {points / 1e6:.0f} M points in one chart",
            whole,
            "ms",
            20,
            numpy_ms,
            "min and max by numpy, in memory",
        ),
        Figure(
            "disk",
            bytes_per_point,
            "B/point",
            3,
            8,
            "a float64",
            note="10 metrics a row, with steps, times and pyramid",
        ),
    ]


if __name__ == "__main__":
    print(table(measure(quick=False)))
