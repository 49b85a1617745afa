"""What a reader does with single charts: pin, hide, take away; and what tells them how."""

from __future__ import annotations

import csv
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from playwright.sync_api import Page, expect
from tests.browser.board import box_of, ready
from tests.browser.conftest import Open
from tests.browser.stage import Stage

TRAINING = """
run = runcast.init(project="cards", id="one", name='a "quoted" name, with a comma')
for step in range(5):
    run.log({"train/loss": 1 / (step + 1), "train/acc": step / 5, "val/loss": 2.0 / (step + 1)})
run.finish()
"""
MANY = """
run = runcast.init(project="far-keys", id="one")
for step in range(3):
    run.log({f"{part}/m{number:02}": step + number for part in ("a", "b") for number in range(30)})
run.finish()
"""
FOCUSED = "__rc.board.root.getRootNode().activeElement?.getAttribute('aria-label') ?? ''"
BELOW = """[...__rc.board.root.querySelectorAll("button, input, select, [tabindex='0']")].find((one) => one.offsetParent
  && __rc.board.cards.root.compareDocumentPosition(one) === Node.DOCUMENT_POSITION_FOLLOWING).focus()"""


@pytest.fixture
def page(stage: Stage, visit: Open) -> Page:
    stage.train(TRAINING)
    page = visit(f"{stage.url}/?project=cards")
    ready(page, metrics=3)
    return page


def menu(page: Page, name: str, entry: str) -> None:
    page.locator(f".card:has([data-name='{name}'])").hover()
    page.get_by_role("button", name=f"More for {name}").click()
    page.get_by_role("menuitem", name=entry).click()


def names(page: Page) -> list[str]:
    return [
        str(name)
        for name in page.locator(".card:visible .plot").evaluate_all("(all) => all.map((one) => one.dataset.name)")
    ]


def test_a_chart_that_is_pinned_comes_first_on_the_next_visit_too(page: Page) -> None:
    assert names(page)[0] == "val/loss"
    menu(page, "train/acc", "Pin to the top")
    expect(page.locator(".section-head b").first).to_have_text("Pinned")
    assert names(page)[0] == "train/acc"
    page.reload()
    ready(page, metrics=3)
    assert names(page)[0] == "train/acc"
    menu(page, "train/acc", "Unpin")
    assert names(page)[0] == "val/loss"


def test_a_hidden_chart_can_be_had_back(page: Page) -> None:
    menu(page, "train/loss", "Hide")
    assert "train/loss" not in names(page)
    page.get_by_role("button", name="1 hidden chart: show again").click()
    assert "train/loss" in names(page)


def test_a_chart_is_taken_away_as_a_picture_and_as_numbers(page: Page, tmp_path: Path) -> None:
    with page.expect_download() as picture:
        menu(page, "train/acc", "Save as PNG")
    assert picture.value.suggested_filename == "train_acc.png"
    picture.value.save_as(tmp_path / "chart.png")
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")
    with page.expect_download() as vectors:
        menu(page, "train/acc", "Save as SVG")
    vectors.value.save_as(tmp_path / "chart.svg")
    drawing = ET.parse(tmp_path / "chart.svg").getroot()
    texts = [text.text for text in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[0] == "train/acc"
    assert texts[-1] == 'a "quoted" name, with a comma'
    strokes = [each for each in drawing.iter("{http://www.w3.org/2000/svg}path") if each.get("stroke-width")]
    assert [each.get("d", "").count("L") for each in strokes] == [4]
    with page.expect_download() as numbers:
        menu(page, "train/acc", "Save as CSV")
    numbers.value.save_as(tmp_path / "chart.csv")
    with (tmp_path / "chart.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["run"], row["step"], float(row["value"])) for row in rows] == [
        ("one", str(k), k / 5) for k in range(5)
    ]
    assert rows[0]["name"] == 'a "quoted" name, with a comma'


def test_the_question_mark_says_what_the_keys_do(page: Page) -> None:
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys and gestures")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog.help")).to_be_hidden()
    page.wait_for_function("__rc.board.clock?.t1 > __rc.board.clock?.t0")
    page.keyboard.press("Space")
    page.wait_for_function("!__rc.board.clock.live")


def test_a_menu_is_walked_with_the_keyboard(page: Page) -> None:
    page.get_by_role("button", name="More for val/loss").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="Show large")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".card.large")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator(".card.large")).to_have_count(0)


def test_a_chart_is_pulled_to_another_place_and_to_another_size(page: Page) -> None:
    natural = names(page)
    head = page.locator(f".card:has([data-name='{natural[0]}']) .title")
    last = page.locator(f".card:has([data-name='{natural[2]}'])")
    box, target = box_of(head), box_of(last)
    page.mouse.move(box["x"] + 60, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(target["x"] + target["width"] - 20, target["y"] + 60, steps=8)
    page.keyboard.press("Escape")
    page.mouse.up()
    assert names(page) == natural  # Taken back.
    page.mouse.move(box["x"] + 60, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(target["x"] + target["width"] - 20, target["y"] + 60, steps=8)
    page.mouse.up()
    moved = [natural[1], natural[2], natural[0]]
    assert names(page) == moved
    card = page.locator(f".card:has([data-name='{natural[1]}'])")
    before = box_of(card)
    card.hover()
    page.mouse.move(before["x"] + before["width"] - 5, before["y"] + before["height"] - 5)
    page.mouse.down()
    page.mouse.move(before["x"] + 2 * before["width"], before["y"] + 2 * before["height"], steps=8)
    page.mouse.up()
    after = box_of(card)
    assert after["width"] > 1.9 * before["width"]
    assert after["height"] > 1.9 * before["height"]
    page.wait_for_function(
        "(name) => { const card = __rc.board.cards.cards.get(name); return card.canvas.clientWidth === card.width; }",
        arg=natural[1],
    )
    page.reload()
    ready(page, metrics=3)
    assert names(page) == moved
    assert card.get_attribute("data-wide") == "2"
    assert "charts=" in page.evaluate("__rc.board.link()")


def test_place_and_size_are_said_by_keys_too(page: Page) -> None:
    natural = names(page)
    menu(page, natural[0], "Place and size")
    panel = page.get_by_role("dialog", name=f"Place and size of {natural[0]}")
    expect(panel.get_by_role("button", name="Before the chart")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert names(page) == [natural[1], natural[0], natural[2]]
    panel.get_by_role("button", name="As wide as the board").focus()
    page.keyboard.press("Enter")
    expect(page.locator(f".card:has([data-name='{natural[0]}'])")).to_have_attribute("data-wide", "3")
    panel.get_by_role("button", name="natural order").press("Enter")
    expect(panel).to_be_hidden()
    expect(page.get_by_role("button", name=f"More for {natural[0]}")).to_be_focused()
    assert names(page) == natural
    expect(page.locator(f".card:has([data-name='{natural[0]}'])")).to_have_attribute("data-wide", "1")


def test_who_goes_by_keys_comes_to_every_chart_also_those_that_are_out_of_view(stage: Stage, visit: Open) -> None:
    """The buttons of a card are made when it comes near the screen, or near the focus."""
    stage.train(MANY)
    page = visit(f"{stage.url}/?project=far-keys")
    ready(page, metrics=60)
    made = page.get_by_role("button", name="More for")
    expect(made.first).to_be_attached()
    assert made.count() < 40
    page.evaluate(BELOW)
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(FOCUSED) == "More for b/m29"
    page.locator(".section-head").last.focus()
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(FOCUSED) == "More for a/m29"
    page.locator(".section-head").first.focus()
    met = []
    for _ in range(2 * 60 + 1):  # Each card has two buttons, and one section's head lies between.
        page.keyboard.press("Tab")
        met.append(page.evaluate(FOCUSED))
    natural = [f"{part}/m{number:02}" for part in ("a", "b") for number in range(30)]
    assert [label for label in met if label.startswith("More")] == [f"More for {name}" for name in natural]
