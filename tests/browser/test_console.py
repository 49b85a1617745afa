"""The console beside a run's charts: what a terminal would show, at the moment that the page shows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import urlencode

from playwright.sync_api import Page, Route, expect
from tests.browser.board import ask, ready
from tests.browser.conftest import Open
from tests.browser.stage import Stage
from tests.flow.running import wait_until

BESIDE = """
run = runcast.init(project="beside", id="seen", settings={"console": "wrap"})
run.log({"loss": 2.0})
sys.stderr.write("bar 1%")
sys.stderr.flush()
time.sleep(1)
for number in range(6):
    print("line", number)
sys.stdin.readline()
sys.stderr.write("\\rbar 50%")
sys.stderr.flush()
run.log({"loss": 1.0})
sys.stdin.readline()
run.finish()
"""
LONG = """
run = runcast.init(project="long", id="seen", settings={"console": "wrap"})
for part in range(12):
    run.log({"loss": part})
    print("\\n".join(f"line {number}" for number in range(700 * part, 700 * (part + 1))))
    time.sleep(0.3)
if sys.argv[1:]:
    sys.stdin.readline()
    print("\\n".join(f"more {number}" for number in range(300)))
    sys.stdin.readline()
run.finish()
"""
LINES = 8400


def opened(stage: Stage, visit: Open, project: str, lines: int) -> Page:
    """Open the console of a run once the service has so many lines of it."""
    wait_until(lambda: (known(stage, project) >= lines) or None, 60)
    page = visit(f"{stage.url}/run?project={project}&run=seen")
    ready(page)
    page.get_by_role("tab", name="Console").click()
    expect(page.locator(".console .note")).to_contain_text("lines", timeout=20_000)  # Thousands, on a busy machine.
    return page


def known(stage: Stage, project: str) -> int:
    if f'"{project}"' not in json.dumps(stage.get("/projects")):
        return 0
    return len(stage.get(f"/projects/{project}/runs/seen/console?limit=10000")["lines"])


def go_on(stage: Stage) -> None:
    """Press enter in the training's terminal."""
    stdin = stage.processes[-1].stdin
    assert stdin is not None
    stdin.write(b"\n")
    stdin.flush()


def first_in_view(page: Page) -> str:
    found: str = page.locator(".lines").evaluate(
        """(list) => [...list.children].find((row) =>
          row.getBoundingClientRect().bottom > list.getBoundingClientRect().top + 1).lastChild.textContent"""
    )
    return found


def test_a_bar_goes_on_though_lines_are_printed_beside_it(stage: Stage, visit: Open) -> None:
    stage.start(BESIDE)
    page = opened(stage, visit, "beside", 7)
    lines = page.locator(".line span")
    expect(lines.filter(has_text="bar")).to_have_text(["bar 1%"])
    expect(lines.filter(has_text="line")).to_have_count(6)
    go_on(stage)
    expect(lines.filter(has_text="bar")).to_have_text(["bar 50%"], timeout=15_000)
    expect(lines.first).to_have_text("bar 50%")
    # A replay to before that has what it said then.
    told = stage.get("/projects/beside/runs/seen/console")["lines"][1]["time"]
    moment = 1000 * datetime.fromisoformat(told).timestamp()
    page.wait_for_function("(moment) => __rc.board.clock?.t1 > moment", arg=moment)
    ask(page, {"op": "seek", "t": moment})
    expect(lines.first).to_have_text("bar 1%")
    go_on(stage)


def test_lines_that_are_not_held_are_read_where_a_replay_comes_to_them(stage: Stage, visit: Open) -> None:
    stage.train(LONG)
    page = opened(stage, visit, "long", LINES)
    last = page.locator(".line span").last
    expect(last).to_have_text(f"line {LINES - 1}")
    expect(page.locator(".console .note")).to_have_text("the last 2,000 lines")
    page.wait_for_function("__rc.board.clock?.t1 > __rc.board.clock?.t0")
    path = "/projects/long/runs/seen/console"
    # Of 8,400 the last 5,000 are held. The page's clock is cut to milliseconds, and gives one more.
    moment = round(1000 * datetime.fromisoformat(stage.get(f"{path}?limit=10000")["lines"][100]["time"]).timestamp())
    until = datetime.fromtimestamp((moment + 1) / 1000, UTC).isoformat(timespec="milliseconds")
    then = [line["text"] for line in stage.get(f"{path}?{urlencode({'until': until})}")["lines"]]
    ask(page, {"op": "seek", "t": moment})
    expect(last).to_have_text(then[-1])
    expect(page.locator(".line span").first).to_have_text("line 0")
    ask(page, {"op": "live"})
    expect(last).to_have_text(f"line {LINES - 1}")


def test_who_scrolled_up_reads_on_undisturbed(stage: Stage, visit: Open) -> None:
    stage.start(LONG.replace('project="long"', 'project="longer"'), "waits")
    page = opened(stage, visit, "longer", LINES)
    expect(page.locator(".line span").last).to_have_text(f"line {LINES - 1}")
    page.locator(".lines").evaluate("(list) => { list.scrollTop = 5000; }")
    before = first_in_view(page)
    go_on(stage)
    page.wait_for_function("__rc.board.panels.current.sorted.at(-1).text === 'more 299'", timeout=15_000)
    assert first_in_view(page) == before
    page.locator(".lines").evaluate("(list) => { list.scrollTop = list.scrollHeight; }")
    expect(page.locator(".line span").last).to_have_text("more 299", timeout=15_000)
    go_on(stage)


def test_what_is_searched_while_lines_are_read_is_found(stage: Stage, visit: Open) -> None:
    stage.train(LONG.replace('project="long"', 'project="sought"').replace("range(12)", "range(2)"))
    page = opened(stage, visit, "sought", 1400)
    page.evaluate("clearInterval(__rc.board.panels.timer)")  # Nobody asks again in two seconds.
    held: list[Route] = []
    page.route("**/console?*", lambda route: route.continue_() if held else held.append(route))
    page.evaluate("void __rc.board.panels.poll()")
    page.get_by_label("Search the console").fill("LINE 777")
    page.wait_for_function("__rc.board.panels.current.query && __rc.board.panels.current.asking")
    held[0].continue_()
    expect(page.locator(".line span")).to_have_text(["line 777"])


def test_a_trouble_is_said_for_as_long_as_it_lasts(stage: Stage, visit: Open) -> None:
    stage.train(LONG.replace('project="long"', 'project="cut"').replace("range(12)", "range(2)"))
    page = opened(stage, visit, "cut", 1400)
    words = page.locator(".console .note")
    page.route("**/console?*", lambda route: route.abort())
    expect(words).to_contain_text("does not answer", timeout=15_000)
    page.unroute("**/console?*")
    expect(words).to_have_text("1,400 lines", timeout=15_000)
