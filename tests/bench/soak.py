"""A page that is open for hours: a hundred trainers log on, and memory and latency stay where they are.

`python -m tests.bench.soak --minutes 60` samples the service, Redis and the browser, and prints how much they grow
in an hour: a line through the samples from when every curve on the page is as long as it gets. A shorter one says
where things stand, and no more. It takes its time, and is no part of `make bench`; the short one among the tests is
`tests/flow/test_soak.py`.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import redis
from playwright.sync_api import CDPSession, Page
from tests.bench.figure import Figure, percentile, table
from tests.bench.page import HZ, USUAL, WARM_UP_SECONDS, fresh, opened, training
from tests.bench.place import browser_mb, resident_mb
from tests.browser.board import ask, ready, stats
from tests.browser.chromium import launched
from tests.flow.running import wait_until

from runcast import discovery
from runcast.discovery import Discovery

TRAINERS, METRICS = 100, 10
SAMPLES = 60  # Of a soak, however long it is.
SAMPLE_SECONDS_MIN = 5.0
FULL_MINUTES = 15.0  # A curve of 6400 points at 10 Hz is thinned for the first time after eleven.
GROWTH_MAX = 20.0  # MB an hour that are noise: caches fill, and SQLite's log is cut now and then.


@dataclass(frozen=True)
class Sample:
    """How it is at a moment; memory in MB, ages of the newest point on the screen in ms."""

    minute: float
    service: float
    redis: float
    browser: float
    heap: float
    database: float
    p50: float
    p99: float
    load: float


HEADINGS = ("minute", "service", "Redis", "browser", "page's heap", "database", "p50", "p99", "load")


def sample(page: Page, line: CDPSession, found: Discovery, begun: float, folder: Path) -> Sample:
    """Look at everything once."""
    ages = stats(page)["stat"]["latency"] or [float("nan")]
    ask(page, {"op": "mark"})
    with redis.Redis.from_url(found.redis) as client:
        streams = int(client.info("memory")["used_memory"]) / 1e6
    return Sample(
        (time.monotonic() - begun) / 60,
        resident_mb(found.pid),
        streams,
        browser_mb(),
        float(line.send("Runtime.getHeapUsage")["usedSize"]) / 1e6,
        sum(file.stat().st_size for file in folder.glob("runcast.db*")) / 1e6,
        percentile(ages, 0.5),
        percentile(ages, 0.99),
        os.getloadavg()[0],
    )


def soak(minutes: float, trainers: int) -> list[Sample]:
    """Watch so many trainers for so long; a line for each sample is printed as it is taken."""
    seconds = 60 * minutes
    gap = max(SAMPLE_SECONDS_MIN, seconds / SAMPLES)
    samples: list[Sample] = []
    with launched() as browser, fresh() as stage, training(stage, trainers, METRICS, seconds + 4 * WARM_UP_SECONDS):
        found = wait_until(lambda: discovery.read(stage.directory))
        page = opened(browser, *USUAL)
        page.goto(f"{stage.url}/?project=page")
        ready(page, metrics=METRICS)
        page.wait_for_timeout(1000 * WARM_UP_SECONDS)
        line = page.context.new_cdp_session(page)
        ask(page, {"op": "mark"})
        begun = time.monotonic()
        print(" ".join(f"{name:>11}" for name in HEADINGS), flush=True)
        while time.monotonic() < begun + seconds:
            page.wait_for_timeout(1000 * gap)
            samples.append(sample(page, line, found, begun, stage.directory))
            print(" ".join(f"{value:11.1f}" for value in vars(samples[-1]).values()), flush=True)
        page.close()
    return samples


def growth(samples: list[Sample], what: str) -> float:
    """How much something grows in an hour: the slope of a line through samples."""
    minutes, values = [one.minute for one in samples], [float(getattr(one, what)) for one in samples]
    return 60 * float(np.polyfit(minutes, values, 1)[0]) if len(samples) > 1 else 0.0


def figures(samples: list[Sample], trainers: int, minutes: float) -> list[Figure]:
    """Say where things stood at the end, and how they grew."""
    how = f"{trainers} processes × {METRICS} metrics × {HZ} Hz, a page open for {minutes:g} min"
    full = [one for one in samples if one.minute > FULL_MINUTES]
    told = []
    for what, name in {"service": "service", "redis": "Redis", "browser": "browser", "heap": "page's heap"}.items():
        first, last = getattr(samples[0], what), getattr(samples[-1], what)
        told.append(Figure(f"{name}, memory", last, "MB", note=f"{first:.0f} MB at the begin; {how}"))
        if len(full) > 2:
            told.append(Figure(f"{name}, growth", growth(full, what), "MB/h", GROWTH_MAX, note="when curves were full"))
    third = max(1, len(samples) // 3)
    for what in ("p50", "p99"):
        early, late = (
            percentile([float(getattr(one, what)) for one in part], 0.5) for part in (samples[:third], samples[-third:])
        )
        told.append(
            Figure(f"log() to pixel, {what}, last third", late, "ms", note=f"{early:.0f} ms in the first; {how}")
        )
    return told


def main() -> None:
    """Soak, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--trainers", type=int, default=TRAINERS)
    options = parser.parse_args()
    samples = soak(options.minutes, options.trainers)
    print()
    print(table(figures(samples, options.trainers, options.minutes)))


if __name__ == "__main__":
    main()
