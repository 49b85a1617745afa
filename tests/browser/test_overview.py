"""A run in words: its notes, which readers write, its config and its summary."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from playwright.sync_api import Page, expect
from tests.browser.board import box_of, ready
from tests.browser.conftest import Open
from tests.browser.held import hold
from tests.browser.stage import Stage
from tests.conftest import eventually

HOSTILE = "<img src=x onerror=window.hacked=1>"
BIDI = "\u202egnp.exe"
NOTES = f"""# Warm-up {HOSTILE}
Longer **and _slower_**; `a_b`, snake_case_name, 2 * 3 * 4.

- [x] baseline
- second
  - nested

| model | acc |
|---|---|
| {HOSTILE} | 0.9 |

```html
<script>window.hacked = 1</script>
```
![far](https://evil.example/x.png) [good](https://example.org/a?b=1) https://example.org/plain.
[script](javascript:window.hacked=1) [data](data:text/html,x) [mail](mailto:a@b.example) [here](/health) {BIDI}
"""
TRAINING = """
run = runcast.init(
    project=sys.argv[1], id="seen", notes=sys.argv[2],
    config={"lr": 0.1, sys.argv[3]: sys.argv[3], "net": {"depth": 12, "head": {"dim": 64}}, "prompt": "word " * 200,
            **{f"more{k}": k for k in range(8)}},
)
run.log({"loss": 1.0, "acc": 0.25})
run.finish()
"""


def overview(stage: Stage, visit: Open, project: str) -> Page:
    page = visit(f"{stage.url}/run?project={project}&run=seen")
    ready(page)
    page.get_by_role("tab", name="Overview").click()
    return page


def annotate(stage: Stage, project: str, notes: str, was: str) -> None:
    body = json.dumps({"notes": notes, "was": was}).encode()
    address = f"{stage.url}/api/v1/projects/{project}/runs/seen/notes"
    urllib.request.urlopen(urllib.request.Request(address, body, {"content-type": "application/json"})).close()


def test_notes_are_markdown_and_nothing_in_them_is_markup(stage: Stage, visit: Open) -> None:
    stage.train(TRAINING, "noted", NOTES, HOSTILE)
    page = overview(stage, visit, "noted")
    shown = page.locator(".notes-shown .markdown")
    expect(shown.locator("h3")).to_have_text(f"Warm-up {HOSTILE}")
    expect(shown.locator("strong")).to_have_text("and slower")
    expect(shown.locator("em")).to_have_text("slower")
    expect(shown.locator("p").first).to_contain_text("snake_case_name, 2 * 3 * 4.")
    expect(shown.locator("li")).to_have_text(["☑ baseline", "secondnested", "nested"])
    expect(shown.locator("td")).to_have_text([HOSTILE, "0.9"])
    expect(shown.locator("pre")).to_have_text("<script>window.hacked = 1</script>")
    links: Any = shown.locator("a").evaluate_all("(all) => all.map((one) => [one.textContent, one.href, one.rel])")
    rel = "noopener noreferrer nofollow"
    assert links == [
        ["far", "https://evil.example/x.png", rel],
        ["good", "https://example.org/a?b=1", rel],
        ["https://example.org/plain", "https://example.org/plain", rel],
        ["mail", "mailto:a@b.example", rel],
    ]
    expect(shown).to_contain_text("[script](javascript:window.hacked=1) [data](data:text/html,x)")
    # A config is a tree: it opens, is searched, and shows what is long when asked.
    tree = page.locator(".part", has=page.get_by_role("heading", name="Config"))
    expect(tree.locator(".leaf", has_text="prompt")).to_contain_text("all 1,000 characters")
    tree.get_by_role("button", name="all 1,000 characters").click()
    expect(tree.get_by_role("button", name="less")).to_be_focused()
    tree.get_by_label("Search config").fill("head.d")
    expect(tree.locator(".leaf:visible")).to_have_text("dim64")
    tree.get_by_label("Search config").fill(HOSTILE)
    expect(tree.locator(".leaf:visible .leaf-value")).to_have_text(HOSTILE)
    tree.get_by_label("Search config").fill("nowhere")
    expect(tree).to_contain_text("Nothing has “nowhere” in it.")
    assert page.locator(".overview img, .overview script").count() == 0
    assert page.evaluate("window.hacked") is None


def test_nobody_overwrites_notes_that_they_have_not_seen(stage: Stage, visit: Open) -> None:
    stage.train(TRAINING, "shared-notes", "", "x")
    stage.train("runcast.init(project='shared-notes', id='other').log({'elsewhere': 1.0})")
    page = overview(stage, visit, "shared-notes")
    # What only another run has is no chart of this one.
    page.wait_for_function("__rc.board.own.known.has('elsewhere')")
    assert page.evaluate("[...__rc.board.cards.cards.keys()].sort()") == ["acc", "loss"]
    page.get_by_role("tab", name="System").click()
    expect(page.get_by_text("No samples of the machine yet")).to_be_visible()
    page.get_by_role("tab", name="Overview").click()
    page.get_by_role("button", name="Write notes").click()
    field = page.get_by_label("Notes, in Markdown")
    expect(field).to_be_focused()
    page.keyboard.type("mine, with space l ?")
    annotate(stage, "shared-notes", "**theirs**", "")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".notes-theirs strong")).to_have_text("theirs")
    expect(field).to_have_value("mine, with space l ?")
    assert stage.get("/projects/shared-notes/runs/seen")["notes"] == "**theirs**"
    page.get_by_role("button", name="Save", exact=False).click()
    expect(page.locator(".notes-shown")).to_have_text("mine, with space l ?")
    assert stage.get("/projects/shared-notes/runs/seen")["notes"] == "mine, with space l ?"
    # What somebody else saves is seen soon, and escape does not throw away what was written.
    annotate(stage, "shared-notes", "later", "mine, with space l ?")
    expect(page.locator(".notes-shown")).to_have_text("later", timeout=30_000)
    page.get_by_role("button", name="Edit").click()
    field.fill("draft")
    page.keyboard.press("Escape")
    expect(field).to_have_value("draft")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".notes-shown")).to_have_text("later")
    page.get_by_role("button", name="Compare this run", exact=False).click()
    page.wait_for_function("window.__rc?.compare?.runs?.length === 2")


def test_what_is_written_while_notes_are_saved_is_not_lost(stage: Stage, visit: Open) -> None:
    stage.train(TRAINING, "slow-notes", "", "x")
    page = overview(stage, visit, "slow-notes")
    page.get_by_role("button", name="Write notes").click()
    page.keyboard.type("first")
    held = hold(page, "**/notes")
    with page.expect_request("**/notes"):
        page.keyboard.press("Control+Enter")
    page.keyboard.type(" and second")
    held[0].continue_()
    expect(page.locator(".notes-bar")).to_contain_text("Saved, but for what you wrote since.")
    expect(page.get_by_label("Notes, in Markdown")).to_have_value("first and second")
    assert stage.get("/projects/slow-notes/runs/seen")["notes"] == "first"
    page.unroute("**/notes")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".notes-shown")).to_have_text("first and second")


def test_a_summary_that_changes_leaves_the_reader_what_is_selected_and_focused(stage: Stage, visit: Open) -> None:
    stage.start(
        """
        run = runcast.init(project="moving", id="seen")
        run.summary["said"] = "word " * 100
        for step in range(100_000):
            run.log({"loss": step, "net": {"depth": step}})
            time.sleep(0.05)
        """
    )
    eventually(lambda: '"moving"' in json.dumps(stage.get("/projects")), within_seconds=60)
    page = overview(stage, visit, "moving")
    tree = page.locator(".part", has=page.get_by_role("heading", name="Summary"))
    loss = tree.locator(".leaf", has=page.get_by_text("loss", exact=True))
    loss.locator(".leaf-key").click(click_count=3)
    whole = tree.get_by_role("button", name="all 500 characters")
    whole.focus()
    before = loss.locator(".leaf-value").inner_text()
    expect(loss.locator(".leaf-value")).not_to_have_text(before, timeout=30_000)
    expect(whole).to_be_focused()
    selected = "__rc.board.root.getRootNode().getSelection?.() ?? getSelection()"
    assert "loss" in page.evaluate(f"({selected}).toString()")


def test_what_is_not_there_yet_is_explained_in_the_middle_of_the_page(stage: Stage, visit: Open) -> None:
    stage.given |= {"RUNCAST_SYSTEM": "1", "RUNCAST_SYSTEM_SECONDS": "0.1"}
    stage.train("runcast.init(project='begun', id='seen'); time.sleep(0.8)")
    stage.given.clear()
    page = visit(f"{stage.url}/?project=begun")
    ready(page)  # What its machine did is no metric of a training.
    expect(page.get_by_text("A run has started")).to_be_visible()
    page = visit(f"{stage.url}/run?project=begun&run=nobody")
    expect(page.get_by_text("There is no such run")).to_be_visible(timeout=30_000)
    box = box_of(page.locator(".st-key-lesson"))
    assert abs(box["x"] + box["width"] / 2 - 720) < 30
