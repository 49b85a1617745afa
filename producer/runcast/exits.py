"""How a process ends: with which exit code, and that its runs are ended before it is gone.

A run ends with the right word however its process does: normal exit, exception, Ctrl-C, SIGTERM. Only
SIGKILL says nothing, and then the journal is drained by whoever comes next.
"""

from __future__ import annotations

import atexit
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any, NoReturn

from runcast.run import FINISH_SECONDS_MAX

EXIT_ERROR, EXIT_INTERRUPT, EXIT_TERM = 1, 255, 143  # W&B's codes for an exception and Ctrl-C; the shell's for SIGTERM.
TERM_SECONDS_MAX = 5.0  # How long the end waits for the store after SIGTERM.


class Exits:
    """The hooks of one process; `end` is called with the exit code and with how long it may take."""

    def __init__(self, end: Callable[[int, float], None]) -> None:
        self._end = end
        self._exit_code = 0
        self._hooked = False
        self._excepthook: Callable[..., Any] | None = None

    def hook(self) -> None:
        """Put the hooks there, once."""
        if self._hooked:
            return
        self._hooked = True
        atexit.register(self._at_exit)
        self._excepthook = sys.excepthook
        sys.excepthook = self._excepted
        self._sys_exit = sys.exit
        sys.exit = self._exited
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self._terminated)

    def _at_exit(self) -> None:
        try:
            # Who sends SIGTERM sends SIGKILL soon after, and the journal is complete already.
            self._end(self._exit_code, TERM_SECONDS_MAX if self._exit_code == EXIT_TERM else FINISH_SECONDS_MAX)
        except (KeyboardInterrupt, SystemExit):
            return  # Told a second time to go: the journal keeps what is not stored yet.
        finally:
            if self._exit_code == EXIT_INTERRUPT:
                # Python ends by SIGINT after this, so that a shell's loop ends too; but it forgets to, if a module was
                # loaded meanwhile whose classes are made by `exec`, as dataclasses are. This reminds it.
                with suppress(KeyboardInterrupt):
                    exec("raise KeyboardInterrupt")  # noqa: S102  # A constant.

    def _excepted(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        self._exit_code = EXIT_INTERRUPT if issubclass(kind, KeyboardInterrupt) else EXIT_ERROR
        if self._excepthook is not None:
            self._excepthook(kind, error, trace)

    def _exited(self, status: Any = None) -> NoReturn:
        # No hook tells what `sys.exit` was called with, and a run that ended with 3 did not end with 0.
        self._exit_code = status if isinstance(status, int) else int(status is not None)
        self._sys_exit(status)

    def _terminated(self, number: int, frame: FrameType | None) -> None:
        # SystemExit unwinds the training's own `finally` blocks, and then atexit ends the run.
        del number, frame
        self._exit_code = EXIT_TERM
        raise SystemExit(EXIT_TERM)
