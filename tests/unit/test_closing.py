"""What is printed at a run's end."""

from __future__ import annotations

import math
import struct

import pytest

from runcast.blocks import Block
from runcast.closing import BARS_MAX, VALUES_MAX, Curve, bars, curves, history_lines, summary_lines


def block(names: tuple[str, ...], *rows: tuple[float, ...]) -> Block:
    columns = zip(*rows, strict=True)
    return Block(
        rows=len(rows),
        names=names,
        kinds="f" * len(names),
        steps=struct.pack(f"<{len(rows)}q", *range(len(rows))),
        times=struct.pack(f"<{len(rows)}q", *range(len(rows))),
        values=b"".join(struct.pack(f"<{len(rows)}d", *column) for column in columns),
    )


@pytest.mark.parametrize(
    ("values", "drawn"),
    [
        ([], ""),
        ([math.nan, math.inf], ""),
        ([3.0], "▁"),
        ([1.0, 1.0], "▁▁"),
        ([0.0, 1.0], "▁█"),
        ([float(n) for n in range(8)], "▁▂▃▄▅▆▇█"),
        ([-1e308, 1e308], "▁▁"),
        ([0.0, math.nan, 1.0], "▁█"),
    ],
)
def test_a_curve_is_a_row_of_bars(values: list[float], drawn: str) -> None:
    assert bars(values) == drawn


def test_a_long_curve_is_drawn_by_its_means() -> None:
    drawn = bars([float(n) for n in range(10_001)])
    assert len(drawn) == BARS_MAX
    assert list(drawn) == sorted(drawn)


def test_a_longer_curve_keeps_values_of_its_whole_length() -> None:
    curve = Curve()
    for at in range(0, 100_000, 100):
        curve.add([float(n) for n in range(at, at + 100)])
    assert len(curve.values) <= VALUES_MAX
    assert curve.values == sorted(curve.values)
    assert curve.values[0] == 0
    assert curve.values[-1] > 99_900


def test_rows_are_read_as_long_as_there_is_time() -> None:
    left = [[block(("a", "_system/cpu"), (1.0, 9.0), (2.0, 9.0))], [block(("b",), (3.0,))]]
    found = curves(lambda: left.pop(0) if left else [])
    assert {name: curve.values for name, curve in found.items()} == {"a": [1.0, 2.0], "b": [3.0]}
    ticks = iter(range(100))
    endless = curves(lambda: [block(("a",), (1.0,))], clock=lambda: float(next(ticks)))
    assert endless == {}


def test_ten_metrics_are_shown_and_the_rest_counted() -> None:
    found = {}
    for number in range(12):
        found[f"m{number:02}"] = curve = Curve()
        curve.add([0.0, 1.0])
    lines = history_lines(found)
    assert lines[0] == "  m00 ▁█"
    assert lines[-1] == "  … and 2 more"
    assert len(lines) == 11


def test_the_summary_has_a_line_for_each_value_that_fits_one() -> None:
    assert summary_lines(
        {
            "loss": 0.123456789,
            "tiny": 1e-9,
            "n": 3,
            "ok": True,
            "note": "two\nlines",
            "d": {"x": 1.5},
            "image": {"_type": "image-file"},
            "list": [1, 2],
            "_runtime": 3,
        }
    ) == [
        "   d.x 1.5",
        "  loss 0.12346",
        "     n 3",
        "  note two lines",
        "    ok True",
        "  tiny 1e-09",
    ]
    assert summary_lines({"nan": math.nan}) == ["  nan nan"]


def test_what_was_logged_does_not_steer_the_terminal() -> None:
    assert summary_lines({"b\x1b[2J": "\x1b]0;x\x07", "名": "\u202eevil"}) == ["  b·[2J ·]0;x·", "     名 ·evil"]
    assert len(summary_lines({"long": "n" * 100})[0]) == len("  long ") + 60
