"""What a trainer logged, known without asking anything that is under test: a formula, and a count on disk."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

NOTE_EVERY = 40  # Rows with something that is no number.
WIDE_EVERY = 25  # Rows with other keys.


def row(trainer: int, number: int) -> dict[str, Any]:
    """The row that a trainer logs as its n-th."""
    value = (trainer * 1_000_003 + number * 7919) % 999_983 / 7.0
    logged: dict[str, Any] = {"number": number, "value": value}
    if number % NOTE_EVERY == 0:
        logged["note"] = f"row {number} of {trainer}"
    if number % WIDE_EVERY == 0:
        logged["good"] = number % 2 == 0
    return logged


class Count:
    """How many calls of `log` have returned; one `pwrite` each, so that a SIGKILL can not take it back."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)

    def set(self, number: int) -> None:
        """Say that the n-th call has returned."""
        os.pwrite(self._fd, struct.pack("<q", number), 0)


def read(path: Path) -> int:
    """Read how many calls returned."""
    data = path.read_bytes()
    return int(struct.unpack("<q", data)[0]) if len(data) == 8 else 0
