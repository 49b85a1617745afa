"""Whatever people call their things stands on every page as text: it runs nothing, breaks nothing, turns no words."""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, expect
from tests.browser.board import box_of, ready
from tests.browser.chromium import WINDOW
from tests.browser.hostile import IMG, NAME, TEXT, TRAINING, faults
from tests.browser.stage import Stage, service

LOADED_MS = 60_000
# A page of several addresses asks Streamlit at two of them; and a page that was logged is kept from loading anything.
EXPECTED = ("_stcore", "Content Security Policy")


@pytest.fixture(scope="module")
def hostile() -> Iterator[Stage]:
    with tempfile.TemporaryDirectory(prefix="rc-") as folder, service(Path(folder)) as stage:
        stage.train(TRAINING, NAME, TEXT)
        yield stage


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Open a window; a dialog or an error in it fails the test."""
    page = browser.new_page(viewport={"width": WINDOW["width"], "height": WINDOW["height"]})
    said: list[str] = []

    def refused(dialog: Dialog) -> None:
        said.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    page.on("console", lambda message: said.extend(errors(message)))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", refused)
    yield page
    page.close()
    assert said == []


def errors(message: ConsoleMessage) -> list[str]:
    """Give what a page complains of, if that is not to be expected."""
    text = f"{message.text} {message.location}"
    return [text] if message.type == "error" and not any(known in text for known in EXPECTED) else []


def go(stage: Stage, page: Page, path: str, **query: str) -> None:
    page.goto(f"{stage.url}{path}?{urlencode({'project': NAME, **query})}")


def test_on_the_live_page(hostile: Stage, page: Page) -> None:
    go(hostile, page, "/")
    ready(page, metrics=4)
    expect(page.locator(".row .run-name").first).to_contain_text(IMG, timeout=LOADED_MS)
    expect(page.locator(".card .title b").first).to_contain_text(IMG, timeout=LOADED_MS)
    assert faults(page) == []
    box = box_of(page.locator(".rc .plot").first)
    page.mouse.move(box["x"] + 200, box["y"] + 60)
    expect(page.locator(".tip-row span").first).to_contain_text(IMG, timeout=LOADED_MS)
    assert faults(page) == []
    page.locator(".card").first.hover()
    page.locator(".card .ghost[aria-label^='More for']").first.click()
    with page.expect_download() as taken:
        page.get_by_role("menuitem", name="Save as CSV").click()
    # The name of a file is tame, and what is in the file is as it was.
    assert set("<>\"'`\u202e/") & set(taken.value.suggested_filename) == set()
    with open(taken.value.path(), newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["name"] for row in rows} == {f"{NAME}0", f"{NAME}1"}
    page.mouse.move(5, 5)
    page.keyboard.press("?")
    expect(page.locator(".help")).to_be_visible(timeout=LOADED_MS)
    assert faults(page) == []


def test_on_the_page_of_runs(hostile: Stage, page: Page) -> None:
    go(hostile, page, "/runs")
    expect(page.locator(".t-name").first).to_contain_text(IMG, timeout=LOADED_MS)
    assert faults(page) == []
    page.get_by_role("button", name="Choose columns").click()
    expect(page.locator(".t-choice", has_text=IMG).first).to_be_visible(timeout=LOADED_MS)
    assert faults(page) == []


def test_on_the_page_that_compares(hostile: Stage, page: Page) -> None:
    go(hostile, page, "/compare", runs="odd0,odd1")
    expect(page.locator(".c-run span").first).to_contain_text(IMG, timeout=LOADED_MS)
    assert faults(page) == []
    for view, sign in {"Scatter": ".c-dot", "Parallel": ".c-path", "Importance": ".c-words"}.items():
        page.locator(".choice button", has_text=view).click()
        expect(page.locator(sign).first).to_be_visible(timeout=LOADED_MS)
        assert faults(page) == [], view
    page.locator(".choice button", has_text="Charts").click()
    ready(page, metrics=4)
    assert faults(page) == []


def test_on_a_runs_page(hostile: Stage, page: Page) -> None:
    go(hostile, page, "/run", run="odd0")
    ready(page, metrics=4)
    assert faults(page) == []
    signs = {
        "Overview": ".leaf-value",
        "Media": ".media-card figcaption",
        "Console": ".line span",
        "Files": ".file-name",
    }
    for tab, sign in signs.items():
        page.get_by_role("tab", name=tab).click()
        expect(page.locator(sign).filter(has_text="onerror").first).to_be_visible(timeout=LOADED_MS)
        assert faults(page) == [], tab
    page.locator("details.version summary").first.click()
    expect(page.locator(".version-files .file-name").first).to_contain_text("onerror", timeout=LOADED_MS)
    assert faults(page) == []


def test_on_the_page_of_alerts(hostile: Stage, page: Page) -> None:
    go(hostile, page, "/alerts")
    expect(page.locator(".ra .a-list").filter(has_text=IMG)).to_be_visible(timeout=LOADED_MS)
    assert faults(page) == []


def test_where_there_is_nothing_to_show(hostile: Stage, page: Page) -> None:
    go(hostile, page, "/run", run=f"none{IMG}")
    expect(page.get_by_text(f"none{IMG}")).to_be_visible(timeout=LOADED_MS)
    assert faults(page) == []
    go(hostile, page, "/", project=f"{NAME}none")
    expect(page.get_by_text("Waiting for the first run")).to_be_visible(timeout=LOADED_MS)
    assert faults(page) == []
    page.goto(f"{hostile.url}/health")
    expect(page.locator(".h-word").first).to_be_visible(timeout=LOADED_MS)
    assert faults(page) == []


@pytest.mark.parametrize(
    "words",
    [["ls"], ["ls", NAME], ["show", f"{NAME}/odd0"], ["show", f"{NAME}/{IMG}"], ["top", NAME, "-m", NAME]],
    ids=["ls", "ls-project", "show", "show-none", "top"],
)
def test_in_a_terminal(hostile: Stage, words: list[str]) -> None:
    """Nothing that is printed moves its cursor, renames its window or turns its words around."""
    done = subprocess.run(
        [sys.executable, "-m", "runcast.cli", *words],
        env=hostile.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert IMG[:10] in done.stdout + done.stderr
    assert steering(done.stdout + done.stderr) == set()


def test_in_a_terminal_that_follows(hostile: Stage) -> None:
    command = [sys.executable, "-m", "runcast.cli", "tail", "--all", NAME]
    following = subprocess.Popen(command, env=hostile.environment, stdout=subprocess.PIPE, text=True)
    assert following.stdout is not None
    lines = [following.stdout.readline() for _ in range(20)]
    following.terminate()
    following.communicate(timeout=20)
    assert IMG in lines[0]
    assert steering("".join(lines)) == set()


def steering(text: str) -> set[str]:
    return {char for char in text if unicodedata.category(char) in {"Cc", "Cf"} and char != "\n"}
