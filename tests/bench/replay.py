"""How exactly a run is played again: by `runcast replay`'s player for subscribers, and by the board's own clock.

And what a line costs that was cut: the bytes that come when it is joined again, against what was missed.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page
from tests.bench.figure import Figure, percentile, table
from tests.browser.board import ask, points, ready, stats
from tests.browser.chromium import WINDOW, launched
from tests.browser.line import line_to
from tests.browser.stage import Stage, service

import runcast
from runcast.replay import Recording, play
from runcast.subscription import Row, RunUpdate

SPEEDS = (1.0, 20.0, 600.0)
HZ = 50  # Rows in a second of the replay.
QUIET = {"console": "off", "x_disable_stats": True, "x_disable_meta": True, "disable_git": True}

# How far the clock is from where it should be, in ms of the viewer's time, at each of its answers.
CLOCK = """async ([speed, ms]) => {
  const { board } = __rc;
  const asked = () => new Promise((done) => {
    const begun = performance.now();
    board.on_stats = (message) => done([(begun + performance.now()) / 2, message.clock.t]);
    board.ask({ op: "stats" });
  });
  board.ask({ op: "speed", speed });
  board.ask({ op: "seek", part: 0 });
  board.ask({ op: "play" });
  await new Promise((done) => setTimeout(done, 200));
  const [begun, from] = await asked();
  const off = [];
  while (performance.now() < begun + ms) {
    await new Promise((done) => setTimeout(done, 20));
    const [now, t] = await asked();
    off.push(Math.abs((t - from) / speed - (now - begun)));
  }
  board.ask({ op: "live" });
  return off;
}"""

STEADY = """
run = runcast.init(project="cut", id="one")
end = time.time() + float(sys.argv[1])
step = 0
while time.time() < end:
    runcast.log({"loss": math.cos(step / 30), "accuracy": step})
    step += 1
    time.sleep(0.02)
runcast.finish()
"""


def recorded(speed: float, seconds: float) -> Recording:
    """Make a run whose replay at this speed lasts so long."""
    rows = [Row("r", step, 1e9 + step * speed / HZ, {"loss": 1 / (1 + step)}) for step in range(int(seconds * HZ))]
    return Recording(RunUpdate("r", "r", "finished", {}, {}, 1e9, len(rows)), rows)


async def played(url: str, speed: float, seconds: float) -> tuple[list[float], list[float]]:
    """Play for subscribers: by how many ms each row was logged, and arrived, after its time."""
    recording = recorded(speed, seconds)
    due: dict[int, float] = {}
    arrived: dict[int, float] = {}
    run = runcast.init(project="again", name=f"{speed:g}", reinit="create_new", settings=QUIET)

    async def watch() -> None:
        async with aclosing(runcast.subscribe("again", run.id, url=url)) as updates:
            async for update in updates:
                if isinstance(update, Row):
                    arrived[update.step] = time.monotonic()
                    if len(arrived) == len(recording.rows):
                        return

    watching = asyncio.create_task(watch())
    await asyncio.sleep(1)
    begun = time.monotonic()
    for row in recording.rows:
        due[row.step] = begun + (row.time - 1e9) / speed
    done = await play(recording, {"": run}, speed=speed)
    async with asyncio.timeout(60):
        await watching
    run.finish()
    return [1000 * late for late in done.late], [1000 * (arrived[step] - due[step]) for step in due]


@contextmanager
def staged() -> Iterator[Stage]:
    """Run a service in a fresh directory."""
    with tempfile.TemporaryDirectory(prefix="rcb-", ignore_cleanup_errors=True) as folder, service(Path(folder)) as it:
        yield it


def for_subscribers(stage: Stage, seconds: float) -> list[Figure]:
    """Measure the player."""
    figures: list[Figure] = []
    os.environ |= {"RUNCAST_DIR": str(stage.directory), "RUNCAST_SILENT": "true"}
    for speed in SPEEDS:
        late, arrival = asyncio.run(played(stage.url, speed, seconds))
        note = f"{len(late)} rows at {HZ}/s; p50 {percentile(late, 0.5):.2f}, max {max(late):.1f} ms"
        figures += [
            Figure(f"replay at {speed:g}×: logged after its time, p99", percentile(late, 0.99), "ms", note=note),
            Figure(
                f"replay at {speed:g}×: at a subscriber, p99",
                percentile(arrival, 0.99),
                "ms",
                note=f"p50 {percentile(arrival, 0.5):.1f} ms",
            ),
        ]
    return figures


def on_the_board(page: Page, stage: Stage, seconds: float) -> list[Figure]:
    """Measure the board's clock, over a run of two and a half hours."""
    stage.train(
        """
        run = runcast.init(project="clock", id="one")
        begun = time.time() - 9000
        for second in range(9000):
            run.log({"loss": 1 / (second + 1), "_timestamp": begun + second})
        """
    )
    page.goto(f"{stage.url}/run?project=clock&run=one")
    ready(page)
    page.wait_for_function("__rc.board.clock?.t1 > __rc.board.clock?.t0")
    figures = []
    for speed in SPEEDS:
        off = page.evaluate(CLOCK, [speed, 1000 * seconds])
        figures.append(
            Figure(
                f"board's clock at {speed:g}×: off by, p99",
                percentile(off, 0.99),
                "ms",
                note=f"of the viewer's time, over {seconds:g} s; max {max(off):.1f} ms; a frame is 16.7 ms",
            )
        )
    return figures


def after_a_cut(page: Page, stage: Stage, seconds: float) -> Figure:
    """Cut the line and join it again: what came, against what was missed, and whether all is there once."""
    training = stage.start(STEADY, str(seconds + 12))
    port = urlsplit(stage.url).port
    assert port
    with line_to(port) as line:
        page.goto(f"http://127.0.0.1:{line.port}/?project=cut")
        ready(page, metrics=2)
        page.wait_for_function("__rc.board.toolbar.state === 'live'")
        page.wait_for_timeout(2000)
        line.cut()
        page.wait_for_function("__rc.board.toolbar.state === 'reconnecting'")
        had = len(points(page, "one", "loss")[0])
        page.wait_for_timeout(1000 * seconds)
        ask(page, {"op": "mark"})
        line.join()
        page.wait_for_function("__rc.board.toolbar.state === 'live'", timeout=60_000)
        page.wait_for_function("__rc.board.synced")
        page.wait_for_timeout(300)
        came = stats(page)["stat"]["bytes"]
        held = len(points(page, "one", "loss")[0])
        assert training.wait(60) == 0
        page.wait_for_function("__rc.board.runs.get('one').state === 'finished'", timeout=30_000)
        page.wait_for_timeout(500)
        steps, values = points(page, "one", "loss")
        rows = stage.history("cut", "one")
        assert steps == [row["_step"] for row in rows], "a gap, or a point twice"
        assert values == [row["loss"] for row in rows]
    missed = held - had
    return Figure(
        f"bytes after {seconds:g} s without a line, for each row missed",
        came / missed,
        "B",
        limit=32.0,
        limit_name="step, time and two values, float64",
        note=f"{missed} rows, {came} bytes; no gap, none twice",
    )


def measure(*, quick: bool) -> list[Figure]:
    """Measure."""
    seconds = 3.0 if quick else 10.0
    with staged() as stage:
        figures = for_subscribers(stage, seconds)
        with launched() as browser:
            page = browser.new_page(viewport={"width": WINDOW["width"], "height": WINDOW["height"]})
            figures += on_the_board(page, stage, seconds)
            figures.append(after_a_cut(page, stage, 5 if quick else 60))
    return figures


if __name__ == "__main__":
    print(table(measure(quick=False)))
