"""What happens to the picture when the line is cut."""

from __future__ import annotations

from urllib.parse import urlsplit

from tests.browser.board import points, ready, stats
from tests.browser.conftest import Open
from tests.browser.line import line_to
from tests.browser.stage import Stage

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
CUT_SECONDS = 10


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
        page.wait_for_timeout(500)
        rows = stage.history("steady", "one")
        assert len(rows) > 500
        for metric in ("loss", "accuracy"):
            steps, values = points(page, "one", metric)
            assert steps == [row["_step"] for row in rows]
            assert values == [row[metric] for row in rows]
        assert page.evaluate("(board) => board === __rc.board", board)
        assert list(stats(page)["marks"]) == ["one"]
