"""A page that is open for hours: a hundred trainers log on, and memory and latency stay where they are.

`python -m tests.bench.soak --minutes 60` samples the service, Redis and the browser, and prints how much they grow
in an hour: a line through the samples from when every curve on the page is as long as it gets. The page and its worker
collect their garbage before they are looked at, so that what grows is kept. Beside each sample stands how long a fixed
loop takes, as a machine's speed changes within an hour; and in the end a page that was just opened is looked at in the
same way, which says what the other's age costs. A shorter soak says where things stand, and no more.

It takes its time, and is no part of `make bench`; the short one among the tests is `tests/flow/test_soak.py`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import redis
from playwright.sync_api import Browser, Page
from tests.bench.figure import Figure, percentile, table
from tests.bench.heap import Heaps
from tests.bench.page import HZ, USUAL, WARM_UP_SECONDS, fresh, opened, training
from tests.bench.place import browser_mb, loop_ms, resident_mb
from tests.browser.board import ask, ready, stats
from tests.browser.chromium import launched
from tests.browser.stage import Stage
from tests.flow.running import wait_until

from runcast import discovery
from runcast.discovery import Discovery

TRAINERS, METRICS = 100, 10
SAMPLES = 60  # Of a soak, however long it is.
SAMPLES_AFRESH = 5  # Of the page that is opened in the end.
SAMPLE_SECONDS_MIN = 5.0
FULL_MINUTES = 15.0  # A curve of 6400 points at 10 Hz is thinned for the first time after eleven.
GROWTH_MAX = 20.0  # MB an hour that are noise: caches fill, and SQLite's log is cut now and then.
SLOWER_MAX = 1.1  # Of the first half's latency, which differs by a tenth from one ten minutes to the next.
PARTS = 6  # Whose latencies are told one by one.


@dataclass(frozen=True)
class Sample:
    """How it is at a moment; memory in MB, ages of the newest point on the screen and the fixed loop in ms."""

    minute: float
    service: float
    redis: float
    browser: float
    page: float
    worker: float
    database: float
    p50: float
    p99: float
    loop: float


HEADINGS = ("minute", "service", "Redis", "browser", "page heap", "its worker", "database", "p50", "p99", "loop")
MEMORY = {
    "service": "service",
    "redis": "Redis",
    "browser": "browser, all processes",
    "page": "page's heap",
    "worker": "its worker's heap",
}


class Watch:
    """A page with all curves of the trainers, looked at now and then."""

    def __init__(self, page: Page, stage: Stage, found: Discovery, begun: float) -> None:
        self._page, self._found, self._begun, self._folder = page, found, begun, stage.directory
        page.goto(f"{stage.url}/?project=page")
        ready(page, metrics=METRICS)
        self._heaps = Heaps(page)
        page.wait_for_timeout(1000 * WARM_UP_SECONDS)
        ask(page, {"op": "mark"})

    def sample(self, after: float) -> Sample:
        """Look at everything once so many seconds have passed; the latency is of those seconds."""
        self._page.wait_for_timeout(1000 * after)
        ages = stats(self._page)["stat"]["latency"] or [float("nan")]
        loop = loop_ms()
        with redis.Redis.from_url(self._found.redis) as client:
            streams = int(client.info("memory")["used_memory"]) / 1e6
        page, worker = self._heaps.page_mb(), self._heaps.worker_mb()
        made = Sample(
            (time.monotonic() - self._begun) / 60,
            resident_mb(self._found.pid),
            streams,
            browser_mb(),
            page,
            worker,
            _size_mb(self._folder),
            percentile(ages, 0.5),
            percentile(ages, 0.99),
            loop,
        )
        print(" ".join(f"{value:11.1f}" for value in vars(made).values()), flush=True)
        ask(self._page, {"op": "mark"})
        return made


def _size_mb(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.glob("runcast.db*")) / 1e6


@contextmanager
def watch(browser: Browser, stage: Stage, found: Discovery, begun: float) -> Iterator[Watch]:
    """Have a page for as long as it is looked at."""
    page = opened(browser, *USUAL)
    yield Watch(page, stage, found, begun)
    page.close()


def soak(minutes: float, trainers: int) -> tuple[list[Sample], list[Sample]]:
    """Watch so many trainers for so long, then on a new page; a line for each sample is printed as it is taken."""
    seconds = 60 * minutes
    gap = max(SAMPLE_SECONDS_MIN, seconds / SAMPLES)
    logged = seconds + (SAMPLES_AFRESH + 1) * gap + 8 * WARM_UP_SECONDS
    old, new = [], []
    with launched() as browser, fresh() as stage, training(stage, trainers, METRICS, logged):
        found = wait_until(lambda: discovery.read(stage.directory))
        begun = time.monotonic()
        print(" ".join(f"{name:>11}" for name in HEADINGS), flush=True)
        with watch(browser, stage, found, begun) as page:
            while time.monotonic() < begun + seconds:
                old.append(page.sample(gap))
        print("a new page", flush=True)
        with watch(browser, stage, found, begun) as page:
            new += [page.sample(gap) for _ in range(SAMPLES_AFRESH)]
    return old, new


def growth(samples: list[Sample], what: str) -> float:
    """How much something grows in an hour: the slope of a line through samples."""
    minutes, values = [one.minute for one in samples], [float(getattr(one, what)) for one in samples]
    return 60 * float(np.polyfit(minutes, values, 1)[0]) if len(samples) > 1 else 0.0


def typical(samples: list[Sample], what: str) -> float:
    """Take the median of something over samples."""
    return percentile([float(getattr(one, what)) for one in samples], 0.5)


def figures(old: list[Sample], new: list[Sample], trainers: int, minutes: float) -> list[Figure]:
    """Say where things stood at the end, and how they grew."""
    how = f"{trainers} processes × {METRICS} metrics × {HZ} Hz, a page open for {minutes:g} min"
    full = [one for one in old if one.minute > FULL_MINUTES]
    told = []
    for what, name in MEMORY.items():
        first, last = getattr(old[0], what), getattr(old[-1], what)
        told.append(Figure(f"{name}, memory", last, "MB", note=f"{first:.0f} MB at the begin; {how}"))
        if len(full) > 2:
            told.append(Figure(f"{name}, growth", growth(full, what), "MB/h", GROWTH_MAX, note="when curves were full"))
    half = len(old) // 2
    for what, name in {"p50": "log() to pixel, p50", "p99": "log() to pixel, p99", "loop": "the fixed loop"}.items():
        early, late = typical(old[:half], what), typical(old[half:], what)
        target = None if what == "loop" else SLOWER_MAX * early
        parts = ", ".join(f"{typical(list(part), what):.0f}" for part in np.array_split(np.array(old, object), PARTS))
        told.append(
            Figure(f"{name}, second half", late, "ms", target, early, "the first half", note=f"by sixths: {parts} ms")
        )
        if what != "loop":
            aged, young = typical(old[-len(new) :], what), typical(new, what)
            told.append(Figure(f"{name}, in the end", aged, "ms", None, young, "a page just opened"))
    return told


def main() -> None:
    """Soak, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--trainers", type=int, default=TRAINERS)
    options = parser.parse_args()
    old, new = soak(options.minutes, options.trainers)
    print()
    print(table(figures(old, new, options.trainers, options.minutes)))


if __name__ == "__main__":
    main()
