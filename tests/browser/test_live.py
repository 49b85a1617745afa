"""What somebody sees who watches runs live."""

from __future__ import annotations

import re
import statistics
from urllib.parse import urlencode

from playwright.sync_api import Dialog, expect
from tests.browser.board import WATCH, ask, box_of, drawn, points, ready, stats
from tests.browser.conftest import Open
from tests.browser.stage import Stage

SLOW_MS = 30_000  # Python is asked, on a machine that others load.
PULSE = """
run = runcast.init(project=sys.argv[1], id=sys.argv[2])
for step in range(10_000):
    runcast.log({"loss": math.sin(step * 2.1)})
    time.sleep(0.25)
"""
BURST = """
run = runcast.init(project="burst", id="one")
run.log({"loss": 1.0})
run.log({"loss": 1.1})
sys.stdin.readline()
run.log({"loss": 1.2})
time.sleep(0.1)
run.log({"loss": 100.0})
sys.stdin.readline()
"""


def test_a_logged_number_is_on_the_screen_at_once(stage: Stage, visit: Open) -> None:
    """The moment of each point, as the trainer wrote it, against the moment its pixels changed on the page."""
    stage.start(PULSE, "pulse", "one")
    page = visit(f"{stage.url}/?project=pulse")
    ready(page)
    ask(page, {"op": "options", "options": {"axis": "wall"}})
    page.wait_for_timeout(1500)
    page.evaluate(WATCH, 0)
    page.wait_for_timeout(6000)
    changes = page.evaluate("__changes")
    logged = [row["_timestamp"] * 1000 for row in stage.history("pulse", "one")]
    delays = [
        min(change for change in changes if change > moment) - moment
        for moment in logged
        if changes[0] < moment < changes[-1] - 400
    ]
    print(f"\nlog to pixel: median {statistics.median(delays):.0f} ms, longest {max(delays):.0f} ms of {len(delays)}")
    assert len(delays) >= 10
    assert statistics.median(delays) < 1000


def test_reruns_and_a_change_of_theme_leave_the_board_and_its_socket_alone(stage: Stage, visit: Open) -> None:
    stage.train("runcast.init(project='calm', id='one')\nfor s in range(50): runcast.log({'loss': 1 / (s + 1)})")
    page = visit("about:blank")
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.goto(f"{stage.url}/?project=calm")
    ready(page)
    page.evaluate("window.__first = __rc.board")
    page.locator(".rc .slider").fill("0.9")
    expect(page).to_have_url(re.compile(r"smooth=0\.9"))  # It went to Python and came back as a link.
    page.emulate_media(color_scheme="dark")
    expect(page.locator(".rc")).to_have_class(re.compile(r"\bdark\b"))
    assert page.evaluate("__rc.board === __first")
    assert [url for url in sockets if url.endswith("/live")] == [f"{stage.url.replace('http', 'ws')}/live"]


def test_back_leaves_the_page_whatever_was_set_on_it(stage: Stage, visit: Open) -> None:
    """A setting stands in the address, and is no step; a page is one step."""
    stage.train("runcast.init(project='steps', id='one')\nfor s in range(50): runcast.log({'loss': 1 / (s + 1)})")
    page = visit("about:blank")
    page.goto(f"{stage.url}/?t=0")
    ready(page)
    expect(page).to_have_url(re.compile(r"\?project=\w+$"), timeout=SLOW_MS)
    page.goto(f"{stage.url}/?project=steps&t=0")
    ready(page)
    entries = page.evaluate("history.length")
    page.locator("button.chip", has_text="Log y").click()
    expect(page).to_have_url(re.compile(r"project=steps&.*log=1"), timeout=SLOW_MS)
    page.locator(".rc .slider").fill("0.9")
    expect(page).to_have_url(re.compile(r"smooth=0\.9"), timeout=SLOW_MS)
    assert page.evaluate("history.length") == entries
    page.reload()
    ready(page)
    assert page.evaluate("[__rc.board.options.log, __rc.board.options.smooth]") == [True, 0.9]
    page.locator(".rc .row .run").click()
    expect(page).to_have_url(re.compile(r"/run\?project=steps&run=one&.*log=1"), timeout=SLOW_MS)
    assert page.evaluate("history.length") == entries + 1
    # Python says once more what stands there; to whoever goes on within that tenth of a second it is an entry more.
    page.wait_for_timeout(500)
    expect(page.locator("[data-test-script-state=notRunning]")).to_be_attached(timeout=SLOW_MS)
    page.go_back()
    expect(page).to_have_url(re.compile(r"/\?project=steps&.*smooth=0\.9"), timeout=SLOW_MS)
    # The address is another one at once; the page follows.
    page.wait_for_function("window.__rc?.board?.single === false && __rc.board.synced", timeout=SLOW_MS)
    page.wait_for_timeout(500)
    expect(page.locator("[data-test-script-state=notRunning]")).to_be_attached(timeout=SLOW_MS)
    page.go_back()
    page.go_back()
    expect(page).to_have_url("about:blank", timeout=SLOW_MS)


TWO = """
for id in ("one", "two"):
    run = runcast.init(project="{project}", id=id)
    for step in range(20):
        run.log({{"loss": step}})
    run.finish()
"""


# Asks at each look, and hears what was answered before.
DRAWN = """(curves) => {
  __rc.board.ask({ op: "drawn", metric: "loss" });
  return __rc.board.drawn?.curves === curves;
}"""


def test_what_readers_decide_elsewhere_is_seen_on_an_open_board(stage: Stage, visit: Open) -> None:
    stage.train(TWO.format(project="decided"))
    page = visit(f"{stage.url}/?project=decided")
    ready(page)
    rows, off = page.locator(".rc .row"), page.locator(".rc .row.off")
    expect(rows).to_have_count(2)

    def curate(**change: bool) -> None:
        page.request.post(f"{stage.url}/api/v1/projects/decided/curate", data={"runs": ["one"], **change})

    curate(hidden=True)
    expect(off).to_have_count(1)
    expect(off).to_have_attribute("data-id", "one")
    page.wait_for_function(DRAWN, arg=1)
    curate(hidden=False)
    expect(off).to_have_count(0)
    curate(deleted=True)
    expect(rows).to_have_count(1)
    page.wait_for_function(DRAWN, arg=1)
    curate(deleted=False)
    expect(rows).to_have_count(2)
    page.wait_for_function(DRAWN, arg=2)


def test_a_link_to_some_runs_shows_none_that_begin_later(stage: Stage, visit: Open) -> None:
    stage.train(TWO.format(project="some"))
    page = visit(f"{stage.url}/?project=some&only=one")
    ready(page)
    expect(page.locator(".rc .row.off")).to_have_count(1)
    stage.train("runcast.init(project='some', id='later')\nruncast.log({'loss': 1})")
    expect(page.locator(".rc .row[data-id=later]")).to_have_class(re.compile(r"\boff\b"))
    assert "only=one" in page.url
    assert "only=one" in page.evaluate("__rc.board.link()")
    # Who chooses anew chooses for what begins later, too.
    page.locator(".side-head .link").click(click_count=2)  # Hides all, and shows all.
    expect(page).not_to_have_url(re.compile("only="))
    stage.train("runcast.init(project='some', id='last')\nruncast.log({'loss': 1})")
    expect(page.locator(".rc .row")).to_have_count(4)
    expect(page.locator(".rc .row.off")).to_have_count(0)


def test_a_project_without_runs_teaches_and_then_shows_the_first(stage: Stage, visit: Open) -> None:
    page = visit(f"{stage.url}/?project=fresh")
    expect(page.get_by_text("Waiting for the first run")).to_be_visible()
    expect(page.get_by_text('runcast.init(project="fresh")')).to_be_visible()
    stage.train("runcast.init(project='fresh')\nfor s in range(20): runcast.log({'loss': s})")
    expect(page.locator(".rc .card")).to_have_count(1)
    expect(page.get_by_text("Waiting for the first run")).to_be_hidden()


def test_names_from_strangers_are_text(stage: Stage, visit: Open) -> None:
    project = "<img src=x onerror='window.__taken = 1'> $x^2$ **bold**"
    name = "<script>window.__taken = 1</script> [a](javascript:alert(1)) " + "long " * 30
    stage.train(
        """
        runcast.init(project=sys.argv[1], name=sys.argv[2], id="odd", config={"<b>key</b>": "<i>value</i>"})
        for step in range(20):
            runcast.log({"<u>loss</u>/x": step, "$\\\\alpha$ :red[y]": step})
        """,
        project,
        name.strip(),
    )
    page = visit(f"{stage.url}/runs")
    for path in ("/", "/run", "/runs"):
        page.goto(f"{stage.url}{path}?{urlencode({'project': project, 'run': 'odd'})}")
        if path == "/runs":
            expect(page.locator(".t-grid")).to_be_visible()
        else:
            ready(page, metrics=2)
            expect(page.locator(".rc .card .title b").first).to_contain_text("<u>loss</u>/")
            expect(page.get_by_text(name[:30]).first).to_be_visible()
        assert not page.evaluate("window.__taken")
        assert page.locator("b:text-is('key'), i:text-is('value'), u, .katex, [src='x']").count() == 0


def test_a_diverged_run_is_marked(stage: Stage, visit: Open) -> None:
    stage.train(
        """
        runcast.init(project="diverged", id="one")
        for step in range(60):
            runcast.log({"loss": float("nan") if step > 30 else 1.0 + step})
        runcast.finish()
        """
    )
    page = visit(f"{stage.url}/?project=diverged")
    ready(page)
    expect(page.locator(".rc .card .broken")).to_have_text("NaN in 1 run")
    expect(page.locator(".rc .row .value")).to_have_text("NaN")


def test_only_what_is_in_view_is_sent(stage: Stage, visit: Open) -> None:
    stage.train(
        """
        runcast.init(project="wide", id="one")
        for step in range(10):
            runcast.log({f"group{k // 20}/metric_{k:03}": step for k in range(200)})
        """
    )
    page = visit(f"{stage.url}/?project=wide")
    ready(page, metrics=200)
    page.wait_for_function("__rc.board.root.querySelector('.plot canvas')")
    page.wait_for_timeout(500)
    assert 6 <= len(stats(page)["subscribed"]) < 40
    page.locator(".rc .search").nth(1).fill("metric_199")
    page.wait_for_timeout(800)
    assert "group9/metric_199" in stats(page)["subscribed"]
    assert points(page, "one", "group9/metric_199")[0] == list(range(10))


def test_the_tooltip_names_every_run_and_a_zoom_can_be_undone(stage: Stage, visit: Open) -> None:
    for name in ("one", "two", "three"):
        stage.train(
            f"runcast.init(project='trio', name='{name}')\nfor s in range(200): runcast.log({{'loss': 1 / (s + 1)}})"
        )
    page = visit(f"{stage.url}/?project=trio")
    ready(page)
    page.wait_for_function("__rc.board.runs.size === 3")
    box = box_of(page.locator(".rc .plot").first)
    page.mouse.move(box["x"] + box["width"] / 3, box["y"] + 60)
    expect(page.locator(".rc .tip .tip-row:visible")).to_have_count(3)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60, steps=5)
    page.mouse.up()
    expect(page.locator(".rc .chip.reset")).to_be_visible()
    low, high = stats(page)["zoomed"]
    assert 0 < low < high < 199
    page.locator(".rc .plot").first.dblclick()
    expect(page.locator(".rc .chip.reset")).to_be_hidden()


def test_the_pointer_and_a_zoom_are_shared_by_all_charts(stage: Stage, visit: Open) -> None:
    stage.train(
        """
        runcast.init(project="shared")
        for s in range(101):
            runcast.log({f"m{k}": s * k for k in range(6)})
        """
    )
    page = visit(f"{stage.url}/?project=shared&smooth=0")
    ready(page, metrics=6)
    page.wait_for_function("__rc.board.whole && __rc.board.root.querySelectorAll('.plot canvas').length === 6")
    box = box_of(page.locator(".rc .plot").nth(2))
    wide = box["width"] - 62
    page.mouse.move(box["x"] + 50 + wide / 4, box["y"] + 80)
    expect(page.locator(".tip-head")).to_have_text("step 25")
    places = page.evaluate(
        """[...__rc.board.cards.cards.values()].map(({ cross, width }) =>
          [(new DOMMatrix(cross.style.transform).m41 - 50) / (width - 62), Number(cross.style.opacity)])"""
    )
    assert all(abs(place - 0.25) < 0.01 and opacity > 0 for place, opacity in places)
    page.mouse.down()
    page.mouse.move(box["x"] + 50 + wide / 2, box["y"] + 80, steps=4)
    page.mouse.up()
    expect(page.locator(".chip.reset")).to_be_visible()
    page.wait_for_timeout(300)
    ranges = [drawn(page, f"m{k}")["range"] for k in range(6)]
    assert ranges == [ranges[0]] * 6
    assert abs(ranges[0][0] - 25) < 1
    assert abs(ranges[0][1] - 50) < 1


def test_the_tooltip_has_the_logged_value_to_its_last_digit_beside_the_smoothed_one(stage: Stage, visit: Open) -> None:
    """Of the curve that is pointed at; beside it, six figures of each are enough to compare."""
    for name, value in (("near", 0.12345678901234567), ("far", 9.87654321)):
        stage.train(
            f"""
            runcast.init(project="exact", name="{name}")
            for s in range(41):
                runcast.log({{"loss": {value} * (1 if s == 20 else 2)}})
            """
        )
    page = visit(f"{stage.url}/?project=exact&smooth=0.9")
    ready(page)
    page.wait_for_function("__rc.board.runs.size === 2 && __rc.board.whole")
    box = box_of(page.locator(".rc .plot").first)
    middle = box["x"] + 50 + (box["width"] - 62) / 2
    page.mouse.move(middle, box["y"] + box["height"] - 30)
    near = page.locator(".tip-row.near")
    expect(near.locator("b")).to_have_text(repr(0.12345678901234567))
    expect(near.locator("small")).to_have_text(re.compile(r"^0\.1\d{1,3}$"))
    far = page.locator(".tip-row:visible", has_text="far")
    expect(far.locator("b")).to_have_text("9.87654")
    expect(page.locator(".tip small").first).to_have_text("smoothed · logged")


def test_a_scale_follows_a_last_point_that_nothing_comes_after(stage: Stage, visit: Open) -> None:
    """Scales are looked at five times a second: also when the points of one look are the last for long."""
    training = stage.start(BURST)
    page = visit(f"{stage.url}/?project=burst")
    ready(page)
    ask(page, {"op": "options", "options": {"smooth": 0}})
    page.wait_for_timeout(1000)
    assert drawn(page, "loss")["scale"][1] < 2
    assert training.stdin
    training.stdin.write(b"go\n")
    training.stdin.flush()
    page.wait_for_timeout(1500)
    assert drawn(page, "loss")["scale"][1] > 100


def test_a_page_over_plain_http_from_another_machine_works(stage: Stage, visit: Open) -> None:
    """Browsers keep some of what they can do, such as their clipboard, for addresses that are secure."""
    stage.train("runcast.init(project='plain')\nfor s in range(20): runcast.log({'loss': s})")
    page = visit("about:blank")
    page.add_init_script(
        """delete Crypto.prototype.randomUUID;
        Object.defineProperty(Navigator.prototype, "clipboard", { value: undefined });"""
    )
    page.goto(f"{stage.url}/?project=plain")
    ready(page)
    asked: list[str] = []

    def shown(dialog: Dialog) -> None:
        asked.append(dialog.default_value)
        dialog.dismiss()

    page.on("dialog", shown)
    page.get_by_role("button", name="Copy a link to this moment").click()
    assert asked
    assert "project=plain" in asked[0]


def test_a_page_that_is_opened_by_a_click_has_the_colours_of_the_theme(stage: Stage, visit: Open) -> None:
    """The stylesheet may come after the board: charts that were drawn without it would stay black."""
    stage.train(
        "runcast.init(project='light', id='one')\nfor s in range(50): runcast.log({'loss': s})\nruncast.finish()"
    )
    page = visit(f"{stage.url}/?project=light")
    for selector in (".rc .row .run", ".rc.single .back", ".rc .row .run"):
        ready(page)
        page.locator(selector).click()
    page.locator(".rc.single .plot canvas").wait_for()
    ready(page)
    page.wait_for_timeout(500)
    corner = page.evaluate(
        """() => {
          const copy = document.createElement("canvas").getContext("2d");
          copy.drawImage(__rc.board.root.querySelector(".plot canvas"), 0, 0);
          return [...copy.getImageData(2, 2, 1, 1).data];
        }"""
    )
    assert corner == [255, 255, 255, 255]
