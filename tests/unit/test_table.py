"""What a person reads in a terminal: columns that fit, and no name that steers it."""

from __future__ import annotations

import pytest

from runcast.cli import table
from runcast.cli.progress import bar


def test_columns_that_fit_stay_as_they_are() -> None:
    assert table.fit([8, 16, 8], 40) == [8, 16, 8]


def test_the_widest_text_is_shortened_first() -> None:
    assert table.fit([8, 40, 8], 48) == [8, 28, 8]


def test_what_says_nothing_shortened_is_left_out_from_the_right() -> None:
    assert table.fit([8, 40, 8, 5, 19, 8], 40, flush={3, 5}) == [8, 19, 8]


def test_the_first_column_is_always_there() -> None:
    assert table.fit([12, 8], 5) == [12]


def test_a_name_of_wide_letters_is_cut_by_its_columns() -> None:
    assert table.clip("名前名前", 8) == "名前名前"
    assert table.clip("名前名前", 6) == "名前…"
    assert table.clip("name", 3) == "na…"


def test_letters_with_marks_and_wide_ones_are_as_wide_as_they_look() -> None:
    assert [table.width(text) for text in ("name", "名前", "cafe\u0301", "❤\ufe0f")] == [4, 4, 4, 1]
    assert table.pad("名前", 6) == "名前  "
    assert table.pad("e\u0301", 3, right=True) == "  e\u0301"
    assert table.pad("too long", 3) == "too long"
    assert table.clip("e\u0301e\u0301e\u0301", 2) == "e\u0301…"
    assert table.clip("name", 0) == ""


def test_a_name_cannot_steer_the_terminal() -> None:
    assert table.plain("red\x1b[31m\u202e") == "red·[31m·"
    assert table.plain("half\ud800 line\u2028") == "half· line·"


@pytest.mark.parametrize(("number", "said"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows")])
def test_a_count_agrees_with_its_noun(number: int, said: str) -> None:
    assert table.count(number, "row") == said


def test_a_bar_is_empty_at_nothing_and_full_at_all_and_never_wider() -> None:
    assert bar(0, 10, 4) == bar(5, 0, 4) == bar(-1, 10, 4) == "░░░░"
    assert bar(5, 10, 4) == "██░░"
    assert bar(11, 10, 4) == "████"
