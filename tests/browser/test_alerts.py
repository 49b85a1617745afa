"""The Alerts page in a real browser: what was said, and rules that are added, removed and taken back."""

from __future__ import annotations

from playwright.sync_api import expect
from tests.browser.conftest import Open
from tests.browser.stage import Stage

HOSTILE = "<img src=x onerror=window.hacked=1>"
TRAINING = """
run = runcast.init(project="alerted", id=sys.argv[1], name=sys.argv[2])
run.log({"loss": float(sys.argv[3])})
run.alert(sys.argv[2], "see *this*", level="WARN")
run.finish()
"""


def test_alerts_are_shown_as_they_come_and_rules_are_changed(stage: Stage, visit: Open) -> None:
    stage.train("runcast.init(project='alerted', id='calm').finish()")
    page = visit(f"{stage.url}/alerts?project=alerted")
    expect(page.get_by_text("Nothing to worry about so far")).to_be_visible(timeout=30_000)
    rules = page.locator(".a-rule code")
    expect(rules).to_have_text(["* is nan", "run fails"])
    page.get_by_label("New rule").fill("loss >")
    page.get_by_role("button", name="Add").click()
    expect(page.locator(".a-words")).to_contain_text("cannot be read; rules are such as")
    page.get_by_label("New rule").fill("loss > 3")
    page.get_by_label("How bad it is").select_option("error")
    page.get_by_role("button", name="Add").click()
    expect(rules).to_have_text(["* is nan", "run fails", "loss > 3"])
    expect(page.get_by_label("New rule")).to_have_value("")
    page.get_by_role("button", name="Remove * is nan").click()
    expect(rules).to_have_text(["run fails", "loss > 3"])
    page.get_by_role("button", name="Undo").click()
    expect(rules).to_have_count(3)
    stage.train(TRAINING, "bad", HOSTILE, "7")
    titles = page.locator(".a-alert b")
    expect(titles).to_have_text([HOSTILE, "loss is 7"], timeout=30_000)
    expect(page.locator(".a-alert").last).to_have_attribute("data-level", "ERROR")
    assert page.locator(".ra img").count() == 0
    assert page.evaluate("window.hacked") is None
    page.locator(".a-alert .a-link").first.click()
    expect(page.locator(".run-title")).to_have_text(HOSTILE, timeout=30_000)
