"""What a training wants somebody to know at once, and how often it may say it."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from datetime import timedelta
from typing import Any

WAIT_SECONDS = 60.0  # Between two alerts of one title, unless they say otherwise; as in W&B.
TITLES_MAX = 1000  # Remembered; a program that makes more titles hears no more of this bound than that they all pass.


class AlertLevel(enum.Enum):
    """How bad it is."""

    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"


def level_of(given: Any) -> str:
    """Read a level; raises ValueError, as W&B does."""
    if given is None:
        return AlertLevel.INFO.value
    try:
        return AlertLevel(given.upper() if isinstance(given, str) else given).value
    except ValueError:
        raise ValueError("level must be one of 'INFO', 'WARN', or 'ERROR'") from None


class Waits:
    """Which titles were said when."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._said: dict[str, float] = {}

    def may(self, title: str, wait: float | timedelta | None) -> bool:
        """Whether an alert of this title may be said now; if so, it counts as said."""
        seconds = WAIT_SECONDS if wait is None else wait.total_seconds() if isinstance(wait, timedelta) else float(wait)
        now = self._clock()
        if now - self._said.get(title, -math.inf) < seconds:
            return False
        if len(self._said) < TITLES_MAX:
            self._said[title] = now
        return True
