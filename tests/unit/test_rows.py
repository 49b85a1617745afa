"""What may be logged, and what becomes of it: W&B's rules."""

from __future__ import annotations

import datetime
import enum
import math
import pathlib
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from runcast.errors import NameRefused, UsageError
from runcast.rows import Row, check_row, check_step, counted, plain, plain_kinds, split


class Colour(enum.Enum):
    RED = "red"


class Scalar:
    """What a tensor of size 1 looks like from outside."""

    shape = (1,)

    def detach(self) -> Scalar:
        return self

    def cpu(self) -> Scalar:
        return self

    def item(self) -> float:
        return 0.5

    def tolist(self) -> list[float]:
        return [0.5]


def test_nested_dicts_become_dotted_names() -> None:
    row = split({"loss": 1.5, "val": {"acc": 0.5, "deep": {"n": 3}}, "ok": True})
    assert row.numbers == {"loss": 1.5, "val.acc": 0.5, "val.deep.n": 3.0, "ok": 1.0}
    assert (row.kinds, row.extras) == ("ffib", {})
    assert row.last() == {"loss": 1.5, "val.acc": 0.5, "val.deep.n": 3, "ok": True}


@pytest.mark.parametrize(
    ("value", "becomes"),
    [
        (None, None),
        ("text", "text"),
        (b"bytes", "bytes"),
        ((1, 2), [1, 2]),
        ({3}, [3]),
        (Colour.RED, "red"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (Decimal("1.5"), "1.5"),
        (1 + 2j, "1+2j"),
        (np.arange(3), [0, 1, 2]),
    ],
)
def test_what_is_no_number_is_kept_as_json_knows_it(value: Any, becomes: Any) -> None:
    assert split({"x": value}) == Row({}, "", {"x": becomes})


@pytest.mark.parametrize(
    ("value", "number", "kind"),
    [
        (np.float32(0.5), 0.5, "f"),
        (np.float64(0.5), 0.5, "f"),
        (np.int64(7), 7.0, "i"),
        (np.bool_(True), 1.0, "b"),
        (np.array([2.5]), 2.5, "f"),
        (Scalar(), 0.5, "f"),
        (2**63, float(2**63), "f"),
        (10**400, math.inf, "f"),
        (math.inf, math.inf, "f"),
    ],
)
def test_scalars_of_every_library_are_numbers(value: Any, number: float, kind: str) -> None:
    assert split({"x": value}) == Row({"x": number}, kind, {})


def test_nan_is_a_value() -> None:
    row = split({"x": math.nan})
    assert math.isnan(row.numbers["x"])
    assert row.kinds == "f"


def test_a_large_array_becomes_a_histogram() -> None:
    found = split({"w": np.linspace(0, 1, 320)}).extras["w"]
    assert isinstance(found, dict)
    assert found["_type"] == "histogram"
    assert sum(found["values"]) == 320
    assert (len(found["values"]), len(found["bins"])) == (32, 33)


def test_a_histogram_of_one_value_has_width() -> None:
    assert counted([2.0, 2.0, math.nan], 4) == ([0, 0, 2, 0], [1.5, 1.75, 2.0, 2.25, 2.5])


def test_what_w_and_b_refuses_is_refused_with_its_words() -> None:
    with pytest.raises(TypeError, match=r"^wandb.log must be passed a dictionary$"):
        check_row(3)
    with pytest.raises(TypeError, match=r"^Key values passed to `wandb.log` must be strings.$"):
        check_row({1: 2})
    with pytest.raises(TypeError, match="not JSON serializable"):
        plain(object())
    cycle: dict[str, Any] = {}
    cycle["x"] = cycle
    with pytest.raises(TypeError, match="nested deeper"):
        split(cycle)
    with pytest.raises(NameRefused, match="U\\+000A"):
        split({"a\nb": 1})


@pytest.mark.parametrize("step", [1.5, "3", True, None])
def test_a_step_is_a_whole_number(step: Any) -> None:
    with pytest.raises(TypeError, match="whole number"):
        check_step(step)
    assert check_step(np.int64(5)) == 5


def test_kinds_are_known_from_types_alone() -> None:
    assert plain_kinds((float, int, bool, np.float32, np.int64)) == "fibfi"
    assert plain_kinds((float, str)) is None


@pytest.mark.parametrize("step", [2**53 + 1, -(2**60)])
def test_a_step_that_no_page_could_show_is_refused(step: int) -> None:
    with pytest.raises(UsageError, match=str(step)):
        check_step(step)


def test_a_row_may_bring_its_own_time_but_not_its_own_step() -> None:
    """Importers of old runs log `_timestamp`; `_step` and `_runtime` are the run's own."""
    assert split({"a": 1.0, "_timestamp": 1.5, "_step": 7, "_runtime": 3}) == Row({"a": 1.0}, "f", {}, 1_500_000_000)
    assert split({"_timestamp": math.nan}).time_ns is None
    assert split({"_timestamp": 1e300}).time_ns is None


def test_what_no_encoding_takes_is_made_to_fit() -> None:
    """Half a surrogate pair and an integer without bounds are values too."""
    assert plain("a\ud800b") == "a?b"
    assert plain([2**64, {"k": -(10**400)}]) == [float(2**64), {"k": -math.inf}]


def test_a_config_keeps_as_text_what_a_row_refuses() -> None:
    assert plain({"data": pathlib.PurePosixPath("/data"), "n": [1]}, lenient=True) == {"data": "/data", "n": [1]}
    with pytest.raises(TypeError):
        plain({"data": pathlib.PurePosixPath("/data")})
