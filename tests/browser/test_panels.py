"""A run's media and console beside its charts: they follow the clock, and nothing in them acts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect
from tests.browser.board import box_of, ready
from tests.browser.conftest import Open
from tests.browser.stage import Stage
from tests.flow.running import wait_until

HOSTILE = '<img src=x onerror="window.hacked=1">'
BIDI = "\u202egnp.exe"

TRAINING = """
import numpy as np
run = runcast.init(project=sys.argv[1], id="seen", settings={"console": "wrap"})
table = runcast.Table(columns=["name", "score"], data=[[f"<b>{k}</b>", float(99 - k)] for k in range(100)])
page = "<h1>page</h1><script>document.body.dataset.ran = 1;" \\
    "try { parent.document.title = 'hacked' } catch (error) { document.body.append('kept out') };" \\
    "fetch('/api/v1/projects').catch(() => document.body.append(' and cut off'))</script>"
for step in range(6):
    box = {"position": {"minX": 0.1, "maxX": 0.5, "minY": 0.1, "maxY": 0.5}, "class_id": 1, "box_caption": sys.argv[2]}
    pixels = np.full((8, 8), step / 5)
    row = {"loss": 1 / (step + 1), "sample": runcast.Image(pixels, caption=f"at {step} {sys.argv[2]}")}
    over = {"boxes": {"said": {"box_data": [box]}}, "masks": {"m": {"mask_data": pixels > 2}}}
    row[sys.argv[2]] = runcast.Image(pixels, **over)
    row["weights"] = runcast.Histogram(np.arange(10) * (step + 1.0), num_bins=5)
    row["several"] = [runcast.Image(pixels, caption=str(k)) for k in range(3)]
    print("line", step, sys.argv[2])
    sys.stderr.write(f"trouble {step}\\n")
    run.log(row)
    time.sleep(0.1)
svg = runcast.Html("<svg xmlns='http://www.w3.org/2000/svg' onload='try { parent.document.title = 1 } catch {}'/>")
run.log({"page": runcast.Html(page), "table": table, "beep": runcast.Audio(np.zeros(80), 8000), "svg": svg})
run.log({"solid": runcast.Object3D(np.zeros((2, 3))), sys.argv[3] * 20: runcast.Image(pixels)})
print("bar 1%", end="\\r")
print("bar 100%")
if len(sys.argv) > 4:
    sys.stdin.readline()
    run.log({"loss": 0.0, "sample": runcast.Image(pixels, caption="late")})
    print("a late line")
    time.sleep(1)
run.finish()
"""

BARE = """
import numpy as np
run = runcast.init(project="unnumbered", id="seen")
for step in range(6):
    run.log({"sample": runcast.Image(np.full((8, 8), step / 5))})
    time.sleep(0.05)
run.finish()
"""
LATE = """
import numpy as np
run = runcast.init(project="late", id="seen")
run.log({"loss": 1.0})
place = {"minX": 4, "maxX": 8, "minY": 2, "maxY": 6}
boxes = {"said": {"box_data": [{"position": place, "domain": "pixel", "class_id": 1, "box_caption": "found"}]}}
run.log({"table": runcast.Table(columns=["a"], data=[[1], [2]]), "beep": runcast.Audio(np.zeros(80), 8000),
         "page": runcast.Html("<h1>late</h1>"), "boxed": runcast.Image(np.zeros((8, 16)), boxes=boxes)})
run.finish()
"""


def opened(stage: Stage, visit: Open, project: str, panel: str) -> Page:
    page = visit(f"{stage.url}/run?project={project}&run=seen")
    ready(page)
    page.get_by_role("tab", name=panel).click()
    return page


def card(page: Page, key: str) -> Any:
    return page.locator(".media-card").filter(has=page.locator(".title b", has_text=re.compile(f"^{key}$")))


@pytest.fixture
def page(stage: Stage, visit: Open) -> Page:
    stage.train(TRAINING, "panels", HOSTILE, BIDI)
    return opened(stage, visit, "panels", "Media")


def test_what_was_logged_is_shown_and_what_strangers_wrote_is_text(page: Page) -> None:
    sample = card(page, "sample")
    expect(sample.locator(".note")).to_have_text("step 5 · 6 of 6")
    expect(sample.locator("figcaption")).to_have_text(f"at 5 {HOSTILE}")
    page.wait_for_function(
        "[...__rc.board.root.querySelectorAll('.media-card .picture > img')].every((one) => one.complete)"
    )
    assert sample.locator("img").evaluate("(image) => image.naturalWidth") == 8
    expect(page.locator(".media-card", has_text="several").locator("img")).to_have_count(3)
    strange = page.locator(".media-card", has=page.get_by_text(HOSTILE, exact=True)).first
    expect(strange.locator(".box span")).to_have_text(HOSTILE)
    expect(strange.locator("canvas.mask")).to_have_count(1)
    assert BIDI * 20 in page.locator(".media-card b").all_inner_texts()
    # A page has a world of its own: its script runs there, and reaches nothing.
    frame = page.frame_locator("iframe").first
    expect(frame.locator("body")).to_contain_text("kept out and cut off")
    assert page.evaluate("[document.title.includes('hacked'), window.hacked]") == [False, None]
    assert page.locator("img[src='x']").count() == 0
    expect(card(page, "solid")).to_contain_text("object3D-file: not drawn here")


def test_a_table_turns_its_pages_and_is_sorted_by_a_click(page: Page) -> None:
    table = card(page, "table")
    expect(table.locator("tbody tr")).to_have_count(50)
    expect(table.locator("tbody tr").first).to_contain_text("<b>0</b>")
    table.get_by_role("button", name="Sort by score").click()
    expect(table.locator("tbody tr").first).to_contain_text("<b>99</b>")
    table.get_by_title("Later rows").click()
    expect(table.locator(".table-foot .note")).to_have_text("rows 51–100 of 100")
    table.get_by_role("button", name="Sort by score").click()
    expect(table.locator("tbody tr").first).to_contain_text("<b>0</b>")


def test_the_slider_of_one_moves_the_clock_and_so_everything(page: Page) -> None:
    sample = card(page, "sample")
    page.wait_for_function("__rc.board.clock?.t1 > __rc.board.clock?.t0")
    sample.get_by_label("Step of sample").fill("2")
    expect(sample.locator(".note")).to_have_text("step 2 · 3 of 6")
    expect(card(page, "several").locator(".note")).to_have_text("step 2 · 3 of 6")
    expect(card(page, "table").locator(".note")).to_have_text("not logged yet")
    assert page.evaluate("__rc.board.clock.live") is False
    # It ran then, and there is nothing to interrupt now.
    expect(page.locator(".state-chip")).to_have_text("running")
    expect(page.get_by_role("button", name="Interrupt this training, as Ctrl-C would")).to_be_hidden()
    page.get_by_role("tab", name="Console").click()
    lines = page.locator(".line span")
    expect(page.locator(".console .note")).to_contain_text("line")
    expect(lines.filter(has_text="bar 100%")).to_have_count(0)
    page.keyboard.press("l")
    expect(lines.filter(has_text="bar 100%")).to_have_count(1)
    expect(lines.filter(has_text="bar 1%")).to_have_count(0)
    expect(page.locator(".line.error span").first).to_have_text("trouble 0")
    page.get_by_label("Search the console").fill("TROUBLE 3")
    expect(lines).to_have_text(["trouble 3"])


def test_a_histogram_is_drawn_as_it_was_at_the_moment_and_all_of_them_below_it(page: Page) -> None:
    page.wait_for_function("__rc.board.clock?.t1 > __rc.board.clock?.t0")
    weights = card(page, "weights")
    weights.scroll_into_view_if_needed()
    note, bars = weights.locator(".note"), weights.get_by_role("img")
    expect(note).to_have_text("step 5 · 6 of 6")
    expect(bars).to_have_accessible_name("10 values from 0 to 54, half of them below 27")
    expect(weights.locator("rect")).to_have_count(5)
    alphas = """(canvas) => [0, 5].map((x) => [0, canvas.height - 1].map((y) =>
      canvas.getContext("2d").getImageData(x, y, 1, 1).data[3]))"""
    # What reached from 0 to 9 at first lies in the lowest rows; in the end it reaches up to 54.
    assert weights.locator("canvas").evaluate(alphas) == [[0, 255], [255, 255]]
    weights.get_by_label("Step of weights").fill("0")
    expect(note).to_have_text("step 0 · 1 of 6")
    expect(bars).to_have_accessible_name("10 values from 0 to 9, half of them below 4.5")
    expect(card(page, "sample").locator(".note")).to_have_text("step 0 · 1 of 6")
    width = box_of(weights.locator(".heat"))["width"]
    weights.locator(".heat").click(position={"x": width * 0.4, "y": 20})
    expect(note).to_have_text("step 2 · 3 of 6")


def test_a_run_that_goes_on_shows_what_comes(stage: Stage, visit: Open) -> None:
    training = stage.start(TRAINING, "panels-live", "x", "y", "waits")
    wait_until(lambda: '"panels-live"' in json.dumps(stage.get("/projects")) or None, 60)
    page = visit(f"{stage.url}/run?project=panels-live&run=seen")
    ready(page)
    page.keyboard.press("Tab")
    page.get_by_role("tab", name="Media").click()
    expect(card(page, "sample").locator(".note")).to_have_text("step 5 · 6 of 6", timeout=30_000)
    assert training.stdin is not None
    training.stdin.write(b"\n")
    training.stdin.flush()
    expect(card(page, "sample").locator("figcaption")).to_have_text("late", timeout=30_000)
    page.get_by_role("tab", name="Media").press("ArrowRight")
    expect(page.locator(".line span").filter(has_text="a late line")).to_have_count(1, timeout=30_000)


def test_a_run_without_media_or_console_says_how_to_have_some(stage: Stage, visit: Open) -> None:
    stage.train("run = runcast.init(project='bare', id='seen'); run.log({'a': 1.0}); run.finish()")
    page = opened(stage, visit, "bare", "Media")
    expect(page.get_by_text("Nothing to look at yet")).to_be_visible()
    expect(page.locator(".teach code").first).to_contain_text("wandb.Image(")
    page.get_by_role("tab", name="Console").click()
    expect(page.get_by_text("Nothing was printed")).to_be_visible()


def test_files_and_artifacts_are_listed_and_open(stage: Stage, visit: Open) -> None:
    stage.train(
        """
        import os, tempfile
        os.chdir(tempfile.mkdtemp())
        run = runcast.init(project="kept", id="seen")
        run.log({"a": 1.0})
        open("notes.txt", "w").write("remember " + sys.argv[1])
        run.save("notes.txt")
        art = runcast.Artifact("model", type="model")
        with art.new_file("weights/w.txt") as file:
            file.write("w" * 2048)
        run.log_artifact(art).wait()
        run.finish()
        """,
        HOSTILE,
    )
    page = opened(stage, visit, "kept", "Files")
    link = page.get_by_role("link", name="notes.txt")
    with page.expect_popup() as popup:
        link.click()
    popup.value.wait_for_load_state()
    assert popup.value.locator("body").inner_text() == f"remember {HOSTILE}"
    page.get_by_text("model:v0").click()
    expect(page.get_by_role("link", name="weights/w.txt")).to_be_visible()
    expect(page.locator(".version-files")).to_contain_text("2.00 KiB")


def test_a_training_is_stopped_from_its_page_after_a_second_question(stage: Stage, visit: Open, tmp_path: Path) -> None:
    tidied = tmp_path / "tidied"
    training = stage.start(
        """
        import pathlib
        run = runcast.init(project="ending", id="seen")
        run.log({"a": 1.0})
        print("ready")
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            while not pathlib.Path(sys.argv[1]).exists():
                time.sleep(0.05)
            run.finish(exit_code=3)
            sys.exit(3)
        """,
        str(tidied),
    )
    wait_until(lambda: '"ending"' in json.dumps(stage.get("/projects")) or None, 60)
    page = opened(stage, visit, "ending", "Charts")
    page.get_by_role("button", name="Interrupt this training, as Ctrl-C would").click()
    page.get_by_role("button", name="Let it run").click()
    assert training.poll() is None
    page.get_by_role("button", name="Interrupt this training, as Ctrl-C would").click()
    page.get_by_role("button", name="Interrupt this training now").click()
    expect(page.locator(".state-chip")).to_have_text("stopping", timeout=30_000)
    # Whoever comes now sees it too.
    board = visit(f"{stage.url}/?project=ending")
    expect(board.locator(".row .run-detail").first).to_contain_text("stopping", timeout=30_000)
    tidied.touch()
    assert training.wait(30) == 3
    expect(board.locator(".row .run-detail").first).to_contain_text("failed", timeout=30_000)
    expect(page.locator(".state-chip")).to_have_text("failed", timeout=30_000)
    expect(page.locator(".stop")).to_be_hidden()


def test_ready_made_charts_are_drawn_above_their_tables(stage: Stage, visit: Open) -> None:
    stage.train(
        """
        plot, Table = runcast.plot, runcast.Table
        run = runcast.init(project="charts", id="seen")
        table = Table(columns=["x", "y", "kind"], data=[[k, k * k, f"<b>{k % 2}</b>"] for k in range(10)])
        run.log({"loss": 1.0, "line": plot.line(table, "x", "y", stroke="kind", title="squares")})
        run.log({"dots": plot.scatter(table, "x", "y")})
        run.log({"bars": plot.bar(Table(["name", "n"], [[sys.argv[1], 3], ["b", 1]]), "name", "n")})
        run.log({"matrix": plot.confusion_matrix(y_true=[0, 0, 1], preds=[0, 1, 1], class_names=["cat", "dog"])})
        run.log({"other": runcast.plot_table("me/mine/v0", table, {"x": "x"}), "spread": plot.histogram(table, "y")})
        run.finish()
        """,
        HOSTILE,
    )
    page = opened(stage, visit, "charts", "Media")
    expect(card(page, "line_table").locator("path.line")).to_have_count(2)
    expect(card(page, "line_table").locator(".legend span")).to_have_text(["<b>0</b>", "<b>1</b>"])
    expect(card(page, "dots_table").locator("circle")).to_have_count(10)
    expect(card(page, "bars_table").locator(".bars span")).to_have_text([HOSTILE, "b"])
    expect(card(page, "matrix_table").locator(".matrix td")).to_have_text(["1", "1", "0", "1"])
    expect(card(page, "spread_table").locator(".bars i")).to_have_count(24)
    expect(card(page, "other_table").locator("tbody tr")).to_have_count(10)
    expect(card(page, "other_table").locator(".preset")).to_have_count(0)


def test_a_picture_is_chosen_where_no_clock_leads_to_it(stage: Stage, visit: Open) -> None:
    """A run that logged no number has no timeline."""
    stage.train(BARE)
    page = visit(f"{stage.url}/run?project=unnumbered&run=seen")
    ready(page, metrics=0)
    page.get_by_role("tab", name="Media").click()
    note = card(page, "sample").locator(".note")
    expect(note).to_have_text("step 5 · 6 of 6")
    page.get_by_label("Step of sample").fill("2")
    expect(note).to_have_text("step 2 · 3 of 6")
    page.evaluate("__rc.board.panels.poll()")
    expect(note).to_have_text("step 2 · 3 of 6")
    page.get_by_label("Step of sample").fill("5")
    expect(note).to_have_text("step 5 · 6 of 6")


def test_what_comes_later_than_its_row_is_shown_when_it_comes(stage: Stage, visit: Open) -> None:
    stage.train(LATE)
    page = visit(f"{stage.url}/run?project=late&run=seen")
    ready(page)
    asked: list[str] = []

    def answer(route: Route) -> None:
        address = route.request.url.removesuffix("again").rstrip("?&")
        # A picture is later than the boxes in it.
        if asked.count(address) == 1 + address.split("?")[0].endswith(".png"):
            route.continue_()
            return
        asked.append(address)
        told = {"error": {"code": "not_here_yet", "message": "the bytes of this file have not arrived"}}
        route.fulfill(status=404, json=told)

    page.route("**/runs/seen/files/**", answer)
    page.get_by_role("tab", name="Media").click()
    expect(card(page, "table").locator("tbody tr")).to_have_count(2, timeout=15_000)
    expect(page.frame_locator("iframe").locator("h1")).to_have_text("late", timeout=15_000)
    page.wait_for_function("__rc.board.root.querySelector('.media-card audio').duration > 0", timeout=15_000)
    box = card(page, "boxed").locator(".box")
    expect(box).to_have_text(["found"], timeout=15_000)
    # In parts of a picture of 16 × 8 pixels.
    place = box.evaluate("({ style }) => [style.left, style.top, style.width, style.height]")
    assert place == ["25%", "25%", "25%", "50%"]
    expect(page.locator(".media-card .waiting")).to_have_count(0)
