"""Saved views: what the board shows, under a name, for everybody who reads the project."""

from __future__ import annotations

import re
import urllib.error
import urllib.request

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.board import ask, drawn, ready
from tests.browser.chromium import WINDOW
from tests.browser.conftest import Open
from tests.browser.stage import Stage

HOSTILE = "<img src=x onerror='window.hit=1'>"


def test_what_is_shown_is_saved_and_opened_by_somebody_else(stage: Stage, visit: Open, browser: Browser) -> None:
    stage.train(
        """
        for number in range(4):
            runcast.init(project="views", id=f"r{number}", config={"lr": number % 2})
            for step in range(50):
                runcast.log({"train/loss": step, "val/loss": step, "val/acc": step})
            runcast.finish()
        """
    )
    page = visit(f"{stage.url}/?project=views")
    ready(page, metrics=3)
    page.get_by_role("combobox", name="Group by").select_option("lr")
    page.locator(".choice button", has_text="Relative").click()
    page.locator(".card", has=page.locator('.plot[data-name="val/acc"]')).hover()
    page.get_by_role("button", name="More for val/acc").click()
    page.get_by_role("menuitem", name="Pin to the top").click()
    page.get_by_placeholder("Filter metrics").fill("val")
    page.get_by_role("button", name="Save what is shown under a name").click()
    views = page.get_by_role("dialog", name="Views")
    expect(views).to_contain_text("None yet")
    page.keyboard.type(HOSTILE)
    page.keyboard.press("Enter")
    expect(views.locator("a.entry")).to_have_text([HOSTILE])
    views.get_by_label("Name of this view").fill("the second")
    page.keyboard.press("Enter")
    expect(views.locator("a.entry")).to_have_text(["the second", HOSTILE])
    page.keyboard.press("Escape")
    expect(views).to_be_hidden()
    # Somebody else, whose browser remembers nothing.
    context = browser.new_context(viewport={"width": WINDOW["width"], "height": WINDOW["height"]})
    other = context.new_page()
    other.goto(f"{stage.url}/?project=views")
    ready(other, metrics=3)
    other.get_by_role("button", name="Save what is shown under a name").click()
    other.get_by_role("link", name="the second").click()
    other.wait_for_url(re.compile("by=lr"))
    ready(other, metrics=3)
    expect(other.get_by_placeholder("Filter metrics")).to_have_value("val")
    expect(other.locator(".section-head b").first).to_have_text("Pinned")
    expect(other.locator(".card:visible")).to_have_count(2)
    for _ in range(100):
        if len(drawn(other, "val/acc")["bands"]) == 2:
            break
        other.wait_for_timeout(100)
    assert len(drawn(other, "val/acc")["bands"]) == 2
    expect(other.locator(".choice button", has_text="Relative")).to_have_attribute("aria-pressed", "true")
    assert other.evaluate("window.hit") is None
    other.get_by_role("button", name="Save what is shown under a name").click()
    other.get_by_role("button", name=f"Delete {HOSTILE}").click()
    expect(other.locator("a.entry")).to_have_text(["the second"])
    context.close()
    assert [view["name"] for view in stage.get("/projects/views/views")["views"]] == ["the second"]


def test_a_view_of_ones_own_stays_in_this_browser(stage: Stage, visit: Open, browser: Browser) -> None:
    stage.train("runcast.init(project='mine', id='one')\nfor s in range(50): runcast.log({'loss': s})")
    page = visit(f"{stage.url}/?project=mine&log=1")
    ready(page)
    page.get_by_role("button", name="Save what is shown under a name").click()
    views = page.get_by_role("dialog", name="Views")
    views.get_by_label("Only for me").check()
    views.get_by_label("Name of this view").fill(HOSTILE)
    page.keyboard.press("Enter")
    expect(views).to_contain_text("Saved in this browser")
    assert stage.get("/projects/mine/views")["views"] == []
    again = page.context.new_page()
    again.goto(f"{stage.url}/?project=mine")
    ready(again)
    again.get_by_role("button", name="Save what is shown under a name").click()
    again.get_by_role("link", name=HOSTILE).click()
    again.wait_for_url(re.compile("log=1"))
    ready(again)
    again.get_by_role("button", name="Save what is shown under a name").click()
    again.get_by_role("button", name=f"Delete {HOSTILE}").click()
    expect(again.locator("a.entry")).to_have_count(0)
    context = browser.new_context()
    other = context.new_page()
    other.goto(f"{stage.url}/?project=mine")
    ready(other)
    other.get_by_role("button", name="Save what is shown under a name").click()
    expect(other.get_by_role("dialog", name="Views")).to_contain_text("None yet")
    context.close()


def test_whoever_deletes_views_by_keys_stays_among_them(stage: Stage, visit: Open) -> None:
    """Escape is the panel's still, and does not end the board's zoom."""
    stage.train("runcast.init(project='keyed', id='one')\nfor s in range(50): runcast.log({'loss': s})")
    page = visit(f"{stage.url}/?project=keyed")
    ready(page)
    ask(page, {"op": "zoom", "range": [10, 20]})
    expect(page.locator(".chip.reset")).to_be_visible()
    page.get_by_role("button", name="Save what is shown under a name").click()
    views = page.get_by_role("dialog", name="Views")
    field = views.get_by_label("Name of this view")
    for mine in (False, True):
        views.get_by_label("Only for me").set_checked(mine)
        field.fill("to go")
        field.press("Enter")
        views.get_by_role("button", name="Delete to go").focus()
        page.keyboard.press("Enter")
        expect(views.locator("a.entry")).to_have_count(0)
        expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(views).to_be_hidden()
    expect(page.locator(".chip.reset")).to_be_visible()


@pytest.mark.parametrize(("name", "query"), [("", "a=1"), ("x" * 257, "a=1"), ("x", "a" * 20_000)])
def test_a_view_has_a_name_and_a_length(stage: Stage, name: str, query: str) -> None:
    body = f'{{"name": "{name}", "query": "{query}"}}'.encode()
    asked = urllib.request.Request(
        f"{stage.url}/api/v1/projects/none/views", body, {"content-type": "application/json"}, method="POST"
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(asked, timeout=10)
    with refused.value as answer:
        assert answer.code == 422
