"""How text stands in a terminal: nothing in it steers the terminal, and it is as wide as it looks. Pure."""

from __future__ import annotations

import unicodedata

_STEERING = frozenset(
    {"Cc", "Cf", "Cs", "Zl", "Zp"}
)  # Controls, what turns the direction, halves of a character, ends.
_NARROW = frozenset({"Mn", "Me", "Cf"})  # Marks over or around the letter before them.


def plain(text: str) -> str:
    """Write a name so that nothing in it steers the terminal."""
    if text.isprintable():
        return text
    return "".join("·" if unicodedata.category(char) in _STEERING else char for char in text)


def width(text: str) -> int:
    """Say how many columns a text takes."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def clip(text: str, columns: int) -> str:
    """Shorten a text to so many columns."""
    if width(text) <= columns:
        return text
    taken = 0
    for at, char in enumerate(text):
        taken += _columns(char)
        if taken >= columns:
            return text[:at] + "…" if columns > 0 else ""
    return text


def pad(text: str, columns: int, *, right: bool = False) -> str:
    """Fill a text up to so many columns; `right` puts it flush right."""
    fill = " " * (columns - width(text))
    return fill + text if right else text + fill


def _columns(char: str) -> int:
    if unicodedata.category(char) in _NARROW:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
