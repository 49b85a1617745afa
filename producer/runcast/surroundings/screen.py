r"""What a terminal would show of what a program writes: lines, of which the newest can still change.

It understands what progress bars do: `\r`, backspace, cursor up and down, erasing. Colours and other sequences
are left out. Pure; text may come in pieces that end anywhere.
"""

from __future__ import annotations

import re

ROWS_MAX = 256  # So far back a cursor can go; a terminal's height is less.
LINE_CHARS_MAX = 8192  # The rest of a longer line is cut off.
COLUMNS_MAX = 1000  # A cursor sent further to the right stays here.

_PIECE = re.compile(
    r"(?P<text>[^\x00-\x08\x0a-\x1f\x7f]+)"
    r"|(?P<newline>\n)"
    r"|(?P<control>[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f])"
    r"|\x1b\[(?P<numbers>[\d;:<=>?]*)[ -/]*(?P<command>[@-~])"
    r"|(?P<ignored>\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-Z\\^-~])"
)
_UNFINISHED = re.compile(r"\x1b(?:[ -/]*|\[[\d;:<=>?]*[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?)\Z")
_UNFINISHED_CHARS_MAX = 4096  # A sequence of more is none.


class Screen:
    """The lines of one stream. `first` is the number of the oldest that can still change."""

    def __init__(self) -> None:
        self._rows = [""]
        self.first = 0
        self._row = 0  # The cursor, counted from the oldest row.
        self._column = 0
        self._rest = ""
        self._changed: dict[int, None] = {}  # Numbers of lines, in order of their first change.

    def feed(self, text: str) -> None:
        """Take what the program wrote."""
        text = self._rest + text
        self._rest = ""
        if (cut := _UNFINISHED.search(text, max(0, len(text) - _UNFINISHED_CHARS_MAX))) is not None:
            text, self._rest = text[: cut.start()], cut[0]
        for piece in _PIECE.finditer(text):
            match piece.lastgroup:
                case "text":
                    self._write(piece[0])
                case "newline":
                    self._touch()
                    self._down(1)
                    self._column = 0
                case "control":
                    self._control(piece[0])
                case "command":
                    self._command(piece["command"], piece["numbers"])

    def take(self) -> list[tuple[int, str]]:
        """Give the lines that changed since the last time: number and text, in the order in which they changed."""
        changed, self._changed = self._changed, {}
        return [(number, self._rows[number - self.first].rstrip()) for number in changed if number >= self.first]

    def _touch(self) -> None:
        self._changed[self.first + self._row] = None

    def _write(self, text: str) -> None:
        row = self._rows[self._row]
        end = self._column + len(text)
        if self._column == len(row):
            row += text
        else:
            row = row[: self._column].ljust(self._column) + text + row[end:]
        self._rows[self._row] = row[:LINE_CHARS_MAX]
        self._column = min(end, LINE_CHARS_MAX)
        self._touch()

    def _down(self, count: int) -> None:
        self._row += count
        while self._row >= len(self._rows):
            self._rows.append("")
        # Only what is taken already may leave, else a burst of lines would be lost. Its reader takes often.
        surplus = len(self._rows) - ROWS_MAX
        if surplus > ROWS_MAX:
            oldest = next(iter(self._changed), self.first + surplus)
            surplus = min(surplus, oldest - self.first)
            if surplus > 0:
                del self._rows[:surplus]
                self.first += surplus
                self._row -= surplus

    def _control(self, character: str) -> None:
        if character == "\r":
            self._column = 0
        elif character == "\b":
            self._column = max(0, self._column - 1)

    def _command(self, command: str, numbers: str) -> None:
        first = numbers.split(";", maxsplit=1)[0]
        count = min(int(first), ROWS_MAX) if first.isdigit() else 0
        match command:
            case "A" | "F":
                self._row = max(0, self._row - max(1, count), len(self._rows) - ROWS_MAX)
            case "B" | "E":
                self._down(max(1, count))
            case "C":
                self._column = min(COLUMNS_MAX, self._column + max(1, count))
            case "D":
                self._column = max(0, self._column - max(1, count))
            case "G":
                self._column = min(COLUMNS_MAX, max(1, count) - 1)
            case "K":
                self._erase_line(count)
            case "J":
                self._erase_screen(count)
        if command in "EF":
            self._column = 0

    def _erase_line(self, kind: int) -> None:
        row = self._rows[self._row]
        left = "" if kind else row[: self._column]
        right = row[self._column :] if kind == 1 else ""
        self._rows[self._row] = left + (" " * self._column + right if kind == 1 else "")
        self._touch()

    def _erase_screen(self, kind: int) -> None:
        if kind == 0:
            self._erase_line(0)
            for row in range(self._row + 1, len(self._rows)):
                self._rows[row] = ""
                self._changed[self.first + row] = None
        else:
            # What was shown stays readable: an empty screen begins below it.
            self._row = len(self._rows) - 1
            if self._rows[self._row]:
                self._down(1)
            self._column = 0
