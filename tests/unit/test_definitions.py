"""Definitions of metrics, and what they come to."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runcast.definitions import Aggregate, Definition, Definitions, define
from runcast.errors import UsageError

NUMBERS = st.lists(st.floats(-1e6, 1e6), max_size=20)
ALL = Definition(summary=("min", "max", "mean", "first", "last"))


def aggregate(values: list[float]) -> Aggregate:
    made = Aggregate()
    for value in values:
        made.add(value)
    return made


@given(NUMBERS, NUMBERS)
def test_parts_come_to_the_same_as_the_whole(early: list[float], late: list[float]) -> None:
    parts, whole = aggregate(early).merge(aggregate(late)), aggregate(early + late)
    assert (parts.count, parts.low, parts.high, parts.first, parts.last) == (
        whole.count,
        whole.low,
        whole.high,
        whole.first,
        whole.last,
    )
    assert parts.total == pytest.approx(whole.total)


def test_a_nan_stays() -> None:
    shown = aggregate([2.0]).merge(aggregate([math.nan, 1.0])).shown(ALL)
    assert (math.isnan(shown["min"]), math.isnan(shown["max"]), shown["first"], shown["last"]) == (True, True, 2, 1)


def test_the_best_is_the_lowest_unless_it_is_the_highest() -> None:
    values = aggregate([2, 3, 1])
    assert values.shown(Definition(summary=("best",))) == {"best": 1}
    assert values.shown(Definition(summary=("best",), goal="maximize")) == {"best": 3}


def test_an_exact_name_counts_before_a_glob_and_a_long_glob_before_a_short_one() -> None:
    book = Definitions()
    for name, operation in (("*", "min"), ("val/*", "max"), ("val/x", "mean")):
        book.add(define(name, summary=operation))
    found = [book.of(name) for name in ("a", "val/y", "val/x")]
    assert [each.summary for each in found if each] == [("min",), ("max",), ("mean",)]


def test_a_second_definition_adds_unless_it_overwrites() -> None:
    book = Definitions()
    book.add(define("a", summary="min", step_metric="epoch"))
    assert book.add(define("a", summary="max")).summary == ("min", "max")
    assert book.add(define("a", summary="max"), overwrite=True).step_metric == ""


def test_a_row_gets_the_step_metric_that_it_lacks() -> None:
    book = Definitions()
    book.add(define("val/*", step_metric="epoch"))
    assert book.missing_steps(["val/loss"], {"epoch": 3}.get) == {"epoch": 3}
    assert book.missing_steps(["val/loss"], dict[str, int]().get) == {"epoch": 0}
    assert book.missing_steps(["val/loss", "epoch"], {"epoch": 3}.get) == {}
    assert book.missing_steps(["loss"], {"epoch": 3}.get) == {}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"name": "v/*/x"}, "glob suffixes only"),
        ({"name": "a", "summary": "median"}, "summary is 'median'; it is made of min"),
        ({"name": "a", "goal": "up"}, "goal is 'up'"),
        ({"name": ""}, "is empty"),
    ],
)
def test_what_there_is_not_is_refused(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence.replace("*", r"\*")):
        define(**given)
