"""How soon points of a hundred trainers are pixels in a real Chromium.

`python -m tests.bench.page --trainer NAME METRICS SECONDS` is one of the trainers.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

import numpy as np
from playwright.sync_api import Browser, Page
from tests.bench.figure import Figure, percentile, table
from tests.bench.place import start
from tests.browser.board import ask, ready, stats
from tests.browser.chromium import WINDOW, launched
from tests.browser.stage import Stage, service

import runcast

HZ = 10
WARM_UP_SECONDS = 4.0
STARTED_AT_ONCE = 10  # Interpreters that two cores start in a second and a half.
USUAL = (WINDOW["width"], WINDOW["height"])

Size = tuple[int, int]


def trainer(name: str, metrics: int, seconds: float) -> None:
    """Log at a steady pace."""
    run = runcast.init(project="page", id=name)
    print("ready", flush=True)
    sys.stdin.readline()
    time.sleep(crc32(name.encode()) % 1000 / 1000 / HZ)  # Trainings do not march in step.
    begun, noise = time.monotonic(), np.random.default_rng(crc32(name.encode()))
    for number in range(int(seconds * HZ)):
        run.log(
            {
                f"metric/{metric:02}": 1 / (number + 10) + 0.01 * value
                for metric, value in enumerate(noise.normal(0, 1, metrics))
            }
        )
        time.sleep(max(0.0, begun + (number + 1) / HZ - time.monotonic()))
    run.finish()


@contextmanager
def training(stage: Stage, count: int, metrics: int, seconds: float) -> Iterator[None]:
    """Have trainers that log for so long, all at once."""
    processes: list[subprocess.Popen[str]] = []
    for number in range(count):
        made = start(
            "tests.bench.page", "--trainer", f"run-{number:03}", metrics, seconds, RUNCAST_DIR=str(stage.directory)
        )
        processes.append(made)
        if number % STARTED_AT_ONCE == STARTED_AT_ONCE - 1:
            for process in processes[-STARTED_AT_ONCE:]:
                assert process.stdout is not None
                process.stdout.readline()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    try:
        yield
    finally:
        for process in processes:
            process.communicate()


@contextmanager
def fresh() -> Iterator[Stage]:
    """Have a service with its dashboard in a fresh directory."""
    folder = tempfile.TemporaryDirectory(prefix="rcb-", ignore_cleanup_errors=True)
    with folder, service(Path(folder.name)) as stage:
        yield stage


def opened(browser: Browser, width: int, height: int) -> Page:
    """Open an empty window."""
    return browser.new_page(viewport={"width": width, "height": height})


def watched(browser: Browser, count: int, metrics: int, seconds: float) -> list[float]:
    """Watch trainers on a page; how old the newest point was when all was drawn, each time, in ms."""
    with fresh() as stage, training(stage, count, metrics, seconds + 2 * WARM_UP_SECONDS):
        page = opened(browser, *USUAL)
        page.goto(f"{stage.url}/?project=page")
        ready(page, metrics=metrics)
        page.wait_for_timeout(1000 * WARM_UP_SECONDS)
        ask(page, {"op": "mark"})
        page.wait_for_timeout(1000 * seconds)
        ages: list[float] = stats(page)["stat"]["latency"]
        page.close()
    return ages


def measure(*, quick: bool) -> list[Figure]:
    """Measure."""
    seconds, count = (10.0, 20) if quick else (30.0, 100)
    with launched() as browser:
        crowd = watched(browser, count, 10, seconds)
    how = f"{count} processes × 10 metrics × {HZ} Hz, one page with all of them"
    newest = "of the newest point of each picture"
    return [
        Figure("log() to pixel under a crowd, p50", percentile(crowd, 0.5), "ms", note=how),
        Figure("log() to pixel under a crowd, p99", percentile(crowd, 0.99), "ms", 100, note=newest),
    ]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--trainer"]:
        trainer(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
    else:
        print(table(measure(quick="--quick" in sys.argv)))
