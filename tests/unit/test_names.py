"""Names are kept as given, or refused with the character that is in the way."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.made import PRINTABLE

from runcast import names
from runcast.errors import NameRefused


@given(PRINTABLE)
def test_any_printable_text_is_a_name(name: str) -> None:
    assert names.check_name("project", name) == name


@pytest.mark.parametrize("name", ["a b", "loss/train", "Ünïcödé", "学習", "🚀", "..", "'; DROP TABLE run", "<b>", "٣"])
def test_what_looks_odd_is_kept_as_given(name: str) -> None:
    assert names.split_path(names.run_path(name, "r1")) == (name, "r1")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "empty"),
        ("a" * 257, "257 characters; use at most 256"),
        ("a\nb", r"U\+000A at position 1"),
        ("\x00", r"U\+0000 at position 0"),
        ("tab\t", r"U\+0009 at position 3"),
        ("\ud800", r"U\+D800 at position 0"),
        ("a\u2028b", r"U\+2028 at position 1"),
    ],
)
def test_a_refused_name_says_why(name: str, why: str) -> None:
    with pytest.raises(NameRefused, match=why):
        names.check_name("project", name)


@pytest.mark.parametrize("run", ["a", "A-1_b.c", "0" * 128, "...", ".a"])
def test_run_ids_are_letters_digits_and_three_signs(run: str) -> None:
    assert names.check_run_id(run) == run


@pytest.mark.parametrize("run", ["", ".", "..", "a/b", "a b", "ä", "a\n", "٣", "0" * 129])
def test_what_could_not_stand_in_an_address_or_a_file_name_is_refused(run: str) -> None:
    with pytest.raises(NameRefused):
        names.check_run_id(run)


@given(st.text(max_size=300))
def test_any_text_is_a_path_or_refused(path: str) -> None:
    try:
        project, run = names.split_path(path)
    except NameRefused as refused:
        str(refused).encode("utf-8", "backslashreplace")
        return
    assert names.run_path(project, run) == path


def test_made_ids_are_what_they_should_be() -> None:
    base36 = set(string.ascii_lowercase + string.digits)
    runs = {names.new_run_id() for _ in range(100)}
    writers = {names.new_writer_id() for _ in range(100)}
    assert len(runs) == len(writers) == 100
    assert all(len(run) == 8 and base36.issuperset(run) for run in runs)
    assert all(len(writer) == 16 and set("0123456789abcdef").issuperset(writer) for writer in writers)
