"""Filters in words: what they mean, what is said of one that cannot be read, and that writing and reading agree."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runcast.conditions import (
    All,
    Compare,
    Condition,
    Contains,
    Either,
    Exists,
    Field,
    Like,
    Not,
    fits,
    plain,
)
from runcast.expressions import DEPTH_MAX, FilterError, parse, parse_field, shown, written

RUN: dict[str, Any] = {
    "name": "bright-river-12",
    "id": "k3v9",
    "state": "finished",
    "tags": ["best", "v2"],
    "created": "2026-03-01T09:30:00.000000Z",
    "updated": "2026-03-01T11:30:00.000000Z",
    "finished": None,
    "duration": 7200.0,
    "steps": 1000,
    "exit_code": 0,
    "host": "gpu-1",
    "config": {"lr": 0.003, "optim": {"name": "adamw"}, "layer.0.size": 64, "flag": True, "widths": [32, 64], "a b": 1},
    "summary": {"acc": 0.93, "val/acc": 0.91, "loss": "NaN", "huge": "Infinity"},
    "min": {"loss": 0.1},
}

TRUE = [
    'config.lr < 0.01 and summary.acc > .9 and "best" in tags and state == finished',
    "config.lr = 3e-3",
    "summary.val/acc >= 0.91",
    "config.optim.name == adamw",
    "config.layer.0.size == 64",
    'config."layer.0.size" in (32, 64)',
    "config.'a b' == 1",
    "state in (running, finished) and not state in [crashed]",
    "state not in (failed)",
    "name ~ RIVER",
    'name ~ "bright*-1?"',
    "tags ~ be",
    "not (tags ~ zz)",
    "config.flag == true and config.flag != false",
    "64 in config.widths and 65 not in config.widths",
    "summary.loss == nan",
    "summary.huge == inf and summary.huge > 1e300",
    "min.loss <= 0.1",
    "summary.acc",
    "not summary.nothing and summary.nothing == null",
    "config.nothing != 3",
    "created > 2026-03-01 and created < 2026-03-01T10:00",
    "created > now - 3h and updated<now+0s or finished == null",
    "created >= now-3h",
    "duration > 1h and duration < 0.5d",
    "steps >= 1_000",
    "tags == best",
    "tags != worst",
    "id == 'k3v9' or id == 12",
    "state = finished",
]
NOW = 1772364600.0  # 2026-03-01 11:30


@pytest.mark.parametrize("text", TRUE)
def test_a_filter_means_what_it_says(text: str) -> None:
    assert fits(RUN, parse(text, now=NOW))
    assert not fits(RUN, parse(f"not ({text})", now=NOW))


@pytest.mark.parametrize(
    ("text", "at", "words"),
    [
        ("", 0, "empty"),
        ("config.lr <", 11, "a value is missing"),
        ("config.lr < 0.1 state == x", 16, "`and`, `or` or the end"),
        ("lr < 0.1", 0, "did you mean config.lr or summary.lr"),
        ("stat == x", 0, "did you mean state?"),
        ("config < 1", 0, "config has keys"),
        ("(state == x", 11, "opens at character 1 is not closed"),
        ("state in x", 9, "a list is expected"),
        ("state in (x", 11, "not closed"),
        ("state == 'x", 9, "has no end"),
        ("steps > many", 8, "is a number"),
        ("created > 5", 10, "is a time"),
        ("created > 2026-13-01", 10, "is no date"),
        ("5 < config.lr", 2, "a field stands first"),
        ("name ! x", 5, "means nothing here"),
        ("tags < best", 5, "not best"),
        ('"x" in name', 0, "is no list"),
        ("hidden == 3", 10, "true or false"),
        ("name == and", 8, "where a value is expected"),
        ("not " * (DEPTH_MAX + 1) + "name", 4 * DEPTH_MAX, "at most"),
        ("\u202ename", 0, "means nothing here"),
    ],
)
def test_a_mistake_is_shown_at_its_place(text: str, at: int, words: str) -> None:
    with pytest.raises(FilterError, match=words.replace("(", r"\(")) as found:
        parse(text)
    assert found.value.at == at


def test_a_filter_of_any_length_ends_in_words() -> None:
    for text in ("(" * 100_000, "name == x or " * 600 + "name", "'" * 7000, "1" * 5000, "a." * 4000):
        with pytest.raises(FilterError):
            parse(text)


@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from("config.lr < 0.1 and ( ) not in , 'a' .x now - 2d ~ tags".split())).map(" ".join)
)
def test_no_text_is_too_odd_to_be_answered(text: str) -> None:
    with suppress(FilterError):
        fits(RUN, parse(text))


KEYS = st.text(min_size=1, max_size=12).filter(lambda key: key.strip() == key)
FIELDS = st.sampled_from([Field(name) for name in ("name", "state", "host")]) | st.builds(
    Field, st.sampled_from(["config", "summary", "min", "max"]), KEYS
)
TEXTS = st.text(max_size=12).map(plain).filter(lambda text: isinstance(text, str))
VALUES = TEXTS | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False)


@st.composite
def compares(draw: st.DrawFn) -> Condition:
    """Make a comparison that the language has."""
    field = draw(FIELDS)
    operator = draw(st.sampled_from(["==", "<", "<=", ">", ">="]))
    value: Any = draw(VALUES if field.path else TEXTS)
    return Compare(field, operator, draw(st.none()) if operator == "==" and draw(st.booleans()) else value)


CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    compares()
    | st.builds(Exists, FIELDS)
    | st.builds(Like, FIELDS, st.text(max_size=8))
    | st.builds(Contains, st.just(Field("tags")), TEXTS),
    lambda inner: (
        st.builds(Not, inner)
        | st.lists(inner, min_size=2, max_size=3).map(tuple).map(All)
        | st.lists(inner, min_size=2, max_size=3).map(tuple).map(Either)
    ),
    max_leaves=6,
)


@given(CONDITIONS)
def test_what_is_written_reads_back_the_same(condition: Condition) -> None:
    assert parse(written(condition)) == condition


@given(FIELDS)
def test_a_field_reads_back_the_same(field: Field) -> None:
    assert parse_field(shown(field)) == field
