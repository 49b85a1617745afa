"""What a screen reader says of a chart."""

from __future__ import annotations

import re

from playwright.sync_api import expect
from tests.browser.board import ask, ready
from tests.browser.conftest import Open
from tests.browser.stage import Stage


def test_each_chart_says_in_words_what_it_shows(stage: Stage, visit: Open) -> None:
    stage.train(
        """
        for name, factor in (("good", 1), ("bad", 40)):
            runcast.init(project="spoken", id=name, name=name, config={"kind": name})
            for step in range(41):
                runcast.log({"val/loss": factor * (1 - step / 80), "odd": math.nan})
            runcast.finish()
        """
    )
    page = visit(f"{stage.url}/?project=spoken&smooth=0&outliers=0&fold=1")
    ready(page, metrics=2)
    chart = page.locator('.plot[data-name="val/loss"]')
    expect(chart).to_have_role("img")
    expect(chart).to_have_accessible_name(
        "val/loss: 2 curves, steps 0 to 40, values from 0.5 to 40. At the end, best first: good 0.5; bad 20."
    )
    expect(page.locator('.plot[data-name="odd"]')).to_have_accessible_name(re.compile("good NaN; bad NaN"))
    # At another moment, in another unit, in groups.
    page.locator(".choice button", has_text="Relative").click()
    expect(chart).to_have_accessible_name(re.compile("2 curves, [0-9.s]+ to [0-9.]+s after their start"))
    page.get_by_role("combobox", name="Group by").select_option("kind")
    expect(chart).to_have_accessible_name(
        re.compile("2 groups, .* best first: kind = good [0-9.]+; kind = bad [0-9.]+")
    )
    ask(page, {"op": "hidden", "ids": ["good", "bad"]})
    expect(chart).to_have_accessible_name("val/loss: no points here.")
