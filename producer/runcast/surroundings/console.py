"""Keep what a program prints, as lines of its run, a few times a second.

Whoever prints pays for an append to a queue; a thread does the rest. A progress bar is one line that
changes once a second. Who prints more than the bound for long is heard again when it is quieter, and a line says
how much is missing.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import groupby

from runcast import events
from runcast.surroundings.screen import Screen

GATHER_SECONDS = 0.25  # Lines of one loop travel together.
REWRITE_SECONDS = 1.0  # How often a line that changes is kept anew: nobody reads faster.
BURST_CHARS_MAX = 4 * 1024 * 1024  # What may be printed at once …
CHARS_PER_SECOND = 64 * 1024  # … and in the long run: about 800 lines a second.
EVENT_LINES_MAX, EVENT_CHARS_MAX = 500, 256 * 1024  # Well under what a stream's entry may hold, whatever the letters.
END_SECONDS_MAX = 1.0

Chunk = tuple[bool, str]  # Whether it is from stderr, and the text.


class Console:
    """The lines of one writer. `hear` may be called by any thread and from a signal's handler; it takes no lock."""

    def __init__(
        self,
        tell: Callable[[events.Console], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        self._tell, self._clock, self._now = tell, clock, now
        self._heard: deque[Chunk] = deque()
        self._screens = {False: Screen(), True: Screen()}
        self._numbers: dict[bool, dict[int, int]] = {False: {}, True: {}}  # By stream: its line → the run's line.
        self._next = 0
        self._kept: set[int] = set()  # Lines that were told, and can still change.
        self._waiting: dict[int, tuple[bool, str]] = {}  # Lines that changed, until it is time to tell them.
        self._rewritten_at = clock()
        self._budget, self._refilled_at = float(BURST_CHARS_MAX), clock()
        self._missed = 0
        self._deaf = False
        self._pumping = threading.Lock()  # Never taken by who prints.
        self._ended = threading.Event()
        self._wake = threading.Event()  # Something was heard …
        self._whole = threading.Event()  # … and a whole line of it.
        self._thread = threading.Thread(target=self._work, name="runcast-console", daemon=True)

    def begin(self) -> None:
        """Start the thread; raises RuntimeError when there is none to spare."""
        self._thread.start()

    def hear(self, text: str, *, error: bool) -> None:
        """Take what was printed."""
        if self._deaf:
            return
        self._heard.append((error, text))
        if not self._wake.is_set():
            self._wake.set()
        if "\n" in text and not self._whole.is_set():
            self._whole.set()

    def forked(self) -> None:
        """Hear nothing in a child: the lines are its parent's."""
        self._deaf = True

    def end(self) -> None:
        """Tell everything that is left."""
        if self._deaf:
            return
        self._ended.set()
        self._wake.set()
        self._whole.set()
        if self._thread.ident is not None:
            self._thread.join(END_SECONDS_MAX)
        else:  # There was no thread to spare, or no time to start one.
            self._finish()

    def _work(self) -> None:
        while not self._ended.is_set():
            late = REWRITE_SECONDS if self._waiting else None
            self._wake.wait(late)
            # A bar that moves is in no hurry; a line is.
            self._whole.wait(REWRITE_SECONDS)
            self._ended.wait(GATHER_SECONDS)
            self._wake.clear()
            self._whole.clear()
            with suppress(Exception):  # No program fails for what it prints.
                self.pump()
        self._finish()

    def _finish(self) -> None:
        with suppress(Exception):
            self.pump(last=True)
        self._deaf = True

    def pump(self, *, last: bool = False) -> None:
        """Turn what was heard into lines, and tell those whose time has come."""
        with self._pumping:
            self._pump(last=last)

    def _pump(self, *, last: bool) -> None:
        heard = [self._heard.popleft() for _ in range(len(self._heard))]
        for error, chunks in groupby(heard, key=lambda chunk: chunk[0]):
            text = self._afford("".join(text for _, text in chunks))
            if text:
                self._show(error, text)
        if self._missed and (last or self._budget > CHARS_PER_SECOND):
            missed, self._missed = self._missed, 0
            self._show(True, f"\n[runcast: {missed} lines are missing here: the program printed too much at once]\n")
        rewriting = last or self._clock() - self._rewritten_at >= REWRITE_SECONDS
        if rewriting:
            self._rewritten_at = self._clock()
        due = sorted(number for number in self._waiting if rewriting or number not in self._kept)
        self._say([(number, *self._waiting.pop(number)) for number in due])

    def _afford(self, text: str) -> str:
        """Let through as much as the bound allows, in whole lines where there are any."""
        now = self._clock()
        self._budget = min(BURST_CHARS_MAX, self._budget + (now - self._refilled_at) * CHARS_PER_SECOND)
        self._refilled_at = now
        if len(text) <= self._budget:
            self._budget -= len(text)
            return text
        kept = text[: text.rfind("\n", 0, int(self._budget)) + 1] if not self._missed else ""
        self._budget -= len(kept)
        self._missed += max(1, text.count("\n", len(kept)))
        return kept

    def _show(self, error: bool, text: str) -> None:
        screen, numbers = self._screens[error], self._numbers[error]
        # Python passes on bytes that are no text as lone surrogates, and nothing else takes them.
        screen.feed(text if text.isascii() else text.encode("utf-8", "replace").decode())
        for row, line in screen.take():
            number = numbers.get(row)
            if number is None:
                number = numbers[row] = self._next
                self._next += 1
            self._waiting[number] = error, line
        for row in [row for row in numbers if row < screen.first]:
            self._kept.discard(numbers.pop(row))

    def _say(self, lines: list[tuple[int, bool, str]]) -> None:
        at = 0
        while at < len(lines):
            first, error, line = lines[at]
            end, chars = at + 1, len(line)
            while end < len(lines) and end - at < EVENT_LINES_MAX and lines[end][:2] == (first + end - at, error):
                chars += len(lines[end][2])
                if chars > EVENT_CHARS_MAX:
                    break
                end += 1
            self._tell(events.Console(self._now(), first, tuple(line for _, _, line in lines[at:end]), error=error))
            self._kept.update(number for number, _, _ in lines[at:end])
            at = end
