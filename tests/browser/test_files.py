"""The files of a run and what is in its artifacts, while they come and while the service is away."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from tests.browser.board import ready
from tests.browser.conftest import Open
from tests.browser.held import hold
from tests.browser.stage import Stage
from tests.conftest import eventually

TRAINING = """
import os, tempfile
os.chdir(tempfile.mkdtemp())
run = runcast.init(project=sys.argv[1], id="seen")
run.log({"a": 1.0})
open("first.txt", "w").write("first")
run.save("first.txt")
model = runcast.Artifact("model", type="model")
with model.new_file("weights/w.txt") as file:
    file.write("w" * 2048)
run.log_artifact(model).wait()
if len(sys.argv) > 2:
    sys.stdin.readline()
    open("second.txt", "w").write("second")
    run.save("second.txt")
    sys.stdin.readline()
run.finish()
"""
MANIFEST = "**/api/v1/files/*"
LIST = "**/runs/seen/artifacts?*"
NOW = "__rc.board.panels.current.readAt = 0"  # A list is read again when the panel asks next.


def opened(stage: Stage, visit: Open, project: str) -> Page:
    page = visit(f"{stage.url}/run?project={project}&run=seen")
    ready(page)
    page.get_by_role("tab", name="Files").click()
    expect(page.get_by_role("link", name="first.txt")).to_be_visible(timeout=30_000)
    return page


def test_a_version_that_was_opened_stays_open_when_another_file_comes(stage: Stage, visit: Open) -> None:
    training = stage.start(TRAINING, "coming", "waits")
    eventually(lambda: any(one["name"] == "coming" for one in stage.get("/projects")["projects"]), within_seconds=60)
    page = opened(stage, visit, "coming")
    version = page.locator(".version summary")
    version.click()
    expect(page.get_by_role("link", name="weights/w.txt")).to_be_visible()
    version.focus()
    assert training.stdin
    training.stdin.write(b"\n")
    training.stdin.flush()
    expect(page.get_by_role("link", name="second.txt")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("link", name="weights/w.txt")).to_be_visible()
    expect(version).to_be_focused()


def test_a_version_that_is_opened_twice_at_once_lists_its_files_once(stage: Stage, visit: Open) -> None:
    stage.train(TRAINING, "twice")
    page = opened(stage, visit, "twice")
    held = hold(page, MANIFEST)
    with page.expect_request(MANIFEST):
        page.locator(".version summary").click()
    for shut in (True, False):
        page.locator(".version summary").click()
        expect(page.locator(".version:not([open])")).to_have_count(int(shut))
    for route in held:
        route.continue_()
    expect(page.locator(".version-files .file")).to_have_count(1)
    assert len(held) == 1


def test_a_version_whose_files_could_not_be_had_is_asked_for_again(stage: Stage, visit: Open) -> None:
    stage.train(TRAINING, "refused")
    page = opened(stage, visit, "refused")
    page.route(MANIFEST, lambda route: route.abort())
    page.locator(".version summary").click()
    expect(page.locator(".version-files")).to_contain_text("The service does not answer")
    page.unroute(MANIFEST)
    for _ in range(2):
        page.locator(".version summary").click()
    expect(page.get_by_role("link", name="weights/w.txt")).to_be_visible()
    expect(page.locator(".version-files")).not_to_contain_text("The service does not answer")


def test_an_outage_is_said_for_as_long_as_it_lasts(stage: Stage, visit: Open) -> None:
    stage.train(TRAINING, "short")
    page = opened(stage, visit, "short")
    note = page.locator(".panel:visible .panel-bar .note")
    expect(note).to_contain_text("1 file,")
    page.route(LIST, lambda route: route.abort())
    page.evaluate(NOW)
    expect(note).to_contain_text("The service does not answer")
    page.unroute(LIST)
    expect(note).to_contain_text("1 file,")
