"""Runs side by side: what differs, what goes with what, what mattered; in the page, and the arithmetic alone."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from tests.browser.board import box_of, ready
from tests.browser.chromium import WINDOW
from tests.browser.conftest import Open
from tests.browser.many import fill
from tests.browser.stage import Stage, service
from tests.conftest import eventually

IMPORTANCE = """async ([keys, outcome]) => {
  const { importance, explained } = await import("./importance.js");
  const found = importance(keys, outcome);
  return { ...found, words: explained(found, outcome.length, "accuracy"), again: importance(keys, outcome) };
}"""


def key(name: str, values: list[Any]) -> dict[str, Any]:
    return {"name": name, "values": values}


def test_what_made_the_outcome_is_found(blank: Page) -> None:
    """Also where it is a word, or best in the middle, which no correlation sees; and the same every time."""
    rng = random.Random(3)
    runs = 120
    lr = [rng.uniform(-4, -1) for _ in range(runs)]
    optimizer = [rng.choice(["adam", "sgd"]) for _ in range(runs)]
    seed = list(range(runs))
    accuracy = [
        -abs(x + 2.5) + (0.3 if o == "adam" else 0) + rng.gauss(0, 0.05) for x, o in zip(lr, optimizer, strict=True)
    ]
    found = blank.evaluate(IMPORTANCE, [[key("seed", seed), key("lr", lr), key("optimizer", optimizer)], accuracy])
    assert [each["name"] for each in found["keys"]] == ["lr", "optimizer", "seed"]
    assert found["explained"] > 0.6
    assert found["keys"][0]["share"] > 0.4 > abs(found["keys"][0]["correlation"])
    assert found["keys"][2]["share"] < 0.1
    assert found["keys"][1]["correlation"] is None
    assert "comes from lr. It does not go one way" in found["words"]
    assert found["again"]["keys"] == found["keys"]


def test_noise_is_called_noise(blank: Page) -> None:
    rng = random.Random(4)
    keys = [key(name, [rng.random() for _ in range(60)]) for name in "abc"]
    found = blank.evaluate(IMPORTANCE, [keys, [rng.random() for _ in range(60)]])
    assert found["explained"] < 0.2
    assert "says little about accuracy" in found["words"]


@pytest.fixture(scope="module")
def many() -> Iterator[Stage]:
    """Run a service that knows two hundred runs of one project."""
    with tempfile.TemporaryDirectory(prefix="rc-") as folder:
        fill(Path(folder), "sweep", 200)
        with service(Path(folder)) as stage:
            yield stage


@pytest.fixture(scope="module")
def page(browser: Browser, many: Stage) -> Iterator[Page]:
    """Compare all of them; the tests of this module share the page."""
    context = browser.new_context(viewport={"width": WINDOW["width"], "height": WINDOW["height"]})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    ids = ",".join(many.get("/projects/sweep/order")["ids"])
    page.goto(f"{many.url}/compare?project=sweep&runs={ids}")
    page.wait_for_function("window.__rc?.compare?.runs?.length === 200", timeout=60_000)
    yield page
    context.close()
    assert not errors


def test_only_what_differs_is_shown_until_all_is_asked_for(page: Page) -> None:
    keys = page.locator(".c-table tbody th.c-key")
    expect(keys.filter(has_text="optimizer")).to_have_count(1)
    expect(keys.filter(has_text="host")).to_have_count(0)
    page.get_by_label("Only what differs").uncheck()
    expect(keys.filter(has_text="host")).to_have_count(1)
    page.get_by_label("Find a key").fill("accur")
    expect(keys).to_have_count(1)
    page.get_by_label("Find a key").fill("")
    page.get_by_label("Only what differs").check()
    # Whoever goes over the heads by keys goes on when rows bring other values.
    third = page.locator(".c-run").nth(2)
    third.focus()
    page.evaluate("__rc.compare.parts.diff.take(); __rc.compare.draw()")
    expect(third).to_be_focused()


def test_runs_are_points_over_any_two_values(page: Page) -> None:
    page.locator(".choice button", has_text="Scatter").click()
    page.wait_for_url("**show=scatter**")
    expect(page.get_by_label("Vertical")).to_have_value("summary.loss")
    page.get_by_label("Horizontal").select_option("config.lr")
    page.get_by_label("Vertical").select_option("summary.accuracy")
    dots = page.locator(".c-dot")
    finite = page.evaluate(
        "__rc.compare.runs.filter((run) => Number.isFinite(run.values.get('summary.accuracy'))).length"
    )
    assert 150 < finite < 200
    expect(dots).to_have_count(finite)
    expect(page.locator(".c-plot .muted")).to_contain_text(f"{200 - finite} of 200 runs have no number here")
    dots.first.focus()
    expect(page.locator(".c-tip")).to_contain_text("sweep-")
    # A new picture, as new rows bring it, leaves the keys with the run, and says nothing of a point that is gone.
    page.evaluate("__rc.compare.draw()")
    expect(dots.first).to_be_focused()
    expect(page.locator(".c-tip")).to_be_visible()
    page.get_by_label("Horizontal").focus()
    dots.last.hover()
    expect(page.locator(".c-tip")).to_be_visible()
    page.get_by_label("Horizontal").select_option("config.depth")
    expect(page.locator(".c-tip")).to_be_hidden()
    page.get_by_label("Horizontal").select_option("config.lr")


def test_a_brush_on_an_axis_chooses_runs(page: Page) -> None:
    page.locator(".choice button", has_text="Parallel").click()
    expect(page.locator(".c-path")).to_have_count(200)
    handle = page.get_by_role("slider", name="Range of config.lr")
    box = box_of(handle)
    page.mouse.move(box["x"] + 14, box["y"] + box["height"] * 0.3)
    page.mouse.down()
    page.mouse.move(box["x"] + 14, box["y"] + box["height"] * 0.6, steps=4)
    page.mouse.up()
    expect(page.locator(".c-tools [role=status]").first).to_contain_text("of 200 runs in the brush")
    inside = page.locator(".c-path:not(.out)").count()
    assert 20 < inside < 150
    # Whoever dragged has the keys, and a new picture (as new rows bring it) does not take them.
    page.evaluate("__rc.compare.draw()")
    expect(handle).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".c-path.out")).to_have_count(0)


def test_what_mattered_is_said_in_words(page: Page) -> None:
    page.locator(".choice button", has_text="Importance").click()
    expect(page.locator(".c-bar-row b").first).to_have_text("lr")
    expect(page.locator(".c-words")).to_contain_text("of the differences in loss between runs that were not looked at")
    expect(page.locator(".c-words")).to_contain_text("runs have no finite loss")


def test_few_runs_are_overlaid_on_the_board_and_strangers_stay_text(stage: Stage, visit: Open) -> None:
    stage.train(
        """
        for at, name in enumerate(["<img src=x onerror='window.hit=1'>", "two \\U0001f600", "three"]):
            config = {"<b>k</b>": "<i>" + "y" * 4096 + "\\n\\u202e" + str(at), "same": 1}
            runcast.init(project="few", id=f"r{at}", name=name, config=config)
            for step in range(20):
                runcast.log({"loss": step + at})
            runcast.finish()
        """
    )
    page = visit(f"{stage.url}/compare?project=few&runs=r0,r1")
    expect(page.locator(".c-run span").first).to_have_text("<img src=x onerror='window.hit=1'>", timeout=30_000)
    expect(page.locator(".c-table tbody th.c-key", has_text="<b>k</b>")).to_have_count(1)
    assert page.evaluate("window.hit") is None
    page.locator(".choice button", has_text="Importance").click()
    expect(page.locator(".c-words")).to_contain_text("2 runs with a finite loss are too few")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator(".choice button", has_text="Charts").click()
    ready(page)
    assert sorted(page.evaluate("[...__rc.board.runs.keys()]")) == ["r0", "r1"]
    page.get_by_role("button", name="Choose other runs").click()
    expect(page.locator(".t-bulk b")).to_have_text("2 selected", timeout=30_000)


def test_a_comparison_whose_first_question_failed_shows_the_answer_to_the_next(stage: Stage, visit: Open) -> None:
    for run in ("one", "two"):
        stage.train(f"runcast.init(project='late', id='{run}', config={{'lr': '{run}'}}).log({{'loss': 1}})")
    page = visit("about:blank")
    refused: list[str] = []

    def answer(route: Route) -> None:
        if refused:
            route.continue_()
        else:
            refused.append(route.request.url)
            route.abort()

    page.route("**/rows?*", answer)
    page.goto(f"{stage.url}/compare?project=late&runs=one,two")
    expect(page.get_by_text("The runs cannot be shown")).to_be_visible()
    expect(page.locator(".c-table td").first).to_be_visible(timeout=15_000)
    assert refused


def test_a_comparison_of_runs_that_go_on_says_when_there_is_no_answer(stage: Stage, visit: Open) -> None:
    for run in ("one", "two"):
        stage.start(f"run = runcast.init(project='on', id='{run}', config={{'lr': '{run}'}})\ntime.sleep(600)")
    eventually(
        lambda: (
            any(project["name"] == "on" for project in stage.get("/projects")["projects"])
            and len(stage.get("/projects/on/order")["ids"]) == 2
        ),
        within_seconds=60,
    )
    page = visit(f"{stage.url}/compare?project=on&runs=one,two")
    expect(page.locator(".c-table td").first).to_be_visible(timeout=30_000)
    page.route("**/rows?*", lambda route: route.fulfill(status=401, json={}))
    bar = page.locator(".c-bar")
    expect(bar).to_contain_text("Your session is over: load the page again to sign in.", timeout=30_000)
    page.unroute("**/rows?*")
    expect(bar).not_to_contain_text("Your session is over", timeout=30_000)


def test_without_runs_the_page_says_where_to_choose_them(stage: Stage, visit: Open) -> None:
    stage.train("runcast.init(project='none', id='one')\nruncast.log({'loss': 1})\nruncast.finish()")
    page = visit(f"{stage.url}/compare?project=none")
    expect(page.get_by_text("Choose two runs or more")).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="Go to the runs").click()
    expect(page.locator(".t-name")).to_have_count(1, timeout=30_000)
