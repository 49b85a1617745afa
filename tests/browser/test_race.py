"""A race: all runs begin at once, the clock counts their steps or their own time, and who leads is said."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from tests.browser.board import ask, drawn, ready
from tests.browser.conftest import Open
from tests.browser.stage import Stage

RUNNER = """
runcast.init(project="race", id=sys.argv[1], name=sys.argv[1])
for step in range(int(sys.argv[2])):
    runcast.log({"acc": float(sys.argv[3]) * step})
    time.sleep(float(sys.argv[4]))
runcast.finish()
"""
GOALS = """async (names) => {
  const { goalOf } = await import("./goal.js");
  const run = { goals: { "my/*": "minimize", "my/acc": "maximize" } };
  return Object.fromEntries(names.map((name) => [name, goalOf(run, name)]));
}"""


def test_what_is_best_is_what_was_said_or_what_the_name_says(blank: Page) -> None:
    goals = {
        "my/acc": 1,
        "my/thing": -1,
        "loss": -1,
        "val_loss": -1,
        "valLoss": -1,
        "train/acc": 1,
        "f1": 1,
        "accelerate": 0,
        "lr": 0,
        "glossary": 0,
        "eval/AUC": 1,
    }
    assert blank.evaluate(GOALS, list(goals)) == goals


# Of a run that logs `loss` and others at each step, and `acc` of a tenth of them when it is fifty steps further: where
# each curve ends in a race along steps, and what stands beside the run.
LATE = """async ([moment, options, axes, ms]) => {
  const modules = ["model", "scene", "said", "names"].map((name) => import(`./${name}.js`));
  const [{ Model }, { Scene }, { latest }, { isSystem }] = await Promise.all(modules);
  const model = new Model();
  const run = model.describeRun({ id: "r", state: "finished", created_ms: 1, axes });
  const curve = (name) => model.curve(run, model.metric(name), "");
  const log = (step, t, row) => Object.entries(row).forEach(([name, y]) => curve(name).append([step], [t], [y]));
  for (let step = 0; step <= 200; step++) {
    const t = 1000 + ms * step;
    log(step, t, { loss: -step, tokens: 10 * step, left: 1000 - step });
    const late = step - 50;
    if (late >= 0 && late % 10 === 0) log(late, t, { acc: late, tokens: 10 * late, left: 1000 - late });
    log(5000 + step, t, { "_system/cpu": step });
  }
  Object.assign(run, { t0: 1000, t1: 1000 + 200 * ms, step: 200 });
  const scene = new Scene(model);
  scene.setOptions({ race: true, ...options });
  scene.advance(0);
  scene.seek(moment);
  scene.advance(0);
  const ends = {};
  for (const [name, metric] of model.metricIndex) {
    const [{ series, n } = {}] = scene.curves(metric);
    ends[name] = n ? Math.max(...(isSystem(name) ? series.y : series.steps).subarray(0, n)) : null;
  }
  const said = latest(scene, model.metric("acc")).values.r;
  return { ends, said: [said.step, said.y, said.state], width: scene.xRange()[1] };
}"""


@pytest.mark.parametrize("ms", [1000, 0])
@pytest.mark.parametrize("options", [{}, {"axis": "metric", "x": "tokens"}, {"axis": "metric", "x": "left"}])
def test_a_step_that_is_logged_late_brings_none_beyond_it(ms: int, options: dict[str, str], blank: Page) -> None:
    """An evaluation may take as long as many steps of its training, and those of a fast loop share a millisecond."""
    seen = blank.evaluate(LATE, [100, options, {"acc": "_runtime"}, ms])
    assert {seen["ends"][name] for name in ("loss", "tokens", "left")} == {100}
    assert (seen["ends"]["acc"], seen["said"]) == (100, [100, 100, "running"])
    if ms:  # Samples of the machine are counted in steps of their own: they have their time alone.
        assert seen["ends"]["_system/cpu"] in (100, 101)
    assert blank.evaluate(LATE, [200, options, {}, ms])["said"] == [150, 150, "finished"]


@pytest.fixture
def page(stage: Stage, visit: Open) -> Page:
    if not any(project["name"] == "race" for project in stage.get("/projects")["projects"]):
        stage.train(RUNNER, "hare", "60", "0.03", "0.005")
        stage.train(RUNNER, "tortoise", "120", "0.01", "0.01")
    stage.start(RUNNER, f"new{len(stage.get('/projects/race/runs')['runs'])}", "100000", "0.0001", "0.02")
    page = visit(f"{stage.url}/?project=race&smooth=0")
    ready(page)
    page.wait_for_function(
        "__rc.board.runs.size >= 3 && [...__rc.board.runs.values()].some(({ state }) => state === 'running')",
        timeout=60_000,
    )
    return page


def test_a_runs_own_page_races_nobody(page: Page, stage: Stage) -> None:
    """Its clock is that of its console and its media, whatever the reader did on the board before."""
    page.get_by_role("button", name="Let all runs begin at once").click()
    page.wait_for_function("location.search.includes('race=1')")
    page.locator(".row", has_text="hare").locator(".run").click()
    page.locator(".rc.single .card").first.wait_for()
    page.wait_for_function("__rc.board.clock?.t1 > __rc.board.clock?.t0")
    assert page.evaluate("__rc.board.clock.unit") == "wall"
    page.locator(".rc .slider").fill("0.5")
    page.wait_for_function("location.search.includes('smooth=0.5')")
    assert "race=1" in page.url  # The board's own setting stays as it was.


def test_runs_of_other_days_race_step_by_step(page: Page) -> None:
    chip = page.get_by_role("button", name="Let all runs begin at once")
    expect(chip).to_be_visible()
    page.wait_for_function("__rc.board.clock?.unit === 'wall'")
    chip.click()
    page.wait_for_function(
        "__rc.board.clock.unit === 'step' && __rc.board.clock.t0 === 0 && __rc.board.clock.t1 >= 119"
    )
    ask(page, {"op": "seek", "t": 30})
    page.wait_for_function("__rc.board.clock.t === 30")
    for run in ("hare", "tortoise"):
        expect(page.locator(f'.row[data-id="{run}"] .run-detail')).to_contain_text("step 30")
    expect(page.locator(".clock b")).to_have_text("step 30")
    expect(page.locator(".clock span")).to_have_text("hare leads by 0.6 · acc")
    for _ in range(100):
        if drawn(page, "acc")["range"] == [0, 30]:
            break
        page.wait_for_timeout(50)
    assert drawn(page, "acc")["range"] == [0, 30]
    # Past its end the hare stands where it stopped.
    ask(page, {"op": "seek", "t": 100})
    expect(page.locator('.row[data-id="hare"] .run-detail')).to_contain_text("step 59")
    expect(page.locator('.row[data-id="tortoise"] .run-detail')).to_contain_text("step 100")
    # A link has the race and its moment, also before Python has heard of them.
    link = page.evaluate("(__rc.board.setOptions({ log: true }), __rc.board.link())")
    assert {"race=1", "log=1", "t=100"} <= set(link.partition("?")[2].split("&"))
    page.goto(link)
    ready(page)
    page.wait_for_function("__rc.board.clock?.unit === 'step' && Math.abs(__rc.board.clock.t - 100) <= 1")
    page.locator(".choice button", has_text="Relative").click()
    page.wait_for_function("__rc.board.clock.unit === 'elapsed' && __rc.board.clock.live")
    chip.click()
    page.locator(".choice button", has_text="Step").click()
    page.wait_for_function("__rc.board.clock.unit === 'wall'")


def test_what_runs_now_stands_beside_the_best_before_it(page: Page) -> None:
    page.get_by_role("button", name="Let all runs begin at once").click()
    page.get_by_role("button", name="Show what runs now beside the best run before it").click()
    page.wait_for_function("__rc.board.hidden.has('tortoise') && !__rc.board.hidden.has('hare')")
    expect(page.locator('.row[data-id="tortoise"]')).to_have_class(re.compile("off"))
    assert not page.evaluate(
        "[...__rc.board.runs.values()].some((run) => run.state === 'running' && __rc.board.hidden.has(run.id))"
    )
