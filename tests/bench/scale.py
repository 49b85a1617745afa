"""What is large: a run of a million points, a thousand runs of a thousand metrics; how soon, in how much memory."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page
from tests.bench.figure import Figure, percentile, table
from tests.bench.page import USUAL, opened
from tests.bench.place import browser_mb, resident_mb
from tests.bench.zoom import rows
from tests.browser.board import stats
from tests.browser.chromium import launched
from tests.browser.stage import service
from tests.flow.running import wait_until
from tests.flow.stored import BEGIN, Publisher, block, leased

from runcast import discovery
from runcast.events import Finish, Start

VISITS = 4  # Of each page; the first one warms the service up.
SCROLLS = 40  # Through the charts of a thousand metrics, a window at a time.

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


def board_ms(page: Page, url: str) -> tuple[float, float, float]:
    """Open a page; ms until curves are drawn, until Streamlit had made room for the board, and until all are there."""
    begun = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.wait_for_function("window.__rc?.board", timeout=60_000)
    room = time.perf_counter()
    page.wait_for_function(DRAWN, timeout=60_000)
    drawn = time.perf_counter()
    page.wait_for_function("__rc.board.synced", timeout=60_000)
    return 1000 * (drawn - begun), 1000 * (room - begun), 1000 * (time.perf_counter() - begun)


def table_ms(page: Page, url: str) -> tuple[float, float, float]:
    """Open the table of runs; ms until names are there, until Streamlit had made room, and until numbers are there."""
    begun = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.wait_for_function("window.__rc?.table", timeout=60_000)
    room = time.perf_counter()
    page.locator(".t-name").first.wait_for(timeout=60_000)
    named = time.perf_counter()
    page.wait_for_function("__rc.table.rows?.size > 0", timeout=60_000)
    return 1000 * (named - begun), 1000 * (room - begun), 1000 * (time.perf_counter() - begun)


def opening(browser: Browser, url: str, name: str, most: float, ms: Callable[[Page, str], tuple[float, ...]]) -> Figure:
    """Open a page several times, each in a window of its own."""
    taken = []
    for _ in range(VISITS):
        page = opened(browser, *USUAL)
        taken.append(ms(page, url))
        page.close()
    seen, room, whole = (percentile(list(column), 0.5) for column in zip(*taken[1:], strict=True))
    return Figure(
        name, seen, "ms", most, note=f"Streamlit had made room for it after {room:.0f}; all was there after {whole:.0f}"
    )


def held(browser: Browser, url: str, pid: int, many: str) -> list[Figure]:
    """Scroll through every chart of the large project; what browser and service hold before and after."""
    empty = opened(browser, *USUAL)
    bare = browser_mb()
    board_ms(empty, url)
    first, service_mb = browser_mb() - bare, resident_mb(pid)
    scroll = empty.locator(".rc .scroll")
    for part in range(1, SCROLLS + 1):
        scroll.evaluate(
            "(node, part) => { node.scrollTop = part * (node.scrollHeight - node.clientHeight) }", part / SCROLLS
        )
        empty.wait_for_timeout(150)
    points = stats(empty)["points"]
    after = browser_mb() - bare
    empty.close()
    note = f"{points:,} points held; an empty browser has {bare:.0f} MB"
    return [
        Figure(f"browser, memory of {many}", first, "MB", note="when the board is open"),
        Figure("and when all charts were scrolled past", after, "MB", 1000, note=note),
        Figure("service with dashboard, memory then", resident_mb(pid), "MB", 1000, note=f"{service_mb:.0f} MB before"),
    ]


def measure(*, quick: bool) -> list[Figure]:
    """Measure."""
    runs, metrics = (100, 100) if quick else (1000, 1000)
    many = f"{runs} runs × {metrics} metrics"
    with tempfile.TemporaryDirectory(prefix="rcb-", ignore_cleanup_errors=True) as folder:
        # Before the browser, whose driver has an event loop of its own in this thread.
        asyncio.run(fill_long(Path(folder), 1_000_000))
        asyncio.run(fill_many(Path(folder), runs, metrics))
        with launched() as browser, service(Path(folder)) as stage:
            found = wait_until(lambda: discovery.read(stage.directory))
            board, long = f"{stage.url}/?project=many", f"{stage.url}/run?project=long&run=one"
            return [
                opening(browser, long, "first paint of a 1 M-point run", 1000, board_ms),
                opening(browser, board, f"first paint of {many}", 2000, board_ms),
                opening(browser, f"{stage.url}/runs?project=many", f"table of {many}", 2000, table_ms),
                *held(browser, board, found.pid, many),
            ]


if __name__ == "__main__":
    print(table(measure(quick="--quick" in sys.argv)))
