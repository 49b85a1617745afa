"""What a real Chromium makes of it: how soon points are pixels, how smoothly, how soon a large project is there.

`python -m tests.bench.page --trainer NAME METRICS SECONDS` is one of the trainers.
"""

from __future__ import annotations

import asyncio
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
from tests.bench.zoom import rows
from tests.browser.board import ask, ready, stats
from tests.browser.chromium import WINDOW, launched
from tests.browser.stage import Stage, service
from tests.flow.stored import BEGIN, Publisher, block, leased

import runcast
from runcast.events import Finish, Start

HZ = 10
WARM_UP_SECONDS = 4.0
STARTED_AT_ONCE = 10  # Interpreters that two cores start in a second and a half.
USUAL = (WINDOW["width"], WINDOW["height"])
TALL = (1920, 2600)  # As many charts in view as a wall of screens has.

# Whether a chart shows a line: something in it has a colour. Read from the pixels, as an eye would.
DRAWN = """() => {
  const shown = __rc.board.root?.querySelector(".plot canvas");
  if (!shown) return false;
  const context = Object.assign(document.createElement("canvas"), { width: 300, height: 120 }).getContext("2d");
  context.drawImage(shown, 60, 10, 300, 120, 0, 0, 300, 120);
  const pixels = context.getImageData(0, 0, 300, 120).data;
  for (let i = 0; i < pixels.length; i += 4) {
    const [red, green, blue] = pixels.subarray(i, i + 3);
    if (Math.max(red, green, blue) - Math.min(red, green, blue) > 60) return true;
  }
  return false;
}"""

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


def watched(browser: Browser, count: int, metrics: int, seconds: float, size: Size) -> dict[str, list[float]]:
    """Watch trainers on a page; what the worker timed, and the page's own thread's share of a core."""
    with fresh() as stage, training(stage, count, metrics, seconds + 2 * WARM_UP_SECONDS):
        page = opened(browser, *size)
        page.goto(f"{stage.url}/?project=page")
        ready(page, metrics=metrics)
        page.wait_for_timeout(1000 * WARM_UP_SECONDS)
        line = page.context.new_cdp_session(page)
        line.send("Performance.enable")
        ask(page, {"op": "mark"})
        before = _task_seconds(line)
        page.wait_for_timeout(1000 * seconds)
        share = (_task_seconds(line) - before) / seconds
        seen = stats(page)
        page.close()
    return {**seen["stat"], "share": [share], "shown": [len(seen["subscribed"])]}


def _task_seconds(line: object) -> float:
    metrics = line.send("Performance.getMetrics")["metrics"]  # type: ignore[attr-defined]
    return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))


async def fill_long(folder: Path, points: int) -> None:
    """Store one run of so many rows."""
    async with leased(folder) as store:
        publisher, noise = Publisher(store, path="long/one", writer="1" * 16), np.random.default_rng(7)
        await publisher.commit(Start(BEGIN, "a long run", {}))
        for first in range(0, points, 65_536):
            await publisher.commit(rows(first, min(65_536, points - first), noise, keys=1))
            await store.compact_once()
        await publisher.commit(Finish(BEGIN, 0))
        while await store.compact_once(everything=True):
            pass


async def fill_many(folder: Path, runs: int, metrics: int) -> None:
    """Store so many runs of so many metrics, ten rows each."""
    steps = list(range(10))
    async with leased(folder) as store:
        for number in range(runs):
            publisher = Publisher(store, path=f"many/run-{number:04}", writer=f"{number + 16:016x}")
            values = {
                f"group{at // 50:02}/metric_{at:03}": [at / (step + number + 1) for step in steps]
                for at in range(metrics)
            }
            await publisher.commit(
                Start(BEGIN + number, f"run {number}", {"lr": number / 1000}),
                block(values, steps=steps),
                Finish(BEGIN, 0),
            )
        while await store.compact_once(everything=True):
            pass


def painted_ms(page: Page, url: str) -> tuple[float, float, float]:
    """Open a page; ms until Streamlit has made room for the board, until curves are drawn, and until all are there."""
    begun = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.wait_for_function("window.__rc?.board")
    room = time.perf_counter()
    page.wait_for_function(DRAWN, timeout=60_000)
    drawn = time.perf_counter()
    page.wait_for_function("__rc.board.synced", timeout=60_000)
    return 1000 * (room - begun), 1000 * (drawn - begun), 1000 * (time.perf_counter() - begun)


def painted(browser: Browser, folder: Path, many: str) -> list[Figure]:
    """Open a long run and a large project, each in a fresh page of a service that has served one before."""
    taken: dict[str, list[tuple[float, float, float]]] = {}
    with service(folder) as stage:
        for _ in range(4):
            for path in ("/run?project=long&run=one", "/?project=many"):
                page = opened(browser, *USUAL)
                taken.setdefault(path, []).append(painted_ms(page, f"{stage.url}{path}"))
                page.close()
    figures = []
    for times, what, most in zip(taken.values(), ("a 1 M-point run", many), (1000, 2000), strict=True):
        room, drawn, whole = (percentile(list(column), 0.5) for column in zip(*times[1:], strict=True))
        note = f"Streamlit had made room for the board after {room:.0f}; all was there after {whole:.0f}"
        figures.append(Figure(f"first paint of {what}", drawn, "ms", most, note=note))
    return figures


def replayed(browser: Browser, *, seconds: float) -> Figure:
    """Play an hour again at 60 times its speed, and compare the board's clock with the ideal one."""
    with fresh() as stage:
        stage.train(
            """
            run = runcast.init(project="hour", id="one")
            begun = time.time() - 3600
            for second in range(3600):
                run.log({"loss": 1 / (second + 1), "_timestamp": begun + second})
            """
        )
        page = opened(browser, *USUAL)
        page.goto(f"{stage.url}/run?project=hour&run=one")
        ready(page)
        while not stats(page)["clock"]["t1"]:
            page.wait_for_timeout(10)
        ask(page, {"op": "speed", "speed": 60})
        ask(page, {"op": "seek", "part": 0})
        ask(page, {"op": "play"})
        first, begun = float(stats(page)["clock"]["t"]), time.perf_counter()
        page.wait_for_timeout(1000 * seconds)
        last, ended = float(stats(page)["clock"]["t"]), time.perf_counter()
        page.close()
    error = abs((last - first) / 1000 / (60 * (ended - begun)) - 1)
    return Figure(
        "an hour replayed at 60×, error of its clock", 100 * error, "%", 5, note=f"over {ended - begun:.0f} s"
    )


def measure(*, quick: bool) -> list[Figure]:
    """Measure."""
    seconds, count = (10.0, 20) if quick else (30.0, 100)
    runs, metrics = (100, 100) if quick else (1000, 1000)
    with tempfile.TemporaryDirectory(prefix="rcb-", ignore_cleanup_errors=True) as folder:
        # Before the browser, whose driver has an event loop of its own in this thread.
        asyncio.run(fill_long(Path(folder), 1_000_000))
        asyncio.run(fill_many(Path(folder), runs, metrics))
        with launched() as browser:
            paints = painted(browser, Path(folder), f"{runs} runs × {metrics} metrics")
    with launched() as browser:
        crowd = watched(browser, count, 10, seconds, USUAL)
        usual = watched(browser, 20, 50, seconds, USUAL)
        tall = watched(browser, 20, 50, seconds, TALL)
        replay = replayed(browser, seconds=10.0 if quick else 60.0)
    how = f"{count} processes × 10 metrics × {HZ} Hz, one page with all of them"
    newest = "of the newest point of each picture"
    return [
        Figure("log() to pixel under a crowd, p50", percentile(crowd["latency"], 0.5), "ms", note=how),
        Figure("log() to pixel under a crowd, p99", percentile(crowd["latency"], 0.99), "ms", 100, note=newest),
        *_smooth("50 charts", usual, aimed=True),
        *_smooth("50 charts on a wall", tall, aimed=False),
        *paints,
        replay,
    ]


def _smooth(name: str, seen: dict[str, list[float]], *, aimed: bool) -> list[Figure]:
    how = f"20 runs × 50 metrics × {HZ} Hz, {seen['shown'][0]:.0f} charts in view, no GPU"
    fps = 1000 * len(seen["frames"]) / sum(seen["frames"])
    return [
        Figure(f"{name}, pictures a second", fps, "fps", 58 if aimed else None, 60, "the screen", True, how),
        Figure(f"{name}, main thread", 100 * seen["share"][0], "% of a core", 20 if aimed else None),
        Figure(f"{name}, log() to pixel, p99", percentile(seen["latency"], 0.99), "ms"),
    ]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--trainer"]:
        trainer(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
    else:
        print(table(measure(quick="--quick" in sys.argv)))
