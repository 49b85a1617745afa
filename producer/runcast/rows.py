"""What `log` accepts, as W&B's client does: a dict of anything to plain numbers and plain values.

Nested dicts become dotted names. numpy, torch and their like are recognised by what they can do,
and are never imported. A value that cannot be kept raises TypeError in the caller, at once.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from runcast.blocks import BOOL, FLOAT, INT
from runcast.events import Plain
from runcast.names import check_name

INT_MAX = 2**53  # Beyond it a float64 no longer holds every integer.
LIST_VALUES_MAX = 32  # A larger array becomes a histogram, as in W&B.
HISTOGRAM_BINS = 32
DEPTH_MAX = 32  # Of dicts in dicts; deeper is a cycle.

_KINDS: dict[type, str] = {float: FLOAT, int: INT, bool: BOOL}


def check_row(data: object) -> Mapping[str, Any]:
    """Return what was logged if it is a dict with names for keys; raises TypeError as W&B does."""
    if not isinstance(data, Mapping):
        raise TypeError("wandb.log must be passed a dictionary")
    if any(not isinstance(key, str) for key in data):
        raise TypeError("Key values passed to `wandb.log` must be strings.")
    return data


def check_step(step: object) -> int:
    """Return a step as an int; raises TypeError for what is no whole number."""
    if isinstance(step, bool):
        raise TypeError(f"the step must be a whole number, not {step!r}")
    try:
        return int(step.__index__())  # type: ignore[attr-defined]
    except (AttributeError, TypeError):
        raise TypeError(f"the step must be a whole number, not {step!r}") from None


def plain_kinds(types: tuple[type, ...]) -> str | None:
    """Name the kinds of a row of these types, or None when one of them is more than a number."""
    kinds = []
    for kind in types:
        known = _KINDS.get(kind) or _numpy_kind(kind)
        if known is None:
            return None
        kinds.append(known)
    return "".join(kinds)


def _numpy_kind(kind: type) -> str | None:
    """Recognise a numpy scalar by its type: `struct` packs it as it is."""
    if kind.__module__ != "numpy":
        return None
    name = kind.__name__
    if name.startswith("float"):
        return FLOAT
    if name.startswith(("int", "uint")):
        return INT
    return BOOL if name in {"bool", "bool_"} else None


def split(data: Mapping[str, Any]) -> tuple[dict[str, float], str, dict[str, Plain]]:
    """Divide a row into numbers with their kinds, and values that are none.

    Raises TypeError for a value that cannot be kept and NameRefused for a key that cannot.
    """
    numbers: dict[str, float] = {}
    kinds: dict[str, str] = {}
    extras: dict[str, Plain] = {}
    for name, value in _flat(data, "", 0):
        check_name("metric name", name)
        kind = _KINDS.get(type(value))
        if kind == INT and not -INT_MAX <= value <= INT_MAX:
            kind = FLOAT
        if kind is None:
            numbers.pop(name, None)
            extras[name] = value
            continue
        try:
            numbers[name], kinds[name] = float(value), kind
        except OverflowError:
            numbers[name], kinds[name] = float("inf") if value > 0 else float("-inf"), FLOAT
        extras.pop(name, None)
    return numbers, "".join(kinds[name] for name in numbers), extras


def _flat(data: Mapping[str, Any], prefix: str, depth: int) -> Any:
    if depth > DEPTH_MAX:
        raise TypeError(f"the value of {prefix[:-1]!r} is nested deeper than {DEPTH_MAX} dicts")
    for key, value in data.items():
        if key == "":
            continue
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and "_type" not in value:
            yield from _flat(value, f"{name}.", depth + 1)
        else:
            plain_value = plain(value)
            if isinstance(plain_value, dict) and "_type" not in plain_value:
                yield from _flat(plain_value, f"{name}.", depth + 1)
            else:
                yield name, plain_value


def plain(value: Any, depth: int = 0) -> Any:
    """Turn a value into what JSON knows, by W&B's rules; raises TypeError when there is no such thing."""
    if value is None or type(value) in {bool, int, float, str}:
        return value
    if depth > DEPTH_MAX:
        raise TypeError(f"a value is nested deeper than {DEPTH_MAX} levels")
    if isinstance(value, Mapping):
        return {str(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item, depth + 1) for item in value]
    if isinstance(value, enum.Enum):
        return plain(value.value, depth + 1)
    if isinstance(value, bool | int | float | str):
        return _builtin(value)
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return plain(dataclasses.asdict(value), depth + 1)
    return _foreign(value, depth)


def _builtin(value: Any) -> bool | int | float | str:
    """Strip a subclass of a built-in type, such as numpy.float64, down to the type itself."""
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    raise TypeError


def _foreign(value: Any, depth: int) -> Any:
    if hasattr(value, "detach") and hasattr(value, "cpu"):  # A torch tensor, maybe on a GPU and in a graph.
        value = value.detach().cpu()
    module = type(value).__module__.partition(".")[0]
    if hasattr(value, "tolist") and hasattr(value, "shape") and module != "pandas":
        size = _size(value)
        if size == 1:
            return plain(value.item(), depth + 1)
        if size <= LIST_VALUES_MAX:
            return plain(value.tolist(), depth + 1)
        return histogram(_numbers(value.tolist()))
    if hasattr(value, "item") and not hasattr(value, "__len__"):
        return plain(value.item(), depth + 1)
    if type(value).__name__ in {"Decimal", "UUID", "complex"}:
        return str(value)
    if callable(value):
        return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', type(value).__name__)}"
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _size(value: Any) -> int:
    size = 1
    for length in value.shape:
        size *= int(length)
    return size


def _numbers(value: Any) -> list[float]:
    if isinstance(value, list):
        return [number for item in value for number in _numbers(item)]
    return [float(value)] if isinstance(value, bool | int | float) else []


def histogram(values: list[float]) -> dict[str, Plain]:
    """Count values into 32 bins of equal width between their smallest and their largest, as W&B does."""
    finite = [value for value in values if value - value == 0]
    low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)
    if low == high:
        low, high = low - 0.5, high + 0.5
    width = (high - low) / HISTOGRAM_BINS
    counts = [0] * HISTOGRAM_BINS
    for value in finite:
        counts[min(HISTOGRAM_BINS - 1, int((value - low) / width))] += 1
    return {"_type": "histogram", "values": list(counts), "bins": [low + width * i for i in range(HISTOGRAM_BINS + 1)]}
