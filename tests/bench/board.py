"""The board at work: 50 charts × 20 runs × 10 Hz from trainers of their own, while somebody watches, hovers and scrubs.

Frames are counted where they are made: pictures in the board's worker, and the page's own in the page. Everything runs
on the same cores, the browser without a GPU: what the trainers and the service take is missing here.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Browser, CDPSession, FloatRect, Locator, Page
from tests.bench.figure import Figure, percentile, table
from tests.bench.page import HZ, USUAL, WARM_UP_SECONDS, Size, fresh, opened, training
from tests.browser.board import ask, ready, stats
from tests.browser.chromium import launched

CHARTS, RUNS = 50, 20
WHOLE: Size = (2560, 2700)  # A window in which all of them are in view at once.
FRAME_MS = 1000 / 60
LOADING_SECONDS = 30.0  # For a page to come, on cores that are busy.
MOVES = 120  # Of the pointer from one end to the other: two seconds, at a move a frame.

# Notes when the page's own frames come.
FRAMES = """() => {
  window.__gaps = [];
  let last = performance.now();
  const next = (now) => {
    __gaps.push(now - last);
    last = now;
    requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
}"""

Act = Callable[[Page, float], None]


@dataclass(frozen=True)
class Seen:
    """What was measured while somebody did something: gaps and ages in ms, the share of a core."""

    pictures: list[float]
    frames: list[float]
    ages: list[float]
    share: float
    in_view: int
    load: float


def watch(page: Page, until: float) -> None:
    """Look on."""
    page.mouse.move(5, 5)
    page.wait_for_timeout(1000 * max(0.0, until - time.monotonic()))


def hover(page: Page, until: float) -> None:
    """Move the pointer over one chart after the other."""
    plots = page.locator(".rc .plot:has(canvas)")
    for at in itertools.cycle(range(min(9, plots.count()))):
        _sweep(page, _box(plots.nth(at)), until)
        if time.monotonic() > until:
            return


def scrub(page: Page, until: float) -> None:
    """Draw the clock along the timeline, to and fro."""
    track = _box(page.locator(".dock .track"))
    page.mouse.move(track["x"] + 1, track["y"] + track["height"] / 2)
    page.mouse.down()
    while time.monotonic() < until:
        _sweep(page, track, until)
    page.mouse.up()
    ask(page, {"op": "live"})


def _sweep(page: Page, box: FloatRect, until: float) -> None:
    there = [0.02 + 0.96 * move / MOVES for move in range(MOVES)]
    for part in [*there, *reversed(there)]:
        due = time.monotonic() + FRAME_MS / 1000
        page.mouse.move(box["x"] + part * box["width"], box["y"] + box["height"] / 2)
        if due > until:
            return
        time.sleep(max(0.0, due - time.monotonic()))


def _box(shown: Locator) -> FloatRect:
    box = shown.bounding_box()
    assert box
    return box


def measured(page: Page, line: CDPSession, act: Act, seconds: float) -> Seen:
    """Let somebody do something for so long, and say how the page fared."""
    ask(page, {"op": "mark"})
    page.evaluate("() => { window.__gaps.length = 0 }")
    begun, before = time.monotonic(), _task_seconds(line)
    act(page, begun + seconds)
    share = (_task_seconds(line) - before) / (time.monotonic() - begun)
    told = stats(page)
    stat = told["stat"]
    gaps, load = page.evaluate("__gaps"), os.getloadavg()[0]
    return Seen(stat["frames"], gaps, stat["latency"], share, len(told["subscribed"]), load)


def _task_seconds(line: CDPSession) -> float:
    metrics = line.send("Performance.getMetrics")["metrics"]
    return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))


def visit(browser: Browser, url: str, size: Size, acts: dict[str, Act], seconds: float) -> dict[str, Seen]:
    """Open the board in a window of its own, and do one thing after the other there."""
    page = opened(browser, *size)
    page.goto(url)
    ready(page, metrics=CHARTS)
    page.evaluate(FRAMES)
    page.wait_for_timeout(1000 * WARM_UP_SECONDS)
    line = page.context.new_cdp_session(page)
    line.send("Performance.enable", {"timeDomain": "threadTicks"})  # What it computes, not what it waits for a core.
    seen = {name: measured(page, line, act, seconds) for name, act in acts.items()}
    page.close()
    return seen


def figures(name: str, seen: Seen, *, aimed: bool, live: bool) -> list[Figure]:
    """Say what was seen while somebody did something."""
    how = f"{RUNS} processes × {CHARTS} metrics × {HZ} Hz, {seen.in_view} charts in view, no GPU, load {seen.load:.1f}"
    fps = 1000 * len(seen.pictures) / sum(seen.pictures)
    dropped = sum(max(0, round(gap / FRAME_MS) - 1) for gap in seen.frames)
    missed = 100 * dropped / (dropped + len(seen.frames))
    told = [
        Figure(f"{name}, pictures a second", fps, "fps", 58 if aimed else None, 60, "the screen", True, how),
        Figure(f"{name}, the page's frames dropped", missed, "%", note=f"longest {max(seen.frames):.0f} ms"),
        Figure(f"{name}, main thread", 100 * seen.share, "% of a core", 20 if aimed else None),
    ]
    if not seen.ages:  # Ages are taken when all that is in view is drawn.
        told.append(Figure(f"{name}, pictures of all charts", 0, "", note="there was none: these cores are too busy"))
    elif live:  # Who looks at the past does not wait for what is new.
        told += [
            Figure(f"{name}, log() to pixel, p50", percentile(seen.ages, 0.5), "ms"),
            Figure(f"{name}, log() to pixel, p99", percentile(seen.ages, 0.99), "ms", 100 if aimed else None),
        ]
    return told


def measure(*, quick: bool) -> list[Figure]:
    """Measure."""
    seconds = 8.0 if quick else 20.0
    acts: dict[str, Act] = {"watched": watch, "hovered": hover, "scrubbed": scrub}
    windows = {"50 charts": USUAL, "50 charts at once": WHOLE}
    whole = len(windows) * (len(acts) * seconds + WARM_UP_SECONDS + LOADING_SECONDS)
    told: list[Figure] = []
    with launched() as browser, fresh() as stage, training(stage, RUNS, CHARTS, whole):
        for window, size in windows.items():
            for act, seen in visit(browser, f"{stage.url}/?project=page", size, acts, seconds).items():
                aimed = size == USUAL and act == "watched"
                told += figures(f"{window} {act}", seen, aimed=aimed, live=act != "scrubbed")
    return told


if __name__ == "__main__":
    print(table(measure(quick="--quick" in sys.argv)))
