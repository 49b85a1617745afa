"""The lines at a run's end: each metric's curve as a row of bars, and its last value. Pure."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from runcast.blocks import Block, Item
from runcast.names import SYSTEM
from runcast.terminal import clip, pad, plain, width

METRICS_MAX = 10  # As many lines of each kind as W&B prints: a run of a thousand metrics has a page.
BARS_MAX = 40
NAMES_MAX = 1000  # Of metrics that are looked at, to find the first ten.
VALUES_MAX = 4096  # Of each that are kept; a longer curve loses every second.
READ_SECONDS_MAX = 0.3  # The end of a training does not wait longer for how it looks.
VALUE_COLUMNS_MAX = 60
_BARS = "▁▂▃▄▅▆▇█"


class Curve:
    """Some of a metric's values, evenly spread over all of them."""

    def __init__(self) -> None:
        self.values: list[float] = []
        self._every, self._skipped = 1, 0

    def add(self, values: Sequence[float]) -> None:
        """Take in what comes next."""
        taken = values[self._skipped :: self._every]
        self._skipped = (self._skipped - len(values)) % self._every
        self.values.extend(taken)
        while len(self.values) > VALUES_MAX:
            self.values, self._every = self.values[::2], 2 * self._every


def curves(take: Callable[[], Sequence[Item]], clock: Callable[[], float] = time.monotonic) -> dict[str, Curve]:
    """Read a journal's rows, as long as there is time; `take` gives some events after others, and then none."""
    found: dict[str, Curve] = {}
    until = clock() + READ_SECONDS_MAX
    while (items := take()) and clock() < until:
        for item in items:
            if not isinstance(item, Block):
                continue
            values = memoryview(item.values).cast("d")
            for at, name in enumerate(item.names):
                if name.startswith((SYSTEM, "_")) or (name not in found and len(found) >= NAMES_MAX):
                    continue
                found.setdefault(name, Curve()).add(values[at * item.rows : (at + 1) * item.rows].tolist())
    return found


def bars(values: Iterable[float]) -> str:
    """Draw values as bars of eight heights, at most forty of them; what is not finite is left out."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return ""
    if len(finite) > BARS_MAX:
        finite = [
            sum(part) / len(part)
            for at in range(BARS_MAX)
            if (part := finite[at * len(finite) // BARS_MAX : (at + 1) * len(finite) // BARS_MAX])
        ]
    low, high = min(finite), max(finite)
    span = high - low
    if not span or not math.isfinite(span):
        return _BARS[0] * len(finite)
    return "".join(_BARS[min(7, int((value - low) / span * 8))] for value in finite)


def history_lines(found: Mapping[str, Curve]) -> list[str]:
    """Write the first metrics by name, those with a curve to show."""
    shown = {name: bars(found[name].values) for name in sorted(found)}
    return _table({name: drawn for name, drawn in shown.items() if drawn})


def summary_lines(summary: Mapping[str, Any]) -> list[str]:
    """Write the first values by name, those that fit a line."""
    shown: dict[str, str] = {}
    for name, value in _flat(summary):
        if isinstance(value, bool | int | str) or value is None:
            shown[name] = str(value)
        elif isinstance(value, float):
            shown[name] = f"{value:.5f}".rstrip("0").rstrip(".") if 1e-3 <= abs(value) < 1e9 else f"{value:.5g}"
    return _table({name: shown[name] for name in sorted(shown) if not name.startswith("_")})


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            if "_type" not in value:
                yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _table(rows: Mapping[str, str]) -> list[str]:
    shown = {plain(name): plain(" ".join(rows[name].split())) for name in list(rows)[:METRICS_MAX]}
    columns = max(map(width, shown), default=0)
    lines = [
        f"  {pad(name, columns, right=True)} {clip(value, VALUE_COLUMNS_MAX)}".rstrip() for name, value in shown.items()
    ]
    return lines + ([f"  … and {len(rows) - METRICS_MAX} more"] if len(rows) > METRICS_MAX else [])
