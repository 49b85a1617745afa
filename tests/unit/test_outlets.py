"""Streams that are listened to, and given back."""

from __future__ import annotations

import io

import pytest

from runcast.surroundings.outlets import Wrapped


class Stream(io.StringIO):
    """A stream whose methods can be set, as those of stdout can."""


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_runs_beside_each_other_hear_the_same_and_end_in_any_order(order: tuple[int, int]) -> None:
    stream, heard = Stream(), ([], [])  # type: tuple[Stream, tuple[list[str], list[str]]]
    wraps = [Wrapped(stream, each.append) for each in heard]
    stream.write("both")
    wraps[order[0]].close()
    stream.write("one")
    wraps[order[1]].close()
    stream.write("none")
    assert stream.getvalue() == "bothonenone"
    assert [heard[at] for at in order] == [["both"], ["both", "one"]]
    assert "write" not in vars(stream)


def test_a_write_that_somebody_else_set_is_kept() -> None:
    """Before ours, and over ours."""
    stream, seen, heard = Stream(), [], []  # type: tuple[Stream, list[str], list[str]]
    theirs = seen.append
    stream.write = theirs  # type: ignore[assignment, method-assign]
    wrapped = Wrapped(stream, heard.append)
    stream.write("a")
    wrapped.close()
    assert vars(stream)["write"] == theirs
    wrapped = Wrapped(stream, heard.append)
    below = stream.write

    def over(text: str) -> int:
        return below(text.upper())

    stream.write = over  # type: ignore[method-assign]
    stream.write("b")
    wrapped.close()
    stream.write("c")
    assert stream.write is over
    assert (seen, heard) == (["a", "B", "C"], ["a", "B"])


def test_a_listener_that_fails_harms_nobody() -> None:
    stream = Stream()

    def fail(_: str) -> None:
        raise ValueError

    wrapped = Wrapped(stream, fail)
    assert stream.write("a") == 1
    wrapped.close()


def test_what_has_no_place_for_a_method_is_left_alone() -> None:
    with pytest.raises((AttributeError, TypeError)):
        Wrapped(None, print)
    with pytest.raises((AttributeError, TypeError)):
        Wrapped(io.StringIO.__new__(io.StringIO).getvalue, print)
