"""Take the pictures of docs/images: each page of the dashboard, light and dark, on a desk and on a phone.

All of them show the demo's trainings, or a run with media that this program trains beside them. `docs/gallery.md` shows
the pictures in the order of SHOTS.

python -m tests.browser.gallery [--only live,compare]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize
from tests.browser.board import ask, box_of, ready
from tests.browser.chromium import WINDOW, launched
from tests.browser.line import line_to
from tests.browser.stage import free_port, service

IMAGES = Path(__file__).parents[2] / "docs" / "images"
PROJECT = "demo"
HALFWAY_SECONDS_MAX = 300.0  # By then one run has diverged, and one was killed and is known to be gone.
SETTLE_MS = 1500
RATES_MS = 15_000  # The page of health draws rates, which need a while to be seen.
COLOURS = 256  # Of a picture of a page, whose file is then a third of its size, and which looks the same.
SCHEMES = ("light", "dark")
# A training with something to look at: what it sees grows clearer, and it says so.
SAMPLES = """
import sys, time
import numpy as np
import runcast as wandb
notes = "The widest that fits.\\n\\n- [x] warm up\\n- [ ] half the rate after 16 steps\\n\\n"
notes += "> Blobs get **sharper** from step 12 on."
config = {"width": 32, "optimizer": {"name": "adam", "lr": 3e-4, "betas": [0.9, 0.999]}, "data": {"blobs": 4}}
run = wandb.init(project="samples", id="seen", name="what it sees", config=config, notes=notes, tags=["blobs"])
y, x = np.mgrid[0:64, 0:64] / 64
for step in range(24):
    clear = step / 23
    noise = np.random.default_rng(step).random((64, 64)) * (1 - clear)
    shape = np.exp(-((x - 0.3 - 0.4 * clear) ** 2 + (y - 0.5) ** 2) * 30)
    seen = np.clip(shape + noise * 0.8, 0, 1)
    box = {"position": {"minX": 0.1 + 0.4 * clear, "maxX": 0.5 + 0.4 * clear, "minY": 0.3, "maxY": 0.7}, "class_id": 1}
    found = {"said": {"box_data": [box | {"box_caption": f"blob {0.5 + clear / 2:.2f}"}]}}
    rows = [[name, float(abs(np.sin(at + step)))] for at, name in enumerate(("cat", "dog", "owl", "fox"))]
    run.log({
        "loss": 1 / (step + 1),
        "sample": wandb.Image(np.stack([seen, shape * clear, 1 - seen], -1), caption=f"after {step} steps"),
        "found": wandb.Image(seen, boxes=found),
        "weights": wandb.Histogram(np.random.default_rng(step).normal(clear / 2, 1 - 0.8 * clear, 4000), num_bins=48),
        "grid": [wandb.Image(np.roll(seen, 9 * at, 1)) for at in range(6)],
        "scores": wandb.plot.bar(wandb.Table(["animal", "score"], rows), "animal", "score", title="Scores"),
    })
    print(f"step {step}: loss {1 / (step + 1):.4f}")
    if step % 8 == 5:
        print("the learning rate is high", file=sys.stderr)
    time.sleep(0.2)
model = wandb.Artifact("blobs", type="model", metadata={"width": 32})
with model.new_file("weights.bin", mode="wb") as file:
    file.write(np.zeros(4096, np.float32).tobytes())
run.log_artifact(model, aliases=["best"])
run.finish()
"""


@dataclass(frozen=True)
class Device:
    """What a page is looked at with; its pictures end in `suffix`."""

    suffix: str
    window: ViewportSize
    ratio: float = 1.0


DESK = Device("", {"width": WINDOW["width"], "height": WINDOW["height"]})
PHONE = Device("-phone", {"width": 390, "height": 844}, 2.0)
DEVICES = (DESK, PHONE)


@dataclass(frozen=True)
class Place:
    """Where the pages are: the demo's service, one with nothing in it, and one that cannot be reached any more."""

    demo: str
    empty: str
    away: Callable[[Page], None]


@contextlib.contextmanager
def demo() -> Iterator[str]:
    """Run the demo in a directory of its own, and give its address."""
    with tempfile.TemporaryDirectory(prefix="rc-") as folder:
        port = free_port()
        process = subprocess.Popen(
            [sys.executable, "-m", "runcast.cli", "demo", "--no-open", "--port", str(port)],
            env=os.environ | {"RUNCAST_DIR": folder},
            stdout=subprocess.DEVNULL,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            while process.poll() is None:
                with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/healthz"):
                    break
                time.sleep(0.2)
            _samples(folder)
            _wait_for_trouble(url)
            yield url
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def _samples(folder: str) -> None:
    """Train the run with media by a program and an interpreter whose paths, which are on its page, are nobody's."""
    with tempfile.TemporaryDirectory(prefix="runs-") as place:
        program, python = Path(place) / "train.py", Path(place) / "python"
        program.write_text(SAMPLES)
        python.symlink_to(sys.executable)
        environment = os.environ | {"RUNCAST_DIR": folder, "RUNCAST_CONSOLE": "wrap", "RUNCAST_SILENT": "1"}
        environment |= {"RUNCAST_SYSTEM": "1", "RUNCAST_SYSTEM_SECONDS": "0.2", "PYTHONPATH": os.pathsep.join(sys.path)}
        subprocess.run([python, program.name], cwd=place, env=environment, stdout=subprocess.DEVNULL, check=True)


def _wait_for_trouble(url: str) -> None:
    """Wait until the demo's trainings differ in state and one shows NaN: eight healthy runs say little."""
    deadline = time.monotonic() + HALFWAY_SECONDS_MAX
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/api/v1/projects/{PROJECT}/runs") as answer:
            runs = json.load(answer)["runs"]
            if any(run["state"] == "crashed" for run in runs) and any("NaN" in run["summary"].values() for run in runs):
                return
        time.sleep(1)


def live(page: Page, place: Place) -> None:
    """Show the board, the pointer over one of its charts."""
    page.goto(f"{place.demo}/?project={PROJECT}")
    ready(page, metrics=4)
    page.wait_for_timeout(SETTLE_MS)
    box = box_of(page.locator(".rc .plot").nth(1))
    page.mouse.move(box["x"] + 50 + 0.45 * (box["width"] - 62), box["y"] + box["height"] / 2)


def replay(page: Page, place: Place) -> None:
    """Show an earlier moment, one run brought forward."""
    _board(page, place)
    ask(page, {"op": "seek", "part": 0.45})
    if page.locator(".rc .row").first.is_visible():
        page.locator(".rc .row").nth(2).hover()


def race(page: Page, place: Place) -> None:
    """Show runs against each other, the clock between its ends."""
    _board(page, place)
    page.evaluate("__rc.board.dock.race.turn()")
    page.wait_for_function("__rc.board.clock.unit === 'step'")
    ask(page, {"op": "seek", "part": 0.3})


def groups(page: Page, place: Place) -> None:
    """Show the runs of one schedule as one curve with a band."""
    page.goto(f"{place.demo}/?project={PROJECT}&by=schedule&smooth=0.8")
    ready(page, metrics=4)


def listed(page: Page, place: Place) -> None:
    """Show the list of runs, which a phone lays over the charts."""
    _board(page, place)
    if page.get_by_role("button", name="Runs", exact=True).is_visible():
        page.get_by_role("button", name="Runs", exact=True).click()


def table(page: Page, place: Place) -> None:
    """Show the table of runs."""
    page.goto(f"{place.demo}/runs?project={PROJECT}&sort=min.train/loss")
    page.locator(".t-line .t-name").first.wait_for()


def compared(view: str) -> Callable[[Page, Place], None]:
    """Show all runs side by side, in one of the ways."""

    def show(page: Page, place: Place) -> None:
        page.goto(f"{place.demo}/runs?project={PROJECT}")
        page.locator(".t-line .t-name").first.wait_for()
        runs = ",".join(page.evaluate("__rc.table.order.ids"))
        page.goto(f"{place.demo}/compare?project={PROJECT}&runs={runs}&show={view}")
        page.wait_for_function("window.__rc?.compare?.runs?.length > 2")

    return show


def diverged(page: Page, place: Place) -> None:
    """Show the page of the run that went wrong."""
    with urllib.request.urlopen(f"{place.demo}/api/v1/projects/{PROJECT}/runs?filter=name%3D%27diverges%27") as answer:
        run = json.load(answer)["runs"][0]["id"]
    page.goto(f"{place.demo}/run?project={PROJECT}&run={run}")
    ready(page, metrics=4)


def tab(name: str, then: Callable[[Page], None] = lambda _: None) -> Callable[[Page, Place], None]:
    """Show what a run has beside its charts."""

    def show(page: Page, place: Place) -> None:
        page.goto(f"{place.demo}/run?project=samples&run=seen")
        ready(page)
        page.get_by_role("tab", name=name).click()
        then(page)

    return show


def alerts(page: Page, place: Place) -> None:
    """Show what a project's rules have said."""
    page.goto(f"{place.demo}/alerts?project={PROJECT}")
    page.locator(".a-list > *").first.wait_for()


def health(page: Page, place: Place) -> None:
    """Show how the service is."""
    page.goto(f"{place.demo}/health")
    page.locator(".h-word").first.wait_for()
    page.wait_for_timeout(RATES_MS)


def first(page: Page, place: Place) -> None:
    """Show what somebody sees who has logged nothing yet."""
    page.goto(place.empty)
    page.get_by_text("Log your first run").wait_for()


def away(page: Page, place: Place) -> None:
    """Show a board whose service cannot be reached."""
    place.away(page)
    page.locator(".notice").wait_for(timeout=30_000)


def _board(page: Page, place: Place) -> None:
    page.goto(f"{place.demo}/?project={PROJECT}")
    ready(page, metrics=4)
    page.mouse.move(5, 5)
    page.wait_for_timeout(SETTLE_MS)


Show = Callable[[Page, Place], None]

# What grows comes first, while it does.
SHOTS: dict[str, Show] = {
    "live": live,
    "replay": replay,
    "groups": groups,
    "race": race,
    "list": listed,
    "runs": table,
    "compare": compared("diff"),
    "scatter": compared("scatter"),
    "parallel": compared("parallel"),
    "importance": compared("importance"),
    "run": diverged,
    "overview": tab("Overview"),
    "system": tab("System"),
    "media": tab("Media", lambda page: page.get_by_label("Step of sample").fill("16")),
    "console": tab("Console"),
    "files": tab("Files"),
    "alerts": alerts,
    "health": health,
    "first": first,
    "away": away,
}


def pictures(browser: Browser, place: Place, names: list[str]) -> None:
    """Take pages on every device in every colour scheme."""
    for device in DEVICES:
        for scheme in SCHEMES:
            context = browser.new_context(
                viewport=device.window,
                device_scale_factor=device.ratio,
                has_touch=device is PHONE,
                color_scheme="dark" if scheme == "dark" else "light",
            )
            for name in names:
                page = context.new_page()
                SHOTS[name](page, place)
                page.wait_for_timeout(SETTLE_MS)
                save(page.screenshot(), IMAGES / f"{name}{device.suffix}-{scheme}.png")
                page.close()
            context.close()


def save(picture: bytes, path: Path) -> None:
    """Write a screenshot in fewer colours and bytes."""
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def main() -> None:
    """Take all pictures, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(SHOTS), help="names of pictures, with commas between them")
    names = parser.parse_args().only.split(",")
    if unknown := set(names) - set(SHOTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(SHOTS)}")
    IMAGES.mkdir(parents=True, exist_ok=True)
    with demo() as url, tempfile.TemporaryDirectory(prefix="rc-") as folder, service(Path(folder)) as empty:
        port = urlsplit(url).port
        assert port

        def lost(page: Page) -> None:
            with line_to(port) as line:
                page.goto(f"http://127.0.0.1:{line.port}/?project={PROJECT}")
                ready(page, metrics=4)
                page.wait_for_timeout(SETTLE_MS)

        with launched() as browser:
            pictures(browser, Place(url, empty.url, lost), names)


if __name__ == "__main__":
    main()
