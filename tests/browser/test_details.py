"""A stretch that was zoomed into: what is asked for, and what it shows while its run goes on."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from typing import Any

from playwright.sync_api import Page
from tests.browser.test_modules import frame

from runcast import frames

# A scene over a curve of `total` points, of which some were sent, and what it asks for; `steps` of it are zoomed into.
STAGE = """async ({ snapshot, view, deltas, total, ranges, zoom }) => {
  const [{ Model }, { Scene }, { Details }, { notes }, { dotted }, { parseFrame }] = await Promise.all(
    ["model", "scene", "details", "said", "marks", "frames"].map((name) => import(`./${name}.js`)));
  const read = (text) => parseFrame(Uint8Array.from(atob(text), (one) => one.charCodeAt(0)).buffer);
  const model = new Model();
  const run = model.describeRun({ i: 0, id: "r", name: "r", state: "running", created_ms: 1, summary: {} });
  model.nameWriter({ i: 0, run: 0, id: "w", label: "" });
  model.nameMetric(0, "loss");
  const scene = new Scene(model);
  scene.setOptions({ ranges });
  if (zoom) Object.assign(scene, { range: zoom, rangeAxis: "step" });
  model.apply(read(snapshot), null);
  model.count([[0, 0, total]]);
  scene.advance(0);
  const sent = [];
  const chart = { metric: 0, visible: true, xShown: zoom };
  const charts = new Map([["loss", chart]]);
  const details = new Details({ scene, model, charts, send: (message) => sent.push(message), pixels: () => 800 });
  const asked = async (count) => {
    for (let tries = 0; sent.length < count; tries++) {
      if (tries > 1000) throw new Error(`question ${count} was never asked`);
      await new Promise((done) => setTimeout(done, 5));
    }
  };
  const shown = () => {
    const [curve] = scene.curves(0);
    const { series, n } = curve;
    chart.drawn = [curve];
    const tip = dotted({ ...curve, from: 0, to: n }, scene);
    return { xs: [...series.x.subarray(0, n)], tip, ...notes(scene, charts).loss };
  };
  details.follow();
  await asked(1);
  model.apply(read(view), details.open);
  details.answered(1);
  const first = shown();
  let quiet = true;
  for (const delta of deltas) {
    model.apply(read(delta), details.open);
    scene.advance(0);
    quiet &&= !model.coarse;
    details.follow();
  }
  if (!quiet) await asked(2);
  const { lo, hi } = sent[0];
  return { first, last: shown(), asked: { lo, hi }, quiet };
}"""


def staged(
    page: Page,
    view: Sequence[float],
    deltas: Sequence[Sequence[float]],
    *,
    zoom: tuple[float, float] | None = (1000, 6000),
    ranges: dict[str, Any] | None = None,
    flags: int = 0,
) -> Any:
    """Zoom into a curve of 200,000 points of which 2000 are held, answer with `view`, and send `deltas`."""
    held = [float(step) for step in range(0, 200_000, 100)]
    at = 200_000
    sent = []
    for k, steps in enumerate(deltas):
        delta = frame(frames.DELTA, 3 + k, (at + 1, at + len(steps), list(steps), [[1.0] * len(steps)]))
        sent.append(packed(delta))
        at += len(steps)
    given = {
        "snapshot": packed(frame(frames.SNAPSHOT, 1, (1, 200_000, held, [[0.0] * len(held)]), flags=frames.ENVELOPE)),
        "view": answer(view, flags),
        "deltas": sent,
        "total": 200_000,
        "ranges": ranges or {},
        "zoom": zoom,
    }
    return page.evaluate(STAGE, given)


def packed(made: list[int]) -> str:
    """Write a frame as a text: a list of so many numbers would take the browser seconds."""
    return base64.b64encode(bytes(made)).decode()


def answer(steps: Sequence[float], flags: int) -> str:
    """Write what answers the first question: a stretch, and the rows behind it that the store does not have yet."""
    made = frame(frames.VIEW, 2, (1, 200_000, list(steps), [[2.0] * len(steps)]), flags=flags)
    made[12:16] = (1).to_bytes(4, "little")  # The question's number.
    return packed(made)


def test_a_stretch_of_a_growing_run_stays_what_was_zoomed_into(blank: Page) -> None:
    """What is logged meanwhile lies far behind it: it neither takes its points' places nor stretches its scale."""
    inside = [float(step) for step in range(1000, 6001)]
    live = [[200_000.0 + 100 * k + i for i in range(100)] for k in range(20)]
    seen = staged(blank, [*inside, 199_999.0], live, zoom=(1000.4, 5999.5))
    assert seen["asked"] == {"lo": 1000, "hi": 6000}
    assert seen["first"]["xs"] == seen["last"]["xs"] == inside
    assert seen["quiet"]
    assert not seen["last"]["tip"]  # The curve goes on: no dot where the stretch ends.


def test_a_stretch_that_the_run_is_in_grows_and_is_asked_for_again(blank: Page) -> None:
    inside = [float(step) for step in range(195_000, 200_000)]
    live = [[200_000.0 + 100 * k + i for i in range(100)] for k in range(10)]
    seen = staged(blank, inside, live, zoom=(195_000, 200_499))
    assert seen["last"]["xs"][-500:] == [float(step) for step in range(200_000, 200_500)]
    seen = staged(blank, inside, live, zoom=(195_000, 300_000))
    assert (seen["quiet"], seen["last"]["xs"][-1], seen["last"]["tip"]) == (True, 200_999, True)
    live = [[200_000.0 + 100 * k + i for i in range(100)] for k in range(20)]
    assert not staged(blank, inside, live, zoom=(195_000, 300_000))["quiet"]


def test_an_end_that_was_left_open_follows_the_run(blank: Page) -> None:
    inside = [float(step) for step in range(195_000, 200_000)]
    ranges = {"loss": {"x": [195_000, None], "axis": "step"}}
    seen = staged(blank, inside, [[250_000.0]], zoom=None, ranges=ranges)
    assert seen["asked"]["lo"] == 195_000
    assert seen["asked"]["hi"] > 1e15
    assert seen["last"]["xs"][-1] == 250_000


def test_a_stretch_that_leaves_points_out_says_so(blank: Page) -> None:
    """How many they are its answer does not say; one that has all of them, and what is thinned here, is counted."""
    inside = [float(step) for step in range(195_000, 200_000)]
    live = [[200_000.0 + 100 * k + i for i in range(100)] for k in range(20)]
    seen = staged(blank, inside, live, zoom=(195_000, 300_000))
    assert (seen["first"]["shown"], seen["first"]["total"]) == (5000, 5000)
    assert (seen["last"]["shown"] < 6400, seen["last"]["total"]) == (True, 7000)
    seen = staged(blank, inside, live, zoom=(195_000, 300_000), flags=frames.ENVELOPE)
    assert seen["first"]["total"] == seen["last"]["total"] == math.inf
