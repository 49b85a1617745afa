"""The table of runs in a real browser: thousands of rows, found, ordered, changed and taken back; and no jump."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from tests.browser.board import ready
from tests.browser.chromium import WINDOW
from tests.browser.conftest import Open
from tests.browser.many import fill
from tests.browser.stage import Stage, service
from tests.conftest import eventually

RUNS = 5000
OPEN_SECONDS_MAX = 20.0  # Two here; the machine of others is slower, and loaded.
HOSTILE = '<img src=x onerror="window.hit=1">'
AWAY = "The service does not answer"
ORDER, ROWS, COLUMNS = "**/order?*", "**/rows?*", "**/columns?*"


@pytest.fixture(scope="module")
def many() -> Iterator[Stage]:
    """Run a service that knows thousands of runs of one project."""
    with tempfile.TemporaryDirectory(prefix="rc-") as folder:
        fill(Path(folder), "sweep", RUNS)
        with service(Path(folder)) as stage:
            yield stage


@pytest.fixture(scope="module")
def page(browser: Browser, many: Stage) -> Iterator[Page]:
    """Open the table; tests of this module share the page, and leave it as they found it."""
    context = browser.new_context(viewport={"width": WINDOW["width"], "height": WINDOW["height"]})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    began = time.monotonic()
    page.goto(f"{many.url}/runs?project=sweep")
    expect(page.locator(".t-line .t-name").first).to_have_text("sweep-4999", timeout=60_000)
    assert time.monotonic() - began < OPEN_SECONDS_MAX
    yield page
    context.close()
    assert not errors


def names(page: Page, count: int = 3) -> list[str]:
    """Read the first runs, from above."""
    found: list[str] = page.evaluate(
        """(count) => [...__rc.table.grid.lines].sort(([a], [b]) => a - b).filter(([, line]) => !line.group)
           .slice(0, count).map(([, line]) => line.link.textContent)""",
        count,
    )
    return found


def find(page: Page, text: str, total: str) -> None:
    """Filter, and wait until the table says how many there are."""
    page.locator(".t-find").fill(text)
    expect(page.locator(".t-total")).to_have_text(total, timeout=30_000)


def test_thousands_of_runs_are_a_few_rows_on_the_page(page: Page) -> None:
    expect(page.locator(".t-total")).to_have_text("5,000 runs")
    assert page.locator(".t-line").count() < 60
    expect(page.locator(".t-grid")).to_have_attribute("aria-rowcount", "5001")
    page.evaluate("__rc.table.grid.root.scrollTop = 36 * 2500")
    expect(page.locator(".t-name", has_text="sweep-2490")).to_be_visible()
    page.evaluate("__rc.table.grid.root.scrollTop = 0")
    expect(page.locator(".t-name", has_text="sweep-4999")).to_be_visible()
    assert page.locator(".t-curve path").first.get_attribute("d")


def test_a_filter_finds_runs_and_a_mistake_is_pointed_at(page: Page) -> None:
    find(page, "config.lr < 0.001 and tags", page.locator(".t-total").inner_text())
    expect(page.locator(".t-total")).not_to_have_text("5,000 runs")
    page.wait_for_url("**filter=config.lr**")
    page.locator(".t-find").fill("config.lr < 0.001 and lr")
    expect(page.locator(".t-mistake")).to_contain_text("did you mean config.lr or summary.lr?")
    expect(page.locator(".t-mistake mark")).to_have_text("lr")
    find(page, "sweep-0042", "1 run")
    find(page, "state == running", "0 runs")
    expect(page.locator(".t-message")).to_contain_text("No run fits the filter")
    find(page, "", "5,000 runs")


def test_any_column_sorts_also_the_best_value_of_a_curve(page: Page) -> None:
    page.locator(".t-title", has_text="dropout").click()
    page.wait_for_function("__rc.table.order.ids[0] !== 'r04999'")
    expect(page.locator(".t-cell[data-id='config.dropout']")).to_have_attribute("aria-sort", "ascending")
    page.get_by_role("button", name="Sort by min loss").click()
    expect(page.locator(".t-cell[data-id='min.loss']")).to_have_attribute("aria-sort", "ascending")
    page.wait_for_function(
        """() => {
          const { order, rows } = __rc.table;
          const best = order.ids.slice(0, 20).map((id) => rows.get(id)?.extremes?.loss?.[0] ?? NaN);
          return best.every((low, at) => low >= (best[at - 1] ?? 0));
        }""",
        timeout=30_000,
    )
    page.get_by_role("button", name="Sort by min loss").click()
    page.get_by_role("button", name="Sort by min loss").click()
    page.wait_for_function("__rc.table.order.ids[0] === 'r04999'")
    page.wait_for_url(lambda url: "sort" not in url)


def test_runs_are_grouped_by_what_they_were_given(page: Page) -> None:
    page.get_by_label("Group by").select_option("config.optimizer")
    expect(page.locator(".t-group").first).to_contain_text("adam")
    page.locator(".t-group").first.click()
    expect(page.locator(".t-group").nth(1)).to_contain_text("lion")
    page.get_by_label("Group by").select_option("")
    expect(page.locator(".t-group")).to_have_count(0)
    page.wait_for_url(lambda url: "group" not in url)


def test_columns_are_chosen_and_remembered(page: Page) -> None:
    page.get_by_role("button", name="Choose columns").click()
    page.get_by_label("Find a column").fill("host")
    page.locator(".t-choice", has_text="Host").click()
    expect(page.locator(".t-cell[data-id='host']")).to_have_count(1)
    page.reload()
    expect(page.locator(".t-cell[data-id='host']")).to_have_count(1, timeout=60_000)
    page.get_by_role("button", name="Choose columns").click()
    page.get_by_role("button", name="Show the usual ones").click()
    expect(page.locator(".t-cell[data-id='host']")).to_have_count(0)
    page.locator(".t-total").click()


def test_keys_move_select_and_take_back(page: Page) -> None:
    expect(page.locator(".t-name", has_text="sweep-4999")).to_be_visible(timeout=30_000)
    page.locator(".t-grid").focus()
    for key in ("Home", "Space", "Shift+ArrowDown", "Shift+ArrowDown"):
        page.keyboard.press(key)
    expect(page.locator(".t-bulk b")).to_have_text("3 selected")
    expect(page.locator(".t-line[aria-selected=true]")).to_have_count(3)
    page.keyboard.press("Escape")
    expect(page.locator(".t-bulk")).to_be_hidden()
    # From here to there is all that lies between, also by a page.
    page.locator(".t-grid").focus()
    for key in ("Home", "Shift+PageDown"):
        page.keyboard.press(key)
    page.wait_for_function("__rc.table.grid.active > 5 && __rc.table.selected.size === __rc.table.grid.active + 1")
    page.keyboard.press("Shift+End")
    expect(page.locator(".t-bulk b")).to_have_text("5,000 selected")
    for key in ("Escape", "Home", "/"):
        page.keyboard.press(key)
    expect(page.locator(".t-find")).to_be_focused()


def test_keys_come_to_the_heads_and_sort(page: Page) -> None:
    page.get_by_label("Select all runs").focus()
    page.keyboard.press("Tab")
    head = page.get_by_role("button", name="Sort by Run", exact=True)
    expect(head).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_function("__rc.table.order.ids[0] === 'r00000'")
    expect(head).to_be_focused()
    for _ in range(2):
        page.keyboard.press("Enter")
    page.wait_for_function("__rc.table.order.ids[0] === 'r04999'")
    page.wait_for_url(lambda url: "sort" not in url)


def test_a_group_that_is_shut_by_a_key_keeps_the_keys(page: Page) -> None:
    page.get_by_label("Group by").select_option("config.optimizer")
    group = page.locator(".t-group", has_text="adam")
    group.focus()
    for shut in ("false", "true"):
        page.keyboard.press("Enter")
        expect(group).to_have_attribute("aria-expanded", shut)
        expect(group).to_be_focused()
    page.get_by_label("Group by").select_option("")
    expect(page.locator(".t-group")).to_have_count(0)
    page.wait_for_url(lambda url: "group" not in url)


def test_a_range_and_the_keys_begin_anew_with_a_new_order(page: Page) -> None:
    """What was clicked or reached in another order is no end of a range in this one, and no run out of sight."""
    page.get_by_label("Select sweep-4990", exact=True).click()
    find(page, "sweep-30", "100 runs")
    page.get_by_label("Select sweep-3097", exact=True).click(modifiers=["Shift"])
    expect(page.locator(".t-bulk b")).to_have_text("2 selected")
    page.get_by_label("Select sweep-3095", exact=True).click(modifiers=["Shift"])
    expect(page.locator(".t-bulk b")).to_have_text("4 selected")
    page.locator(".t-grid").focus()
    for key in ("Escape", "End"):
        page.keyboard.press(key)
    find(page, "sweep-404", "10 runs")
    page.locator(".t-grid").focus()
    page.keyboard.press("Space")
    expect(page.get_by_label("Select sweep-4049", exact=True)).to_be_checked()
    page.keyboard.press("Escape")
    find(page, "", "5,000 runs")


def test_the_keys_stay_with_their_run_when_one_above_it_goes(page: Page) -> None:
    page.locator(".t-grid").focus()
    for key in ("Home", "Space", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    page.get_by_role("button", name="Hide", exact=True).click()
    expect(page.locator(".t-total")).to_have_text("4,999 runs")
    page.locator(".t-grid").focus()
    page.keyboard.press("Space")
    expect(page.get_by_label("Select sweep-4997", exact=True)).to_be_checked()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".t-total")).to_have_text("5,000 runs")


def test_many_runs_are_tagged_hidden_and_deleted_with_a_way_back(page: Page, many: Stage) -> None:
    find(page, "sweep-10", "100 runs")
    page.get_by_label("Select all runs").check()
    page.get_by_role("button", name="Tag", exact=True).click()
    page.get_by_label("New tag").fill("<b>best</b>")
    page.get_by_label("New tag").press("Enter")
    expect(page.locator(".t-toast")).to_contain_text("Tagged 100 runs “<b>best</b>”")
    expect(page.locator(".t-line .t-tag", has_text="<b>best</b>").first).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".t-toast")).to_contain_text("Taken back")
    expect(page.locator(".t-line .t-tag", has_text="<b>best</b>")).to_have_count(0)
    # By keys: what they pressed goes, and they go on with what comes in its place.
    page.get_by_role("button", name="Delete", exact=True).press("Enter")
    expect(page.locator(".t-total")).to_have_text("0 runs")
    assert many.get("/projects/sweep/runs/r01000")["deleted"]
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    undo.press("Enter")
    expect(page.locator(".t-total")).to_have_text("100 runs")
    expect(page.locator(".t-grid")).to_be_focused()
    page.locator(".t-line .t-check").first.check()
    page.get_by_role("button", name="Hide", exact=True).click()
    expect(page.locator(".t-total")).to_have_text("99 runs")
    page.locator(".choice button", has_text="Hidden").click()
    expect(page.locator(".t-total")).to_have_text("1 run")
    page.get_by_label("Select all runs").check()
    page.get_by_role("button", name="Show again").click()
    page.locator(".choice button", has_text="Runs").click()
    expect(page.locator(".t-total")).to_have_text("100 runs")
    find(page, "", "5,000 runs")


def test_a_second_click_leaves_the_way_back(page: Page) -> None:
    find(page, "sweep-10", "100 runs")
    page.locator(".t-line .t-check").first.check()
    asked: list[Route] = []

    def hold_the_first(route: Route) -> None:
        asked.append(route)
        if len(asked) > 1:
            route.continue_()

    page.route("**/curate", hold_the_first)
    delete = page.get_by_role("button", name="Delete", exact=True)
    with page.expect_request("**/curate"):
        delete.click()
    delete.click()
    asked[0].continue_()
    expect(page.locator(".t-total")).to_have_text("99 runs")
    expect(page.locator(".t-toast")).to_contain_text("Deleted 1 run")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".t-total")).to_have_text("100 runs")
    page.unroute("**/curate")
    assert len(asked) == 2
    find(page, "", "5,000 runs")


def test_a_change_that_failed_leaves_the_way_back_of_the_one_before(page: Page) -> None:
    find(page, "sweep-10", "100 runs")
    page.locator(".t-line .t-check").first.check()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator(".t-total")).to_have_text("99 runs")
    page.locator(".t-line .t-check").first.check()
    page.route("**/curate", lambda route: route.abort())
    page.get_by_role("button", name="Hide", exact=True).click()
    toast = page.locator(".t-toast")
    expect(toast).to_contain_text(f"Nothing was changed: {AWAY}")
    expect(toast).to_contain_text("before that: Deleted 1 run")
    page.unroute("**/curate")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".t-total")).to_have_text("100 runs")
    page.get_by_role("button", name="Select none").click()
    find(page, "", "5,000 runs")


def test_a_table_whose_first_questions_failed_is_filled_when_the_service_is_back(many: Stage, visit: Open) -> None:
    page = visit("about:blank")
    for question in (ORDER, COLUMNS):
        page.route(question, lambda route: route.abort())
    page.goto(f"{many.url}/runs?project=sweep")
    expect(page.locator(".t-away")).to_contain_text(AWAY, timeout=30_000)
    for question in (ORDER, COLUMNS):
        page.unroute(question)
    expect(page.locator(".t-total")).to_have_text("5,000 runs", timeout=30_000)
    expect(page.locator(".t-cell[data-id='config.dropout']")).to_have_count(1, timeout=30_000)
    expect(page.get_by_label("Metric whose curve is shown")).to_have_value("loss")
    expect(page.locator(".t-away")).to_be_empty()


def test_what_was_asked_during_an_outage_is_answered_after_it(page: Page) -> None:
    """Until then the rows that stand there are dim: they are no answer."""
    page.route(ORDER, lambda route: route.abort())
    page.locator(".choice button", has_text="Deleted").click()
    expect(page.locator(".t-away")).to_contain_text(AWAY)
    expect(page.locator(".rt.waiting")).to_have_count(1)
    page.unroute(ORDER)
    expect(page.locator(".t-message")).to_contain_text("Nothing was deleted", timeout=30_000)
    expect(page.locator(".t-away")).to_be_empty()
    expect(page.locator(".rt.waiting")).to_have_count(0)
    expect(page.locator(".t-news")).to_be_hidden()
    page.locator(".choice button", has_text="Runs").click()
    expect(page.locator(".t-total")).to_have_text("5,000 runs")


@pytest.mark.parametrize("question", [ROWS, ORDER])
def test_rows_that_cannot_be_had_any_more_are_no_secret(page: Page, question: str) -> None:
    """A token was changed: what stands there is as old as that, and the page says so until it is not."""
    page.route(question, lambda route: route.fulfill(status=401, json={}))
    expect(page.locator(".t-away")).to_have_text(
        "Your session is over: load the page again to sign in.", timeout=30_000
    )
    page.unroute(question)
    expect(page.locator(".t-away")).to_be_empty(timeout=30_000)


def test_a_table_that_was_left_listens_no_more(page: Page) -> None:
    session = page.context.new_cdp_session(page)

    def listeners() -> int:
        asked = {"expression": "getEventListeners(document).pointerdown?.length ?? 0", "includeCommandLineAPI": True}
        count: int = session.send("Runtime.evaluate", asked)["result"]["value"]
        return count

    before = listeners()
    for _ in range(2):
        page.get_by_role("link", name="Alerts").click()
        expect(page.locator(".a-rule").first).to_be_visible(timeout=30_000)
        page.get_by_role("link", name="Runs").click()
        expect(page.locator(".t-total")).to_have_text("5,000 runs", timeout=30_000)
    eventually(lambda: listeners() == before, within_seconds=10)
    session.detach()


def test_what_is_selected_is_shown_alone_on_live_and_compared(page: Page) -> None:
    for at in (1, 3):
        page.locator(".t-line .t-check").nth(at).check()
    chosen = sorted(page.evaluate("[...__rc.table.selected]"))
    page.get_by_role("button", name="Show on Live").click()
    ready(page, metrics=2)
    expect(page).to_have_url(re.compile("only="), timeout=30_000)
    page.wait_for_function("__rc.board.root.querySelectorAll('.row:not(.off)').length === 2")
    shown = page.evaluate("[...__rc.board.root.querySelectorAll('.row:not(.off)')].map((row) => row.dataset.id)")
    assert sorted(shown) == chosen
    page.get_by_role("link", name="Runs").click()
    expect(page.locator(".t-bulk b")).to_have_text("2 selected", timeout=30_000)
    page.get_by_role("button", name="Select none").click()


def test_a_table_that_is_looked_at_is_live_and_does_not_jump(stage: Stage, visit: Open) -> None:
    """New runs wait behind a button; a running one's numbers change where it stands; hostile names stay text."""
    stage.train(
        """
        for at in range(40):
            runcast.init(project="jumpy", id=f"old{at:02}", config={"at": at})
            runcast.log({"loss": at})
            runcast.finish()
        """
    )
    page = visit(f"{stage.url}/runs?project=jumpy")
    expect(page.locator(".t-total")).to_have_text("40 runs", timeout=30_000)
    page.evaluate("__rc.table.grid.root.scrollTop = 300")
    page.wait_for_timeout(200)
    before = _tops(page)
    stage.start(
        """
        hostile = sys.argv[1]
        config = {hostile: hostile + "\\n\\u202e" + "y" * 4096, "max_steps": 100_000, "at": -1}
        runcast.init(project="jumpy", id="new", name=hostile + "\\U0001f600", config=config, tags=[hostile])
        for step in range(100_000):
            runcast.log({"loss": step, "<b>m</b>": 1})
            time.sleep(0.05)
        """,
        HOSTILE,
    )
    fresh = page.locator(".t-news")
    expect(fresh).to_have_text("1 new run", timeout=30_000)
    assert _tops(page) == before
    assert page.evaluate("__rc.table.grid.root.scrollTop") == 300
    fresh.press("Enter")
    expect(page.locator(".t-grid")).to_be_focused()
    first = page.locator(".t-line").first
    expect(page.locator(".t-name").first).to_have_text(f"{HOSTILE}😀")
    expect(page.locator(".t-dot[data-state=running]")).to_have_count(1)
    steps = page.evaluate("__rc.table.rows.get('new')?.steps ?? 0")
    page.wait_for_function(f"__rc.table.rows.get('new')?.steps > {steps + 20}", timeout=30_000)
    expect(page.locator(".t-progress").first).to_be_visible()
    expect(first.locator(".t-tag")).to_have_text(HOSTILE)
    page.get_by_role("button", name="Choose columns").click()
    expect(page.locator(".t-choice", has_text=HOSTILE)).to_have_count(1)
    assert page.evaluate("window.hit") is None
    assert page.locator(".rt img").count() == 0
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_function("__rc.table.grid.nameWidth < 200")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def _tops(page: Page) -> Any:
    return page.evaluate("[...__rc.table.grid.lines].map(([at, line]) => [at, line.item.id]).sort(([a], [b]) => a - b)")
