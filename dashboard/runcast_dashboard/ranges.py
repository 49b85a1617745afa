"""The ends of charts' axes that a reader set by hand, as they stand in an address.

By metric: `y`, the low and the high end, of which null follows what is shown; and `x`, which holds along `axis`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

CHARS_MAX = 4000  # In an address; beyond it those that were set first are left out.
NAME_CHARS_MAX = 256  # Of a metric.
AXIS_CHARS_MAX = NAME_CHARS_MAX + 20
Ranges = dict[str, dict[str, object]]


def read(text: str) -> Ranges:
    """Read what an address says; what is cut or mistyped in it is left out."""
    try:
        given = json.loads(text) if len(text) <= CHARS_MAX else {}
    except (ValueError, RecursionError):
        return {}
    found: Ranges = {}
    for name, said in given.items() if isinstance(given, dict) else ():
        if not isinstance(said, dict) or len(name) > NAME_CHARS_MAX:
            continue
        one: dict[str, object] = {}
        if _is_range(said.get("y")):
            one["y"] = said["y"]
        axis = said.get("axis")
        if _is_range(said.get("x")) and isinstance(axis, str) and len(axis) <= AXIS_CHARS_MAX:
            one |= {"x": said["x"], "axis": axis}
        if one:
            found[name] = one
    return found


def write(given: object) -> str:
    """Write them for an address; empty where there are none."""
    left = list(given.items()) if isinstance(given, Mapping) else []
    while left:
        text = json.dumps(dict(left), separators=(",", ":"), ensure_ascii=False)
        if len(text) <= CHARS_MAX:
            return text
        left.pop(0)
    return ""


def _is_range(ends: object) -> bool:
    if not isinstance(ends, list) or len(ends) != 2:
        return False
    said = [end for end in ends if end is not None]
    return bool(said) and all(map(_is_end, said)) and (len(said) < 2 or said[0] < said[1])


def _is_end(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # An integer that no number of a browser's is.
        return False
