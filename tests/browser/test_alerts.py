"""The Alerts page in a real browser: what was said, and rules that are added, removed and taken back."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from tests.browser.conftest import Open
from tests.browser.held import hold
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


def rules_of(stage: Stage, visit: Open, project: str) -> Page:
    stage.train(f"runcast.init(project='{project}', id='calm').finish()")
    page = visit(f"{stage.url}/alerts?project={project}")
    expect(page.locator(".a-rule code")).to_have_text(["* is nan", "run fails"], timeout=30_000)
    return page


def test_what_is_being_written_stays_when_a_rule_is_removed_and_taken_back(stage: Stage, visit: Open) -> None:
    page = rules_of(stage, visit, "written")
    field, removed = page.get_by_label("New rule"), page.get_by_role("button", name="Remove * is nan")
    held = hold(page, "**/rules/*")
    with page.expect_request("**/rules/*"):
        removed.click()
    removed.click()
    field.fill("loss > 9")
    held[0].continue_()
    back = page.get_by_role("button", name="Undo")
    expect(back).to_be_visible()
    expect(field).to_be_focused()
    back.click()
    expect(page.locator(".a-rule code")).to_have_count(2)
    expect(page.locator(".a-words")).to_contain_text("Added: * is nan")
    expect(field).to_have_value("loss > 9")
    assert len(held) == 1


def test_the_next_rule_may_be_written_while_one_is_added(stage: Stage, visit: Open) -> None:
    page = rules_of(stage, visit, "slow")
    field = page.get_by_label("New rule")
    held = hold(page, "**/rules")
    field.fill("loss > 3")
    with page.expect_request("**/rules"):
        field.press("Enter")
    field.fill("lr == 0 for 5m")
    held[0].continue_()
    expect(page.locator(".a-words")).to_contain_text("Added: loss > 3")
    expect(field).to_have_value("lr == 0 for 5m")


def test_a_removed_rule_is_not_lost_when_it_cannot_be_taken_back_at_once(stage: Stage, visit: Open) -> None:
    page = rules_of(stage, visit, "kept-rule")
    page.get_by_role("button", name="Remove * is nan").click()
    back = page.get_by_role("button", name="Undo")
    page.route("**/rules", lambda route: route.abort())
    back.click()
    words = page.locator(".a-words")
    expect(words).to_contain_text("The service does not answer")
    expect(words).to_contain_text("Still removed: * is nan")
    page.unroute("**/rules")
    back.click()
    expect(page.locator(".a-rule code")).to_have_count(2)
