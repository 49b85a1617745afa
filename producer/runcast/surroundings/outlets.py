"""Listen to stdout and stderr without changing them: the same objects, the same terminal, the same bytes.

Two ways. `Wrapped` hears what Python prints: `write` of the stream object is one of ours that calls the old one
first, so that whoever keeps the object (a logging handler, tqdm) is heard too, and `isatty`, `encoding` and
`fileno` are the object's own. `Redirected` hears what anybody in the process prints, C libraries and child
processes too: the file descriptor leads to us, through a terminal of our own if it was one, and a thread passes
every byte on.
"""

from __future__ import annotations

import codecs
import errno
import fcntl
import os
import sys
import termios
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar, Protocol

READ_BYTES = 65536
END_SECONDS_MAX = 1.0  # Children may keep the line open; it is passed on, but no longer waited for.

Hear = Callable[[str], None]


class Outlet(Protocol):
    """A stream that is listened to."""

    def close(self) -> None:
        """Make it what it was."""

    def forked(self) -> None:
        """Make it what it was, in a child of the process."""


class _Listened:
    """A `write` that tells listeners what it wrote."""

    def __init__(self, stream: Any) -> None:
        self.own = "write" in vars(stream)  # It had a `write` of its own before, which somebody else gave it.
        self.write = stream.write
        self.hear: list[Hear] = []

    def __call__(self, text: Any) -> Any:
        written = self.write(text)
        if isinstance(text, str):
            for hear in self.hear:
                with suppress(Exception):
                    hear(text)
        return written


class Wrapped:
    """One of Python's streams; runs beside each other share what is done to it. Raises TypeError or AttributeError."""

    def __init__(self, stream: Any, hear: Hear) -> None:
        self._stream, self._hear = stream, hear
        top = vars(stream).get("write")
        self._listened = top if isinstance(top, _Listened) else _Listened(stream)
        self._listened.hear.append(hear)
        stream.write = self._listened

    def close(self) -> None:
        """Make it what it was, unless others listen too; where somebody put a `write` over ours, it only passes on."""
        listened = self._listened
        if self._hear in listened.hear:
            listened.hear.remove(self._hear)
        if listened.hear or vars(self._stream).get("write") is not listened:
            return
        with suppress(AttributeError):
            if listened.own:
                self._stream.write = listened.write
            else:
                del self._stream.write

    forked = close


class Redirected:
    """One of the process's file descriptors. Raises OSError if it is closed, or listened to already."""

    _taken: ClassVar[set[int]] = set()

    def __init__(self, fd: int, hear: Hear) -> None:
        if fd in self._taken:
            # Two in a row could only be closed in one order, and runs end in any.
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        self._fd, self._hear = fd, hear
        self._saved = os.dup(fd)
        try:
            self._reader, writer = _terminal(fd) if os.isatty(fd) else os.pipe()
        except OSError:
            os.close(self._saved)
            raise
        self._thread = threading.Thread(target=self._pass_on, name=f"runcast-fd{fd}", daemon=True)
        self._thread.start()
        os.dup2(writer, fd)
        os.close(writer)
        self._taken.add(fd)

    def _pass_on(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while True:
            try:
                data = os.read(self._reader, READ_BYTES)
            except OSError:  # A terminal's end.
                data = b""
            if not data:
                break
            left = memoryview(data)
            while left:
                try:
                    left = left[os.write(self._saved, left) :]
                except OSError:  # Nobody reads it any more: the program shall see it, and end as it would without us.
                    os.dup2(self._saved, self._fd)
                    break
            with suppress(Exception):
                self._hear(decoder.decode(data))
        os.close(self._reader)
        os.close(self._saved)

    def close(self) -> None:
        """Lead the descriptor to where it led, when everything printed so far has gone there."""
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        os.dup2(self._saved, self._fd)
        self._taken.discard(self._fd)
        self._thread.join(END_SECONDS_MAX)

    def forked(self) -> None:
        """Lead a child's descriptor to where its parent's led: its thread to pass it on is not here."""
        self._taken.discard(self._fd)
        with suppress(OSError):
            os.dup2(self._saved, self._fd)
            os.close(self._saved)
            os.close(self._reader)


def _terminal(fd: int) -> tuple[int, int]:
    """Open a terminal that looks like the one behind `fd` and changes no byte."""
    reader, writer = os.openpty()
    with suppress(OSError, termios.error):
        attributes = termios.tcgetattr(writer)
        attributes[1] &= ~termios.OPOST
        termios.tcsetattr(writer, termios.TCSANOW, attributes)
        fcntl.ioctl(writer, termios.TIOCSWINSZ, fcntl.ioctl(fd, termios.TIOCGWINSZ, bytes(8)))
    return reader, writer
