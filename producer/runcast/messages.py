"""The lines that the client prints, on stderr, so that they never mix with what a program writes.

A line of trouble is printed once: what repeats is counted instead.
"""

from __future__ import annotations

import sys
import threading

from runcast import terminal

PREFIX = "runcast: "


class Messages:
    """Where a run's lines go; silent if its settings say so, or quiet: then only what matters is printed."""

    def __init__(self, *, silent: bool = False, quiet: bool = False) -> None:
        self.silent, self.quiet = silent, quiet
        self._said: dict[str, int] = {}
        self._lock = threading.Lock()

    @property
    def notes(self) -> bool:
        """Whether `note` prints anything."""
        return not self.silent and not self.quiet

    def note(self, text: str) -> None:
        """Print what is good to know, and no more."""
        if not self.quiet:
            self.say(text)

    def say(self, text: str) -> None:
        """Print a line, or several."""
        if not self.silent and sys.stderr is not None:
            try:
                # What a program logs or is called stands in here: none of it may steer the terminal.
                lines = (terminal.plain(line.expandtabs()) for line in text.split("\n"))
                sys.stderr.write("".join(f"{PREFIX}{line}\n" for line in lines))
                sys.stderr.flush()
            except (OSError, ValueError):
                # A closed stderr is the program's own business; a metric must not stop it.
                return

    def warn_once(self, topic: str, line: str) -> None:
        """Print the first line about a topic, and count the rest."""
        with self._lock:
            said = self._said[topic] = self._said.get(topic, 0) + 1
        if said == 1:
            self.say(f"WARNING {line}")

    def forget(self, topic: str) -> None:
        """Let the next line about a topic be printed again: the trouble was over."""
        with self._lock:
            self._said.pop(topic, None)

    @property
    def warnings(self) -> dict[str, int]:
        """How often there was something to say about each topic."""
        return dict(self._said)
