"""What a test asks of the board on a page, through its test handle."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import FloatRect, Locator, Page


def ready(page: Page, *, metrics: int = 1) -> None:
    """Wait until the board shows charts and holds their points."""
    page.wait_for_function(f"window.__rc?.board?.synced && __rc.board.cards.count >= {metrics}", timeout=30_000)


def box_of(shown: Locator) -> FloatRect:
    """Where something lies on the page, in CSS pixels; AssertionError when it is not to be seen."""
    box = shown.bounding_box()
    assert box, f"{shown} is not to be seen"
    return box


def ask(page: Page, message: dict[str, Any]) -> None:
    """Tell the worker something, as a click would."""
    page.evaluate("(message) => __rc.board.ask(message)", message)


def _answer(page: Page, name: str, message: dict[str, Any]) -> Any:
    page.evaluate("([name, message]) => { __rc.board[name] = null; __rc.board.ask(message); }", [name, message])
    page.wait_for_function(f"!!__rc.board.{name}")  # What it gives is held for as long as the page is: no answer, then.
    return page.evaluate(f"__rc.board.{name}")


def stats(page: Page) -> Any:
    """Ask for what the worker measured."""
    return _answer(page, "stats", {"op": "stats"})


def points(page: Page, run: str, metric: str) -> tuple[list[float], list[float]]:
    """Return the steps and values that the worker holds of a curve."""
    curves = _answer(page, "points", {"op": "points", "run": run, "metric": metric})["curves"]
    return (curves[0]["steps"], curves[0]["values"]) if curves else ([], [])


def drawn(page: Page, metric: str) -> Any:
    """Return what a metric's chart last drew: how many curves, the bands of folded ones, and the ranges of its axes."""
    return _answer(page, "drawn", {"op": "drawn", "metric": metric})


# Reads a chart's pixels on each frame, on the page's own thread: nothing of what the worker says is believed.
WATCH = """(index) => {
  const shown = __rc.board.root.querySelectorAll(".plot canvas")[index];
  const copy = document.createElement("canvas");
  [copy.width, copy.height] = [300, 150];
  const context = copy.getContext("2d", { willReadFrequently: true });
  window.__changes = [];
  let last = null;
  const look = () => {
    context.drawImage(shown, 50, 8, 300, 150, 0, 0, 300, 150);
    const pixels = context.getImageData(0, 0, 300, 150).data;
    let sum = 0;
    for (let i = 0; i < pixels.length; i += 3) sum = (sum * 31 + pixels[i]) | 0;
    if (sum !== last) {
      last = sum;
      __changes.push(performance.timeOrigin + performance.now());
    }
    requestAnimationFrame(look);
  };
  look();
}"""

# What a chart shows, as a text that is the same only if every pixel is.
PICTURE = """(name) => {
  const plots = [...__rc.board.root.querySelectorAll(".plot")];
  const shown = plots.find((one) => one.dataset.name === name).querySelector("canvas");
  const copy = document.createElement("canvas");
  [copy.width, copy.height] = [shown.width, shown.height];
  copy.getContext("2d").drawImage(shown, 0, 0);
  return copy.toDataURL();
}"""
