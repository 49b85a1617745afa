"""Marks on the timeline: what happened when, and the way there."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from tests.browser.board import box_of, ready
from tests.browser.conftest import Open
from tests.browser.stage import Stage
from tests.conftest import eventually

TRAINING = """
import os
from runcast import Artifact
run = runcast.init(project="marks", id=sys.argv[1], name=sys.argv[2], resume="allow")
run.define_metric("acc*", goal="maximize")
for step in range(60):
    runcast.log({"acc": 1 - abs(step - 40) / 100, "loss": 0.1})
    if step == 20:
        run.alert("<b>half way</b>", text="nothing to see", level="INFO")
    if step == 30 and sys.argv[3] == "end":
        kept = Artifact("weights", type="model")
        with kept.new_file("w.bin") as file:
            file.write("x")
        run.log_artifact(kept)
    time.sleep(0.03)
if sys.argv[3] == "die":
    os._exit(9)
runcast.finish()
"""


ALONE = """async ([clock, run, told]) => {
  const { Timeline } = await import("./timeline.js");
  const asked = [];
  const dock = { shown: clock, label: (t) => `at ${t}`, show() {} };
  const data = { project: "p" };
  const runs = new Map([["r", { id: "r", ...run }]]);
  const board = { data, dock, runs, hidden: new Set(), single: true, ask: (message) => asked.push(message) };
  const track = document.createElement("div");
  document.body.append(track);
  const timeline = new Timeline(board, track);
  timeline.told = told;
  timeline.show(clock, 500);
  timeline.step(1);
  return { marks: timeline.shown.map(({ x, t, kind }) => [x, t, kind]), said: timeline.said.innerText, asked };
}"""


@pytest.mark.parametrize("unit", ["wall", "elapsed"])
def test_what_came_after_the_last_point_stands_at_the_end_of_the_clock(unit: str, blank: Page) -> None:
    """A run ends after it logged its last row, and the clock counts rows; its words say when it was."""
    zero = 0 if unit == "elapsed" else 1000
    clock = {"t0": zero, "t1": zero + 1000, "t": zero, "unit": unit, "live": False}
    run = {"state": "crashed", "t0": 1000, "t1": 62_000, "step": 9}
    kept = {"run": "r", "kind": "checkpoint", "time": "1970-01-01T00:00:02.500Z", "step": 9, "title": "weights:v0"}
    seen = blank.evaluate(ALONE, [clock, run, [kept]])
    assert seen["marks"] == [[0, zero, "start"], [500, zero + 1000, "failed"]]
    assert seen["asked"] == [{"op": "seek", "t": zero + 1000}]
    said = [(2500 - 1000 + zero, "kept weights:v0"), (62_000 - 1000 + zero, "crashed")]
    assert seen["said"].split("\n") == [f"at {time} {words}" for time, words in said]


DOCK = """async () => {
  const { Dock } = await import("./dock.js");
  const { element } = await import("./dom.js");
  const sheet = Object.assign(document.createElement("link"), { rel: "stylesheet", href: "board.css" });
  document.head.append(sheet);
  await new Promise((done) => (sheet.onload = done));
  const board = { data: { project: "p" }, options: { race: true }, runs: new Map(), hidden: new Set(), ask() {} };
  const dock = new Dock(board);
  dock.race.root.hidden = dock.race.ghost.hidden = false;
  document.body.style.margin = 0;
  document.body.append(element("div", "rc", element("div", "side"), element("div", "main", dock.root)));
  dock.show({ t: 5, t0: 0, t1: 10, live: false, playing: false, unit: "step" });
  dock.behind.textContent = "a run of some name leads by 0.1234 · validation/accuracy";
}"""


def test_the_timeline_has_room_in_any_window(blank: Page) -> None:
    """Beside all that stands there in a race, and without a part of it lying outside."""
    blank.evaluate(DOCK)
    for width in (390, 601, 905, 1000, 1180, 1181, 1280):
        blank.set_viewport_size({"width": width, "height": 700})
        dock, track, live = (box_of(blank.locator(part)) for part in (".dock", ".track", ".live"))
        assert track["width"] >= min(120, dock["width"] / 2), width
        assert live["x"] + live["width"] <= width, width
        assert box_of(blank.locator(".clock"))["width"] >= 80, width


@pytest.fixture
def page(stage: Stage, visit: Open) -> Page:
    if not any(project["name"] == "marks" for project in stage.get("/projects")["projects"]):
        stage.train(TRAINING, "one", "first", "end")
        stage.start(TRAINING, "two", "second", "die").wait(60)
        stage.train(TRAINING, "one", "first", "again")
        eventually(lambda: stage.get("/projects/marks/runs/two")["state"] == "crashed", within_seconds=60)
        eventually(lambda: stage.get("/projects/marks/runs/one")["state"] == "finished", within_seconds=60)
    page = visit(f"{stage.url}/?project=marks")
    ready(page, metrics=2)
    return page


def kinds(page: Page) -> list[str]:
    found: list[str] = page.evaluate("__rc.board.dock.timeline.marks(__rc.board.clock).map(({ kind }) => kind)")
    return found


def test_what_happened_stands_on_the_timeline(page: Page, stage: Stage) -> None:
    told = stage.get("/projects/marks/timeline?id=one&id=two&id=nothing")["marks"]
    assert [(mark["run"], mark["kind"], mark["title"]) for mark in told] == [
        ("one", "alert", "<b>half way</b>"),
        ("one", "checkpoint", "weights:v0"),
        ("two", "alert", "<b>half way</b>"),
        ("two", "alert", "the run crashed"),
        ("one", "resume", "began again"),
        ("one", "alert", "<b>half way</b>"),
    ]
    page.wait_for_function("__rc.board.dock.timeline.told.length === 6")
    page.wait_for_function("Object.keys(__rc.board.dock.timeline.best).length === 2")
    seen = kinds(page)
    for kind, count in (("start", 2), ("info", 3), ("checkpoint", 1), ("resume", 1), ("failed", 1), ("best", 2)):
        assert seen.count(kind) == count, seen
    pins = page.locator(".mark")
    assert 5 <= pins.count() <= len(seen)
    pins.first.hover()
    expect(page.locator(".mark-said")).to_contain_text("first: began")


def test_marks_come_while_rows_come(stage: Stage, visit: Open) -> None:
    stage.start(
        """
        run = runcast.init(project="busy", id="one")
        for step in range(10_000):
            run.log({"loss": step})
            if step == 100:
                run.alert("look")
            time.sleep(0.02)
        """
    )
    page = visit(f"{stage.url}/?project=busy")
    ready(page)
    page.wait_for_function("__rc.board.dock.timeline.told.some(({ title }) => title === 'look')", timeout=20_000)


def test_marks_that_could_not_be_had_are_asked_for_again_also_when_nothing_runs(page: Page) -> None:
    page.clock.install()
    page.route("**/timeline?*", lambda route: route.abort())
    with page.expect_event("requestfailed", lambda request: "/timeline?" in request.url):
        page.reload()
    page.wait_for_function("__rc.board.dock.timeline.timer")
    page.unroute("**/timeline?*")
    page.clock.fast_forward(60_000)
    page.wait_for_function("__rc.board.dock.timeline.told.length === 6")


def test_a_click_or_a_key_goes_there_and_what_is_hidden_has_no_marks(page: Page) -> None:
    page.wait_for_function("__rc.board.dock.timeline.told.length === 6")
    expect(page.locator(".mark[data-kind=resume]")).to_have_count(1)
    page.keyboard.press("[")
    expect(page.locator(".rc .live")).not_to_have_class(re.compile(r"\bon\b"))
    last = page.evaluate("__rc.board.dock.timeline.shown.at(-1).t")
    for _ in range(20):
        page.keyboard.press("[")
    page.wait_for_function("__rc.board.clock.t === __rc.board.dock.timeline.shown[0].t")
    page.keyboard.press("]")
    page.wait_for_function("__rc.board.clock.t === __rc.board.dock.timeline.shown[1].t")
    expect(page.locator(".mark-said")).to_be_visible()
    failed = page.locator(".mark[data-kind=failed]")
    failed.click()
    expect(page.locator(".mark-said")).to_contain_text("second: crashed")
    page.wait_for_function("(last) => __rc.board.clock.t < last", arg=last)
    expect(page.locator('.row[data-id="two"]')).to_have_attribute("data-state", re.compile("crashed|running"))
    page.locator('.row[data-id="two"] .swatch').click()
    expect(failed).to_have_count(0)
    # Each run's own time: the marks move with the axis.
    page.locator(".choice button", has_text="Relative").click()
    page.wait_for_function("__rc.board.clock.unit === 'elapsed' && __rc.board.dock.timeline.shown[0]?.t < 1000")
    page.locator('.row[data-id="two"] .swatch').click()
    expect(failed).to_have_count(1)
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator(".mark").first).to_be_visible()


PART = "(({ t, t0, t1 }) => Math.round((100 * (t - t0)) / (t1 - t0)))(__rc.board.clock)"


def test_a_drag_may_begin_on_a_mark(page: Page) -> None:
    """At the end of runs that are over lies a mark: whoever draws the clock back from there presses on it."""
    page.wait_for_function("__rc.board.dock.timeline.told.length === 6")
    mark = page.locator(".mark").last
    expect(mark).to_be_visible()
    track, pin = box_of(page.locator(".dock .track")), box_of(mark)
    y = track["y"] + track["height"] / 2
    page.mouse.move(pin["x"] + pin["width"] / 2, y)
    page.mouse.down()
    expect(page.locator(".mark-said")).to_be_visible()
    page.mouse.move(track["x"] + track["width"] / 4, y, steps=4)
    page.wait_for_function(f"{PART} === 25")
    expect(page.locator(".mark-said")).not_to_be_visible()
    page.mouse.up()
    page.mouse.move(track["x"] + track["width"] / 2, y, steps=4)
    page.wait_for_timeout(300)
    assert page.evaluate(PART) == 25
