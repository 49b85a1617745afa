"""The board as a place to look at charts: sections, search, one shown large, what is left out, and very many of all."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.browser.board import ask, box_of, drawn, ready, stats
from tests.browser.conftest import Open
from tests.browser.many import fill
from tests.browser.stage import Stage, service

PHONE = {"width": 390, "height": 844}
SECTIONS = """
runcast.init(project="sections", id="one")
for step in range(50):
    runcast.log({f"{part}/{name}": step for part in ("train", "val", "test") for name in ("loss", "acc", "f1", "a/b")})
runcast.finish()
"""
LONG = """
runcast.init(project="long", id="one")
for step in range(30_000):
    runcast.log({"loss": 1e6 if step == 7 else 1 + step / 30_000})
runcast.finish()
"""


# The part of a chart's middle that has ink on it, by its pixels.
INKED = """(name) => {
  const shown = __rc.board.root.querySelector(`.plot[data-name="${name}"] canvas`);
  const copy = document.createElement("canvas");
  [copy.width, copy.height] = [200, 100];
  const context = copy.getContext("2d", { willReadFrequently: true });
  context.drawImage(shown, 80, 30, 200, 100, 0, 0, 200, 100);
  const { data } = context.getImageData(0, 0, 200, 100);
  context.drawImage(shown, shown.width - 4, 0, 2, 2, 0, 0, 2, 2);
  const ground = context.getImageData(0, 0, 1, 1).data; // The corner has nothing in it.
  let inked = 0;
  for (let i = 0; i < data.length; i += 4) {
    inked += [0, 1, 2].some((part) => Math.abs(data[i + part] - ground[part]) > 8);
  }
  return inked / (data.length / 4);
}"""


def _shown(page: Page) -> list[str]:
    names = page.evaluate(
        "[...__rc.board.root.querySelectorAll('.card:not([hidden]) .plot')].map((plot) => plot.dataset.name)"
    )
    return sorted(names)


def test_charts_stand_in_sections_and_a_regular_expression_finds_them(stage: Stage, visit: Open) -> None:
    stage.train(SECTIONS)
    page = visit(f"{stage.url}/?project=sections")
    ready(page, metrics=12)
    heads = page.locator(".section-head:not([hidden])")
    expect(heads.locator("b")).to_have_text(["val", "test", "train"])
    expect(heads.locator(".badge")).to_have_text(["4", "4", "4"])
    # A section's charts are named by what it does not say.
    expect(page.locator("section").nth(1).locator(".card .title b")).to_have_text(["a/b", "acc", "f1", "loss"])
    heads.nth(2).click()
    expect(heads.nth(2)).to_have_attribute("aria-expanded", "false")
    expect(page.locator('.plot[data-name="train/loss"]')).to_be_hidden()
    heads.nth(2).click()
    expect(page.locator('.plot[data-name="train/loss"]')).to_be_visible()
    find = page.get_by_placeholder("Filter metrics")
    page.keyboard.press("/")
    expect(find).to_be_focused()
    page.keyboard.type("^(val|test)/(loss|f1)$")
    page.wait_for_function("__rc.board.root.querySelectorAll('.card:not([hidden])').length === 4")
    assert _shown(page) == ["test/f1", "test/loss", "val/f1", "val/loss"]
    find.fill("a/(")  # Not yet a regular expression.
    expect(page.get_by_text("No metric matches “a/(”.")).to_be_visible()
    page.keyboard.press("Escape")
    page.wait_for_function("__rc.board.root.querySelectorAll('.card:not([hidden])').length === 12")


def test_a_chart_is_shown_large_and_escape_puts_it_back(stage: Stage, visit: Open) -> None:
    stage.train(SECTIONS)
    page = visit(f"{stage.url}/?project=sections")
    ready(page, metrics=12)
    card = page.locator(".card", has=page.locator('.plot[data-name="val/loss"]'))
    small = card.bounding_box()
    card.hover()
    card.get_by_role("button", name="Show large").click()
    page.wait_for_function(
        """([name, width]) =>
          __rc.board.root.querySelector(`.plot[data-name='${name}'] canvas`)?.clientWidth > 1.9 * width""",
        arg=["val/loss", small["width"] if small else 0],
    )
    page.keyboard.press("Escape")
    page.wait_for_function(
        "([name, width]) => __rc.board.root.querySelector(`.plot[data-name='${name}'] canvas`)?.clientWidth <= width",
        arg=["val/loss", small["width"] if small else 0],
    )


def test_what_a_chart_leaves_out_is_said_and_outliers_do_not_press_it_flat(stage: Stage, visit: Open) -> None:
    stage.train(LONG)
    page = visit(f"{stage.url}/?project=long&smooth=0")
    ready(page)
    note = page.locator(".card .note")
    expect(note).to_have_text(re.compile(r"^[\d,]+ of 30,000 points$"))
    assert drawn(page, "loss")["scale"][1] < 10
    chip = page.get_by_role("button", name="Scale y without the lowest 0.5 %")
    expect(chip).to_have_attribute("aria-pressed", "true")
    chip.click()
    page.wait_for_function("__rc.board.root.querySelector('.plot').ariaLabel.includes('to 1.000M')")
    assert drawn(page, "loss")["scale"][1] >= 1e6
    chip.click()
    # Every point of a stretch that is short enough.
    ask(page, {"op": "zoom", "range": [20_000, 20_200]})
    expect(note).to_have_text("")
    low, high = drawn(page, "loss")["scale"]
    assert 1.6 < low < high < 1.75


def test_the_raw_curve_stands_behind_the_smoothed_one(stage: Stage, visit: Open) -> None:
    stage.train(
        """
        runcast.init(project="noise", id="one")
        for step in range(400):
            runcast.log({"calm": step / 400, "noisy": step % 2})
        runcast.finish()
        """
    )
    page = visit(f"{stage.url}/?project=noise&smooth=0.9")
    ready(page, metrics=2)
    noisy = page.locator('.plot[data-name="noisy"]')
    expect(noisy).to_have_attribute("aria-label", re.compile(r"At the end: .* 0\.[456]"))  # Smoothed.
    assert page.evaluate(INKED, "noisy") > 0.25
    assert page.evaluate(INKED, "calm") < 0.1


def test_ten_thousand_metrics_cost_nothing_until_they_are_scrolled_to(stage: Stage, visit: Open) -> None:
    stage.train(
        """
        runcast.init(project="thousands", id="one")
        for step in range(5):
            runcast.log({f"layer{k // 100:03}/m{k:05}": step + k for k in range(10_000)})
        runcast.finish()
        """
    )
    page = visit(f"{stage.url}/?project=thousands")
    ready(page, metrics=10_000)
    page.wait_for_function("__rc.board.root.querySelectorAll('.plot canvas').length > 3")
    page.wait_for_timeout(500)
    held = stats(page)
    print(f"\nof 10,000 metrics {held['series']} are held, {page.locator('.plot canvas').count()} have a canvas")
    assert held["series"] < 100
    assert page.locator(".plot canvas").count() < 100
    last = page.locator('.plot[data-name="layer099/m09999"]')
    last.scroll_into_view_if_needed()
    expect(last).to_have_attribute("aria-label", re.compile("values from 9999 to 1"), timeout=20_000)
    assert page.locator(".plot canvas").count() < 100
    page.get_by_placeholder("Filter metrics").fill("m00042")
    page.wait_for_function("__rc.board.root.querySelectorAll('.card:not([hidden])').length === 1")
    expect(page.locator(".card:not([hidden]) .plot")).to_have_attribute(
        "aria-label", re.compile("values from 42 to 46")
    )


@pytest.fixture
def crowded() -> Iterator[Stage]:
    """Run a service that knows two hundred runs."""
    with tempfile.TemporaryDirectory(prefix="rc-") as folder:
        fill(Path(folder), "crowded", 200)
        with service(Path(folder)) as stage:
            yield stage


def test_two_hundred_runs_are_found_and_shown_alone(crowded: Stage, visit: Open) -> None:
    page = visit(f"{crowded.url}/?project=crowded")
    ready(page)
    page.wait_for_function("__rc.board.runs.size === 200 && __rc.board.root.querySelectorAll('.plot canvas').length")
    name = page.locator(".plot").first.get_attribute("data-name")
    assert name
    page.wait_for_function("__rc.board.root.querySelector('.plot').ariaLabel.includes('200 curves')")
    assert drawn(page, name)["curves"] == 200
    find = page.get_by_placeholder("Filter runs")
    wanted = page.locator(".row .run-name").nth(120).text_content()
    assert wanted
    find.fill(wanted)
    expect(page.locator(".row:not([hidden])")).to_have_count(1)
    page.locator(".row:not([hidden]) .swatch").dblclick()
    page.wait_for_function("__rc.board.root.querySelector('.plot').ariaLabel.includes('1 curve,')")
    assert drawn(page, name)["curves"] == 1
    find.fill("")
    page.get_by_role("button", name="Show or hide all runs").click()
    page.wait_for_function("__rc.board.hidden.size !== 199")


def test_a_phone_has_one_chart_in_a_row_and_everything_within_its_width(stage: Stage, visit: Open) -> None:
    stage.train(SECTIONS)
    page = visit("about:blank")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.goto(f"{stage.url}/?project=sections")
    ready(page, metrics=12)
    page.wait_for_function("__rc.board.root.querySelectorAll('.plot canvas').length > 1")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    boxes = [box_of(page.locator(".card:visible").nth(at)) for at in range(2)]
    assert boxes[0]["x"] == boxes[1]["x"]
    assert boxes[0]["width"] > 0.85 * PHONE["width"]
    expect(page.get_by_placeholder("Filter metrics")).to_be_visible()
    smoothing = page.get_by_role("slider", name="Smoothing")
    expect(smoothing).to_be_hidden()  # Charts come first; what they are drawn by is a touch away.
    page.get_by_role("button", name="Settings").click()
    expect(smoothing).to_be_visible()
    page.get_by_role("button", name="Settings").click()
    row = page.locator(".row").first
    expect(row).not_to_be_in_viewport()
    page.get_by_role("button", name="Runs", exact=True).click()
    expect(row).to_be_in_viewport()
    row.locator(".swatch").click()
    page.wait_for_function("__rc.board.hidden.size === 1")
    page.locator(".veil").click(position={"x": PHONE["width"] - 10, "y": 400})
    expect(row).not_to_be_in_viewport()
    page.get_by_label("Speed of the replay").select_option("600")
    page.wait_for_function("__rc.board.dock.speeds.querySelector('.on').dataset.value === '600'")
