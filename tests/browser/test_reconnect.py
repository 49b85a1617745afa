"""What happens to the picture when the line is cut, or the service dies."""

from __future__ import annotations

import os
import re
import signal
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import JSHandle, Page, expect
from tests.browser.board import points, ready, stats
from tests.browser.conftest import Open
from tests.browser.line import line_to
from tests.browser.stage import Stage, command, service

from runcast import discovery

STEADY = """
run = runcast.init(project="steady", id="one")
step = 0
end = time.time() + float(sys.argv[1])
while time.time() < end:
    runcast.log({"loss": math.cos(step / 30), "accuracy": step})
    step += 1
    time.sleep(0.02)
runcast.finish()
"""
ASIDE = """
for id in ("first", "second"):
    run = runcast.init(project="aside", id=id)
    for step in range(20):
        run.log({"loss": step})
    run.finish()
"""
CUT_SECONDS = 10
DEAD_SECONDS = 5


def test_a_cut_of_ten_seconds_leaves_no_gap_and_doubles_nothing(stage: Stage, visit: Open) -> None:
    """The points that the worker holds afterwards are those that were logged; they came as what was missing."""
    training = stage.start(STEADY, "22")
    port = urlsplit(stage.url).port
    assert port
    with line_to(port) as line:
        page = visit(f"http://127.0.0.1:{line.port}/?project=steady")
        ready(page, metrics=2)
        page.wait_for_function("__rc.board.toolbar.state === 'live'")
        page.wait_for_timeout(2000)
        board = page.evaluate_handle("__rc.board")
        line.cut()
        page.wait_for_function("__rc.board.toolbar.state === 'reconnecting'")
        held_at_cut = points(page, "one", "loss")[0]
        page.wait_for_timeout(CUT_SECONDS * 1000)
        assert points(page, "one", "loss")[0] == held_at_cut
        line.join()
        page.wait_for_function("__rc.board.toolbar.state === 'live'", timeout=20_000)
        assert training.wait(60) == 0
        page.wait_for_function("__rc.board.runs.get('one').state === 'finished'", timeout=20_000)
        _is_held(page, stage, board)


def test_a_service_that_was_killed_under_an_open_board_comes_back_to_it(visit: Open) -> None:
    """Nobody reloads the page: every row is on it, once, also those that were logged while there was no service."""
    with tempfile.TemporaryDirectory(prefix="rc-") as folder, service(Path(folder)) as stage:
        training = stage.start(STEADY, "25")
        page = visit(f"{stage.url}/?project=steady")
        ready(page, metrics=2)
        page.wait_for_function("__rc.board.toolbar.state === 'live'")
        stage.train(ASIDE)
        other = visit(f"{stage.url}/?project=aside")
        ready(other)
        other.locator(".rc .row[data-id=first] .run").click()
        expect(other).to_have_url(re.compile(r"/run\?project=aside&run=first$"))
        page.wait_for_timeout(2000)
        board = page.evaluate_handle("__rc.board")
        found = discovery.read(stage.directory)
        assert found
        os.kill(found.pid, signal.SIGKILL)
        page.wait_for_function("__rc.board.toolbar.state === 'reconnecting'")
        held_at_kill = points(page, "one", "loss")[0]
        page.wait_for_timeout(DEAD_SECONDS * 1000)
        assert points(page, "one", "loss")[0] == held_at_kill
        port = str(urlsplit(stage.url).port)
        with command(stage, "up", "--port", port, "--no-open", health=f"{stage.url}/healthz"):
            page.wait_for_function("__rc.board.toolbar.state === 'live'", timeout=30_000)
            assert training.wait(60) == 0
            page.wait_for_function("__rc.board.runs.get('one').state === 'finished'", timeout=20_000)
            _is_held(page, stage, board)
            assert stage.get("/projects/steady/runs/one")["rows"] == len(stage.history("steady", "one"))
            # Nothing is known any more of who looks: where they were stands in their address.
            expect(other.locator("[data-test-connection-state=CONNECTED]")).to_be_attached(timeout=30_000)
            other.locator("button.chip", has_text="Log y").click()
            expect(other).to_have_url(re.compile(r"/run\?project=aside&run=first&.*log=1"), timeout=30_000)
            assert other.evaluate("__rc.board.data.run.id") == "first"


def _is_held(page: Page, stage: Stage, board: JSHandle) -> None:
    """Check that a board that was never made anew holds all rows of the run as they were logged."""
    page.wait_for_timeout(500)
    rows = stage.history("steady", "one")
    assert len(rows) > 500
    assert [row["accuracy"] for row in rows] == list(range(len(rows)))  # It logs their numbers.
    for metric in ("loss", "accuracy"):
        steps, values = points(page, "one", metric)
        assert steps == [row["_step"] for row in rows]
        assert values == [row[metric] for row in rows]
    assert page.evaluate("(board) => board === __rc.board", board)
    assert list(stats(page)["marks"]) == ["one"]
