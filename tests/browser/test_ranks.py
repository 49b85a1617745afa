"""A run of many ranks on the board: one curve with a band, or one for each; and how its machine did, beside it."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.browser.board import ask, box_of, drawn, ready
from tests.browser.conftest import Open
from tests.browser.stage import Stage

FOLD = """async ([curves, low, high, columns]) => {
  const { fold } = await import("./fold.js");
  const numbers = (values) => Float64Array.from(values.map(Number));
  const parts = curves.map(([xs, ys]) => ({ xs: numbers(xs), ys: numbers(ys), from: 0, to: xs.length, grows: true }));
  const made = fold(parts, low, high, columns);
  return Object.fromEntries(["xs", "mean", "low", "high", "count"].map((name) => [name, [...made[name]]]));
}"""

Curves = list[tuple[list[float], list[Any]]]


def folded(page: Page, *curves: tuple[list[float], list[Any]], columns: int = 100, high: float = 10) -> Any:
    return page.evaluate(FOLD, [curves, 0, high, columns])


def test_ranks_of_the_same_steps_fold_exactly(blank: Page) -> None:
    seen = folded(blank, ([0, 1, 2], [1, 2, 3]), ([0, 1, 2], [3, 2, 7]))
    assert seen["xs"] == [0, 1, 2]
    assert seen["mean"] == [2, 2, 5]
    assert (seen["low"], seen["high"]) == ([1, 2, 3], [3, 2, 7])
    assert seen["count"] == [2, 2, 2]


def test_a_rank_between_two_of_its_points_is_on_the_line_between_them(blank: Page) -> None:
    seen = folded(blank, ([0, 2, 4], [0, 2, 4]), ([0, 4], [10, 10]))
    assert seen["xs"] == [0, 2, 4]
    assert seen["mean"] == [5, 6, 7]


def test_a_rank_that_ended_or_is_not_a_number_does_not_count(blank: Page) -> None:
    seen = folded(blank, ([0, 1, 2, 3], [0, 0, 0, 0]), ([0, 1], [4, 4]), ([0, 1, 2, 3], [8, "NaN", 8, 8]))
    assert seen["mean"] == [4, 2, 4, 4]
    assert seen["count"] == [3, 2, 2, 2]


def test_more_points_than_pixels_keep_their_extremes(blank: Page) -> None:
    xs = [float(x) for x in range(1000)]
    spike = [9.0 if x == 501 else 1.0 for x in xs]
    seen = folded(blank, (xs, spike), (xs, [3.0] * 1000), columns=50, high=1000)
    assert len(seen["xs"]) == 50
    assert max(seen["high"]) == 9
    assert set(seen["low"]) == {1}
    assert seen["mean"][0] == 2


def test_the_tip_waits_for_the_slower_ranks(blank: Page) -> None:
    """Else the mean would jump with each rank that is heard."""
    xs = [float(x) for x in range(40)]
    ahead, behind = (xs, [10.0] * 40), (xs[:-3], [0.0] * 37)
    seen = folded(blank, ahead, behind)
    assert seen["xs"][-1] == 36
    assert set(seen["mean"]) == {5}


RANK = """
import os
run = runcast.init(project="job", id="job", name="eight ranks")
rank = int(os.environ["RANK"])
for step in range(300):
    noise = 0.02 * math.sin(step * (rank + 1))
    runcast.log({"train/loss": 2 / (1 + step / 40) + 0.06 * rank + noise, "grad": 1 + math.cos(step / 9 + rank) / 3})
runcast.finish()
"""


def train(stage: Stage, world: int = 8) -> None:
    """Start the ranks as a launcher does, and wait for them."""
    processes = []
    for rank in range(world):
        stage.given |= {"RANK": str(rank), "WORLD_SIZE": str(world), "LOCAL_RANK": str(rank)}
        processes.append(stage.start(RANK))
    stage.given.clear()
    assert [process.wait(60) for process in processes] == [0] * world


def shown(page: Page) -> int:
    """How many curves the first chart draws."""
    return int(drawn(page, "train/loss")["curves"])


def test_the_ranks_of_a_run_fold_into_one_curve_and_fan_out_by_a_click(stage: Stage, visit: Open) -> None:
    train(stage)
    page = visit(f"{stage.url}/run?project=job&run=job")
    ready(page, metrics=2)
    chip = page.get_by_role("button", name="One curve for all ranks")
    expect(chip).to_be_visible()
    page.wait_for_timeout(500)
    assert shown(page) == 1
    box = box_of(page.locator(".rc .plot").first)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60)
    expect(page.locator(".rc .tip .tip-row:visible")).to_have_count(1)
    expect(page.locator(".rc .tip .tip-row:visible span")).to_have_text("eight ranks · mean of 8")
    expect(page.locator(".rc .tip .tip-row:visible b")).to_contain_text("–")
    chip.click()
    page.mouse.move(box["x"] + box["width"] / 2 + 5, box["y"] + 60)
    expect(page.locator(".rc .tip .tip-row:visible")).to_have_count(8)
    assert shown(page) == 8
    page.wait_for_url("**fold=0**")
    page.reload()
    ready(page, metrics=2)
    page.wait_for_timeout(500)
    assert shown(page) == 8


def test_runs_of_one_process_have_nothing_to_fold(stage: Stage, visit: Open) -> None:
    stage.train("runcast.init(project='one', id='one')\nfor s in range(50): runcast.log({'loss': s})")
    page = visit(f"{stage.url}/?project=one")
    ready(page)
    page.wait_for_timeout(800)
    expect(page.get_by_role("button", name="One curve for all ranks")).to_be_hidden()


@pytest.mark.parametrize("path", ["run", ""])
def test_samples_of_the_machine_stand_in_a_section_of_their_own_along_time(
    path: str, stage: Stage, visit: Open
) -> None:
    """However many steps a training makes, its samples are not squeezed into the first few."""
    stage.given |= {"RUNCAST_SYSTEM": "1", "RUNCAST_SYSTEM_SECONDS": "0.1"}
    stage.train(
        """
        runcast.init(project="machine", id=sys.argv[1])
        for step in range(3000):
            runcast.log({"loss": step})
            time.sleep(0.0005)
        """,
        f"m{path}",
    )
    stage.given.clear()
    page = visit(f"{stage.url}/{path}?project=machine&run=m{path}")
    ready(page, metrics=2)
    heads = page.locator(".rc section.system .section-head b")
    if path:
        # One run's machine has a tab of its own, by its parts.
        expect(heads.first).to_be_hidden()
        page.get_by_role("tab", name="System").click()
        expect(heads).to_have_text(["CPU", "Memory", "Disk", "Network"])
        expect(page.locator(".rc section:not(.system) .card").first).to_be_hidden()
        expect(page.locator(".rc section.system .title b").nth(3)).to_have_text("Memory in use %")
    else:
        expect(heads).to_have_text("System")
        expect(page.locator(".rc section.system .cards")).to_be_hidden()
        heads.click()
    expect(page.locator(".rc section.system .title b").first).to_have_text("CPU busy %")
    expect(page.locator(".rc section.system .title b").first).to_be_visible()
    ask(page, {"op": "options", "options": {"axis": "step", "smooth": 0}})
    page.locator(".rc section.system .plot").first.scroll_into_view_if_needed()
    page.wait_for_timeout(800)
    name = page.evaluate("__rc.board.root.querySelector('section.system .plot').dataset.name")
    low, high = drawn(page, name)["range"]
    assert 0 <= low < high < 20_000
    assert high - low > 1000


SIDE = """async (facts) => {
  const { Facts } = await import("./facts.js");
  const summary = { "_system/cpu": 1, loss: 2 };
  const run = { id: "r", name: "r", state: "running", summary, config: {}, created: "2026-01-01T00:00:00Z", facts };
  document.body.append(new Facts({ data: { run, project: "p" }, single: true, ask() {}, trigger() {} }).root);
}"""


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"git": None, "command": {"line": "one word"}, "system": {"gpus": [None, 7, {"name": "X"}]}, "job": 3},
        {"git": {"commit": 12, "branch": ["a"], "dirty": "yes"}, "system": "odd", "command": []},
    ],
)
def test_facts_of_any_shape_are_shown_or_left_out(facts: dict[str, Any], blank: Page) -> None:
    """Whoever writes to a run may write anything under these names; its page must not break."""
    blank.evaluate(SIDE, facts)
    expect(blank.locator(".facts").first).to_contain_text("Started")


def test_the_code_and_the_machine_stand_beside_the_curves(blank: Page) -> None:
    facts = {
        "git": {"commit": "0123456789abcdef", "branch": "main", "dirty": True},
        "command": {"line": ["python", "train.py", "--token=****", "<b>x</b>"]},
        "system": {
            "cpu_count": 4,
            "cpu": "Fast",
            "memory_bytes": 8 << 30,
            "gpus": [{"name": "H200"}, {"name": "H200"}],
        },
        "job": {"world": 8, "launcher": "torch"},
    }
    blank.evaluate(SIDE, facts)
    page = blank.locator("aside")
    for words in (
        "0123456789, changed",
        "python train.py --token=**** <b>x</b>",
        "4 × Fast, 8 GiB",
        "2 × H200",
        "8, torch",
    ):
        expect(page).to_contain_text(words)
    expect(page).not_to_contain_text("_system")
