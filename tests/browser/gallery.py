"""Take the pictures of docs/images: each page, light and dark, of the demo's trainings.

python -m tests.browser.gallery
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page
from tests.browser.board import ask, ready
from tests.browser.chromium import WINDOW, launched
from tests.browser.stage import free_port

IMAGES = Path(__file__).parents[2] / "docs" / "images"
PROJECT = "demo"
HALFWAY_SECONDS_MAX = 300.0  # By then one run has diverged, and one was killed and is known to be gone.
SCHEMES = ("light", "dark")
PHONE = {"width": 390, "height": 844}
# A training with something to look at: what it sees grows clearer, and it says so.
SAMPLES = """
import sys, time
import numpy as np
import runcast as wandb
run = wandb.init(project="samples", id="seen", name="what it sees", config={"width": 32})
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
        "grid": [wandb.Image(np.roll(seen, 9 * at, 1)) for at in range(6)],
        "scores": wandb.plot.bar(wandb.Table(["animal", "score"], rows), "animal", "score", title="Scores"),
    })
    print(f"step {step}: loss {1 / (step + 1):.4f}")
    if step % 8 == 5:
        print("the learning rate is high", file=sys.stderr)
    time.sleep(0.2)
run.finish()
"""


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
            samples = os.environ | {"RUNCAST_DIR": folder, "RUNCAST_CONSOLE": "wrap", "RUNCAST_SILENT": "1"}
            subprocess.run([sys.executable, "-c", SAMPLES], env=samples, stdout=subprocess.DEVNULL, check=True)
            _wait_for_trouble(url)
            yield url
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def _wait_for_trouble(url: str) -> None:
    """Wait until the demo's trainings differ in state and one shows NaN: eight healthy runs say little."""
    deadline = time.monotonic() + HALFWAY_SECONDS_MAX
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/api/v1/projects/{PROJECT}/runs") as answer:
            runs = json.load(answer)["runs"]
            if any(run["state"] == "crashed" for run in runs) and any("NaN" in run["summary"].values() for run in runs):
                return
        time.sleep(1)


def hover(page: Page, card: int, part: float) -> None:
    """Put the pointer over a chart."""
    box = page.locator(".rc .plot").nth(card).bounding_box()
    assert box
    page.mouse.move(box["x"] + 50 + part * (box["width"] - 62), box["y"] + box["height"] / 2)
    page.wait_for_timeout(300)


def pictures(browser: Browser, url: str, scheme: str) -> None:
    """Take every page in one colour scheme."""
    context = browser.new_context(
        viewport={"width": WINDOW["width"], "height": WINDOW["height"]},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = context.new_page()

    def take(name: str) -> None:
        page.screenshot(path=IMAGES / f"{name}-{scheme}.png")

    page.goto(f"{url}/?project={PROJECT}")
    ready(page, metrics=4)
    page.wait_for_timeout(2500)
    hover(page, 1, 0.45)
    take("live")
    page.mouse.move(5, 5)
    ask(page, {"op": "seek", "part": 0.45})
    page.locator(".rc .row").nth(2).hover()
    page.wait_for_timeout(800)
    take("replay")
    page.goto(f"{url}/runs?project={PROJECT}")
    page.locator(".t-line .t-name").first.wait_for()
    page.wait_for_timeout(2500)
    take("runs")
    for at in range(8):
        page.locator(".t-line .t-check").nth(at).check()
    page.get_by_role("button", name="Compare", exact=True).click()
    page.wait_for_function("window.__rc?.compare?.runs?.length > 2")
    for view, name in (("Differences", "compare"), ("Parallel", "parallel"), ("Importance", "importance")):
        page.locator(".rcmp .choice button", has_text=view).click()
        page.wait_for_timeout(800)
        take(name)
    page.goto(f"{url}/?project={PROJECT}")
    ready(page, metrics=4)
    page.locator(".rc .row", has_text="diverges").locator(".run").click()
    page.locator(".rc.single .card").first.wait_for()
    page.mouse.move(5, 5)
    page.wait_for_timeout(2500)
    take("run")
    page.goto(f"{url}/health")
    page.locator(".h-word").first.wait_for()
    page.wait_for_timeout(15_000)  # Rates need a while to be seen.
    take("health")
    _samples(page, url, take)
    context.close()


def _samples(page: Page, url: str, take: Callable[[str], None]) -> None:
    """Take what a run has beside its charts, in the middle of its time."""
    page.goto(f"{url}/run?project=samples&run=seen")
    ready(page)
    page.get_by_role("tab", name="Media").click()
    page.get_by_label("Step of sample").fill("16")
    page.wait_for_timeout(2000)
    take("media")
    page.get_by_role("tab", name="Console").click()
    page.wait_for_timeout(1500)
    take("console")


def phone(browser: Browser, url: str) -> None:
    """Take pages as a phone shows them."""
    context = browser.new_context(viewport={"width": PHONE["width"], "height": PHONE["height"]}, device_scale_factor=2)
    page = context.new_page()

    def take(name: str) -> None:
        page.wait_for_timeout(2000)
        page.screenshot(path=IMAGES / f"{name}-phone.png")

    page.goto(f"{url}/?project={PROJECT}")
    ready(page, metrics=4)
    take("live")
    page.goto(f"{url}/run?project=samples&run=seen")
    ready(page)
    page.get_by_role("tab", name="Media").click()
    take("media")
    page.goto(f"{url}/runs?project={PROJECT}")
    page.locator(".t-line .t-name").first.wait_for()
    take("runs")
    runs = ",".join(page.evaluate("__rc.table.order.ids"))
    page.goto(f"{url}/compare?project={PROJECT}&runs={runs}")
    page.locator(".c-table td").first.wait_for()
    take("compare")
    context.close()


def main() -> None:
    """Take all pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with demo() as url, launched() as browser:
        for scheme in SCHEMES:
            pictures(browser, url, scheme)
        phone(browser, url)


if __name__ == "__main__":
    main()
