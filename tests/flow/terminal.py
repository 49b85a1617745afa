"""A terminal of so many columns, and somebody in front of it who presses Ctrl-C."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time
from collections.abc import Callable, Sequence

from tests.flow.running import environment

SECONDS_MAX = 60.0


def look(
    *arguments: str,
    columns: int = 80,
    ctrl_c: Callable[[str], bool] = lambda _: False,
    press: Sequence[tuple[Callable[[str], bool] | str, bytes]] = (),
    **environ: str,
) -> tuple[int, str]:
    """Run a command in a terminal until it ends; press Ctrl-C once `ctrl_c` says so of what is to be read.

    `press` are keys, each with what is to be read before it is pressed.

    Gives its status and everything that it wrote.
    """
    child, terminal = pty.fork()
    if child == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        command = [sys.executable, "-m", "runcast.cli", *arguments]
        around = environment(**({"TERM": "xterm"} | environ))
        around.pop("COLUMNS", None)  # Whoever runs the tests has a terminal of their own.
        os.execve(sys.executable, command, around)
    keys = list(press)
    said, pressed, deadline = "", False, time.monotonic() + SECONDS_MAX
    try:
        while time.monotonic() < deadline:
            if select.select([terminal], [], [], 0.1)[0]:
                try:
                    piece = os.read(terminal, 65536)
                except OSError:
                    break  # Linux says so when the other end is closed.
                if not piece:
                    break
                said += piece.decode(errors="replace")
            if keys and (keys[0][0] in said if isinstance(keys[0][0], str) else keys[0][0](said)):
                os.write(terminal, keys.pop(0)[1])
            if not pressed and ctrl_c(said):
                pressed = True
                os.write(terminal, b"\x03")
        else:
            raise AssertionError(f"it has not ended after {SECONDS_MAX} s:\n{said}")
    finally:
        os.close(terminal)
        status = os.waitpid(child, 0)[1]
    return os.waitstatus_to_exitcode(status), said.replace("\r\n", "\n")
