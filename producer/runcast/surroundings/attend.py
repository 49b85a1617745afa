"""Begin and end what surrounds one run. Light, for `init` waits for it: the work is done behind its back."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import partial

from runcast.launch import Launch
from runcast.lazy import load
from runcast.surroundings.console import Console
from runcast.surroundings.outlets import Outlet, Redirected, Wrapped
from runcast.surroundings.place import Place
from runcast.surroundings.wanted import OFF, REDIRECT, Wanted

END_SECONDS_MAX = 2.0  # How long the end waits for facts that are still being collected: Git may be slow.


class Surroundings:
    """What surrounds one run of this process."""

    def __init__(self, place: Place, wanted: Wanted, environ: Mapping[str, str], launch: Launch | None = None) -> None:
        self._place, self._wanted, self._environ, self._launch = place, wanted, environ, launch
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._console: Console | None = None
        self._outlets: list[Outlet] = []

    def begin(self) -> None:
        """Start what is wanted; a machine without a thread to spare goes without."""
        if self._wanted.console != OFF:
            self._listen()
        # To start a thread takes as long as the busiest other one holds the interpreter: the first starts the second.
        self._thread = threading.Thread(target=self._work, name="runcast-surroundings", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            self._thread = None

    def _listen(self) -> None:
        self._console = console = Console(self._place.tell)
        for fd, stream in ((1, sys.stdout), (2, sys.stderr)):
            hear = partial(console.hear, error=fd == 2)
            if self._wanted.console == REDIRECT:
                with suppress(OSError, RuntimeError):
                    self._outlets.append(Redirected(fd, hear))
                    continue
            with suppress(AttributeError, TypeError):  # No stream, or one that is not to be changed.
                self._outlets.append(Wrapped(stream, hear))

    def _work(self) -> None:
        with suppress(RuntimeError):
            if self._console is not None:
                self._console.begin()
        if not (self._wanted.samples or self._wanted.facts or self._wanted.git):
            return
        with suppress(Exception):
            background = load("runcast.surroundings.background")
            process = background.Process.here(self._environ, self._launch)
            background.Background(self._place, self._wanted, process, self._stopping).work()

    def write(self, text: str) -> None:
        """Keep text as if the program had printed it."""
        if self._console is not None:
            self._console.hear(text if text.endswith("\n") else f"{text}\n", error=False)

    def end(self) -> None:
        """Give the streams back, tell what is left, and take a last sample."""
        self._stopping.set()
        for outlet in reversed(self._outlets):
            with suppress(Exception):
                outlet.close()
        self._outlets = []
        if self._console is not None:
            self._console.end()
        if self._thread is not None:
            self._thread.join(END_SECONDS_MAX)

    def forked(self) -> None:
        """Leave everything to the parent; called in a child."""
        if self._console is not None:
            self._console.forked()
        for outlet in self._outlets:
            with suppress(Exception):
                outlet.forked()
        self._outlets, self._console, self._thread = [], None, None
