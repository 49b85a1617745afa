"""A replay is filmed, and the film is one that plays."""

from __future__ import annotations

import base64
from pathlib import Path

from playwright.sync_api import Page, expect
from tests.browser.board import ask, ready
from tests.browser.conftest import Open
from tests.browser.stage import Stage

TRAINING = """
for name in ("one", "two"):
    run = runcast.init(project="filmed", id=name, name=name)
    for step in range(60):
        run.log({"loss": math.sin(step / 5) + len(name), "acc": step})
        time.sleep(0.05)
    run.finish()
"""

# Plays a film in the page: how long it is, how large, and of its first and last picture how many pixels have a colour.
WATCHED = """async ([text, type]) => {
  const film = document.createElement("video");
  film.muted = true;
  film.src = URL.createObjectURL(new Blob([Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0))], { type }));
  await new Promise((done, fail) => {
    film.onloadeddata = done;
    film.onerror = () => fail(new Error(film.error.message));
  });
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  Object.assign(context.canvas, { width: film.videoWidth, height: film.videoHeight });
  const coloured = async (at) => {
    film.currentTime = at;
    await new Promise((done) => { film.onseeked = done; });
    context.drawImage(film, 0, 0);
    const pixels = context.getImageData(0, 0, film.videoWidth, film.videoHeight).data;
    let count = 0;
    for (let i = 0; i < pixels.length; i += 4) {
      const [red, green, blue] = pixels.subarray(i, i + 3);
      count += Math.max(red, green, blue) - Math.min(red, green, blue) > 60;
    }
    return count;
  };
  return [film.duration, film.videoWidth, film.videoHeight, await coloured(0), await coloured(film.duration)];
}"""


def watched(page: Page, film: Path) -> list[float]:
    """Play a film in the browser."""
    text = base64.b64encode(film.read_bytes()).decode()
    told: list[float] = page.evaluate(WATCHED, [text, "video/mp4" if film.suffix == ".mp4" else "video/webm"])
    return told


def test_a_replay_is_filmed_to_its_end(stage: Stage, visit: Open, tmp_path: Path) -> None:
    """About six seconds of two runs at twice their pace: three of a film in which the curves grow."""
    stage.train(TRAINING)
    page = visit(f"{stage.url}/?project=filmed")
    ready(page, metrics=2)
    page.wait_for_function("__rc.board.whole && __rc.board.clock?.t1 > __rc.board.clock?.t0")
    ask(page, {"op": "speed", "speed": 2})
    lasts = page.evaluate("(__rc.board.clock.t1 - __rc.board.clock.t0) / 2000")
    film = page.get_by_role("button", name="Film the replay from here")
    with page.expect_download(timeout=60_000) as saved:
        film.click()
        expect(page.get_by_role("button", name="End the film")).to_be_visible()
    assert saved.value.suggested_filename in ("filmed-replay.mp4", "filmed-replay.webm")
    path = tmp_path / saved.value.suggested_filename
    saved.value.save_as(path)
    seconds, width, height, first, last = watched(page, path)
    print(f"\n{seconds:.1f} s of a replay of {lasts:.1f} s, {width} × {height}, {path.stat().st_size} bytes")
    assert abs(seconds - lasts) < 1.5
    assert width > 900
    assert height > 500
    assert last > first + 500  # The curves have grown; names and swatches were there from the beginning.
    expect(film).to_be_visible()


def test_a_film_ends_when_its_button_is_pressed_again(stage: Stage, visit: Open, tmp_path: Path) -> None:
    stage.train(TRAINING.replace("filmed", "cut"))
    page = visit(f"{stage.url}/?project=cut")
    ready(page, metrics=2)
    page.wait_for_function("__rc.board.whole && __rc.board.clock?.t1 > __rc.board.clock?.t0")
    ask(page, {"op": "speed", "speed": 1})
    ask(page, {"op": "seek", "part": 0.5})
    page.wait_for_function("!__rc.board.clock.live")
    page.get_by_role("button", name="Film the replay from here").click()
    page.wait_for_function("__rc.board.clock.playing")
    page.wait_for_timeout(1000)
    with page.expect_download() as saved:
        page.get_by_role("button", name="End the film").click()
    saved.value.save_as(tmp_path / "film.mp4")
    page.wait_for_function("!__rc.board.clock.live && !__rc.board.clock.playing")
    assert 0.5 < watched(page, tmp_path / "film.mp4")[0] < 6
