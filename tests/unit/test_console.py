"""What of a program's output is kept: the lines that a terminal would show, and what changes in them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runcast import events
from runcast.surroundings import console
from runcast.surroundings.console import Console
from runcast.surroundings.screen import LINE_CHARS_MAX, Screen

# What tqdm writes for two bars within each other, and lines written past them.
TQDM = (
    "\repoch 0/2\n\rbatch 0/2\x1b[A\n\rbatch 1/2\x1b[A\r         \r\n\r         \r\x1b[Anote 0\n\repoch 0/2\n"
    "\rbatch 1/2\x1b[A\n\rbatch 2/2\x1b[A\n\r         \x1b[A\repoch 1/2\n\rbatch 0/2\x1b[A\n\rbatch 1/2\x1b[A"
    "\r         \r\n\r         \r\x1b[Anote 1\n\repoch 1/2\n\rbatch 1/2\x1b[A\n\rbatch 2/2\x1b[A\n\r         \x1b[A"
    "\repoch 2/2\repoch 2/2\n"
)


def lines(*texts: str) -> list[str]:
    """Every line that is left in the end."""
    screen, shown = Screen(), dict[int, str]()
    for text in texts:
        screen.feed(text)
        shown.update(screen.take())
    return [shown.get(number, "") for number in range(max(shown) + 1)] if shown else []


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("one\ntwo\n", ["one", "two"]),
        ("one\r\ntwo", ["one", "two"]),
        ("\n\nthree\n", ["", "", "three"]),
        (" 10%\r 20%\r100%\n", ["100%"]),
        ("long line\rshort\n", ["shortline"]),
        ("long line\r\x1b[Kshort\n", ["short"]),
        ("abc\b\bX\n", ["aXc"]),
        ("\x1b[31mred\x1b[0m and \x1b[1;38;5;12mblue\x1b[m\n", ["red and blue"]),
        ("\x1b]0;a title\x07text\n", ["text"]),
        ("\x1b]8;;https://x\x1b\\link\x1b]8;;\x1b\\\n", ["link"]),
        ("a\nb\nc\x1b[2A\rA\x1b[2B\rC\n", ["A", "b", "C"]),
        ("a\nb\x1b[1F\x1b[2KA\x1b[1E\x1b[2KB\n", ["A", "B"]),
        ("one\ntwo\x1b[1A\x1b[1G\x1b[Jnew\n", ["new", ""]),
        ("kept\n\x1b[2J\x1b[Hnext\n", ["kept", "next"]),
        ("tab\tstays\n", ["tab\tstays"]),
        ("bell\x07 and null\x00\n", ["bell and null"]),
        ("\x1b[999999999999A\x1b[999999999CX\n", [" " * 256 + "X"]),
        ("é漢🙂\n", ["é漢🙂"]),
        ("\x1b\na", ["", "a"]),
        (TQDM, ["note 0", "note 1", "epoch 2/2", ""]),
    ],
)
def test_a_line_is_what_a_terminal_would_show(text: str, left: list[str]) -> None:
    """However the text is cut into pieces."""
    assert lines(text) == left
    assert lines(*text) == left
    assert lines(*[text[at : at + 3] for at in range(0, len(text), 3)]) == left


PIECES = st.sampled_from(
    "a|漢| |word\n|\n|\r|\b|\t|[|\x07|\x9b|"
    "\x1b|\x1b[A|\x1b[2B|\x1b[3C|\x1b[D|\x1b[K|\x1b[1K|\x1b[2K|\x1b[J|\x1b[2J|\x1b[H"
    "|\x1b[5G|\x1b[31m|\x1b]0;t\x07|\x1b]8;;u\x1b\\".split("|")
)


@settings(max_examples=500)
@given(st.lists(PIECES, max_size=60), st.integers(1, 7))
def test_no_text_breaks_a_screen_and_pieces_do_not_matter(pieces: list[str], size: int) -> None:
    text = "".join(pieces)
    assert lines(*[text[at : at + size] for at in range(0, len(text), size)]) == lines(text)


def test_a_burst_of_lines_is_kept_whole() -> None:
    assert lines("".join(f"{n}\n" for n in range(5000))) == [str(n) for n in range(5000)]


def test_a_line_without_end_is_cut() -> None:
    assert lines("x" * 1_000_000 + "\nnext\n") == ["x" * LINE_CHARS_MAX, "next"]


class Told:
    """A console without a thread, on a clock of its own."""

    def __init__(self) -> None:
        self.events: list[events.Console] = []
        self.now = 100.0
        self.console = Console(self.events.append, clock=lambda: self.now, now=lambda: 7)

    def hear(self, *texts: str, error: bool = False, after: float = 0.25, last: bool = False) -> list[tuple[int, str]]:
        """Print, wait, and say which lines were told."""
        before = len(self.events)
        for text in texts:
            self.console.hear(text, error=error)
        self.now += after
        self.console.pump(last=last)
        return [(one.first + at, line) for one in self.events[before:] for at, line in enumerate(one.lines)]


def test_lines_of_one_moment_travel_together_and_in_order() -> None:
    told = Told()
    told.console.hear("a\nb\n", error=False)
    told.console.hear("oops\n", error=True)
    told.console.hear("c\n", error=False)
    told.console.pump()
    assert [(one.first, one.lines, one.error) for one in told.events] == [
        (0, ("a", "b"), False),
        (2, ("oops",), True),
        (3, ("c",), False),
    ]


def test_a_progress_bar_is_one_line_that_changes_once_a_second() -> None:
    told = Told()
    seen = [told.hear(f"\r{percent}%", error=True, after=0.1) for percent in range(100)]
    assert next(line for lines in seen for line in lines) == (0, "0%")
    assert {number for lines in seen for number, _ in lines} == {0}
    assert 9 <= sum(map(len, seen)) <= 12
    assert told.hear("\r100%\n", error=True, last=True) == [(0, "100%")]


def test_lines_beside_a_progress_bar_are_told_at_once() -> None:
    told = Told()
    told.hear("\r 0%", error=True)
    assert told.hear("epoch 1\n", "epoch 2\n") == [(1, "epoch 1"), (2, "epoch 2")]


def test_an_unfinished_line_is_told_and_then_replaced() -> None:
    told = Told()
    assert told.hear("loading … ") == [(0, "loading …")]
    assert told.hear("done\n", after=1.0) == [(0, "loading … done")]


def test_too_much_at_once_is_cut_and_said() -> None:
    """What fits is kept, then nothing for a while; then a line says how much is missing, and it goes on."""
    told = Told()
    line = "x" * 99 + "\n"
    many = console.BURST_CHARS_MAX // 100
    assert len(told.hear(line * (many + 500), after=0)) == many
    assert told.hear(line * 100, after=0) == []
    told.now += 60
    said = told.hear("quiet again\n")
    assert [text for _, text in said if text] == [
        "quiet again",
        "[runcast: 600 lines are missing here: the program printed too much at once]",
    ]


def test_what_is_no_text_is_replaced_and_long_lines_travel_in_parts() -> None:
    """An event that is too large for a stream would be dropped whole."""
    told = Told()
    assert told.hear("\ud800 odd\n") == [(0, "? odd")]
    before = len(told.events)
    assert len(told.hear(("x" * 8000 + "\n") * 300)) == 300
    assert all(sum(map(len, one.lines)) <= console.EVENT_CHARS_MAX for one in told.events[before:])


def test_ten_thousand_characters_a_second_are_never_too_much() -> None:
    told = Told()
    seen = [told.hear("x" * 99 + "\n", "y" * 99 + "\n", after=0.02) for _ in range(2000)]
    assert sum(map(len, seen)) == 4000


def test_a_forked_child_is_deaf() -> None:
    told = Told()
    told.console.forked()
    assert told.hear("mine\n") == []
