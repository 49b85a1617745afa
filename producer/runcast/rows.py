"""What `log` accepts, as W&B's client does: a dict of anything to plain numbers and plain values.

Nested dicts become dotted names. numpy, torch and their like are recognised by what they can do,
and are never imported. A value that cannot be kept raises TypeError in the caller, at once.
"""

from __future__ import annotations

import dataclasses
import enum
import math
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time
from importlib import import_module
from types import ModuleType
from typing import Any

from runcast.blocks import BOOL, FLOAT, INT
from runcast.errors import UsageError
from runcast.events import Plain
from runcast.names import OWN_NAMES, SYSTEM, check_name

INT_MAX = 2**53  # Beyond it a float64 no longer holds every integer.
LIST_VALUES_MAX = 32  # A larger array becomes a histogram, as in W&B.
HISTOGRAM_BINS = 32
STEP_MAX = 2**53  # Beyond it the page's numbers cannot tell two steps apart.
TIME_SECONDS_MAX = 2**63 / 1e9 - 1  # Times are int64, in nanoseconds.
DEPTH_MAX = 32  # Of dicts in dicts; deeper is a cycle.

Show = Callable[[str, Any], Mapping[str, Plain] | None]
"""Gives names with what stands in the row for a value to be looked at; None for what is no such thing."""

_DRAWING = frozenset({"matplotlib", "plotly", "PIL", "pandas"})
_KINDS: dict[type, str] = {float: FLOAT, int: INT, bool: BOOL}


def check_row(data: object) -> Mapping[str, Any]:
    """Return what was logged if it is a dict with names for keys; raises TypeError as W&B does."""
    if not isinstance(data, Mapping):
        raise TypeError("wandb.log must be passed a dictionary")
    if any(not isinstance(key, str) for key in data):
        raise TypeError("Key values passed to `wandb.log` must be strings.")
    return data


def check_step(step: object) -> int:
    """Return a step as an int; raises TypeError for what is no whole number, and UsageError for one without bounds."""
    if isinstance(step, bool):
        raise TypeError(f"the step must be a whole number, not {step!r}")
    try:
        number = int(step.__index__())  # type: ignore[attr-defined]
    except (AttributeError, TypeError):
        raise TypeError(f"the step must be a whole number, not {step!r}") from None
    if not -STEP_MAX <= number <= STEP_MAX:
        raise UsageError(f"the step is {number}; it can be from -2**53 to 2**53")
    return number


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


@dataclass(slots=True)
class Row:
    """A row made plain: numbers with their kinds, values that are none, and the time it claims for itself."""

    numbers: dict[str, float]
    kinds: str
    extras: dict[str, Plain]
    time_ns: int | None = None

    def put(self, name: str, value: Any) -> None:
        """Add a value under a name that the row does not have."""
        kind = _KINDS.get(type(value))
        if kind is None:
            self.extras[name] = value
        else:
            self.numbers[name] = float(value)
            self.kinds += kind

    def last(self) -> dict[str, Plain]:
        """Give the row's values as the summary shows them."""
        numbers = {name: back(self.numbers[name], kind) for name, kind in zip(self.numbers, self.kinds, strict=True)}
        return numbers | {name: value for name, value in self.extras.items() if value is not None}


def back(number: float, kind: str) -> Plain:
    """Give a number back as what it was logged as."""
    return number if kind == FLOAT else bool(number) if kind == BOOL else int(number)


def split(data: Mapping[str, Any], *, machine: bool = False, show: Show | None = None) -> Row:
    """Divide a row into numbers with their kinds, and values that are none; `machine`: it may be a sample of one.

    `show` is asked for what a picture, a table or the like is in a row.

    Raises TypeError for a value that cannot be kept and NameRefused for a key that cannot.
    """
    for key in data:
        if key.startswith(SYSTEM) and not machine:
            raise UsageError(f"the key {key!r} begins with {SYSTEM!r}, as samples of the machine do; choose another")
    numbers: dict[str, float] = {}
    kinds: dict[str, str] = {}
    extras: dict[str, Plain] = {}
    for name, value in _flat(data, "", 0, show):
        check_name("metric name", name)
        kind = _KINDS.get(type(value))
        if kind == INT and not -INT_MAX <= value <= INT_MAX:
            kind = FLOAT
        if kind is None:
            numbers.pop(name, None)
            extras[name] = value
            continue
        numbers[name], kinds[name] = float(value), kind
        extras.pop(name, None)
    time_ns = _own_time(numbers)
    for name in OWN_NAMES:
        numbers.pop(name, None)
        extras.pop(name, None)
    return Row(numbers, "".join(kinds[name] for name in numbers), extras, time_ns)


def _own_time(numbers: Mapping[str, float]) -> int | None:
    """Take the time that an importer of old runs logs with a row, in seconds."""
    stamp = numbers.get("_timestamp", math.nan)
    return int(stamp * 1e9) if abs(stamp) < TIME_SECONDS_MAX else None


def _flat(data: Mapping[str, Any], prefix: str, depth: int, show: Show | None) -> Any:
    if depth > DEPTH_MAX:
        raise TypeError(f"the value of {prefix[:-1]!r} is nested deeper than {DEPTH_MAX} dicts")
    for key, value in data.items():
        if key == "":
            continue
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and "_type" not in value:
            yield from _flat(value, f"{name}.", depth + 1, show)
        elif show is not None and is_shown(value) and (shown := show(name, value)) is not None:
            yield from shown.items()
        else:
            plain_value = plain(value)
            if isinstance(plain_value, dict) and "_type" not in plain_value:
                yield from _flat(plain_value, f"{name}.", depth + 1, show)
            else:
                yield name, plain_value


def is_shown(value: Any) -> bool:
    """Whether a value may be something to be looked at: one of our data types, or of the libraries that draw."""
    kind = type(value)
    if kind is list or kind is tuple:
        return bool(value) and is_shown(value[0])
    return hasattr(kind, "publish") or kind.__module__.partition(".")[0] in _DRAWING or kind is ModuleType


def plain(value: Any, depth: int = 0, *, lenient: bool = False) -> Any:
    """Turn a value into what JSON knows, by W&B's rules; raises TypeError when there is no such thing.

    Where it is lenient, as W&B is with configs, what cannot be kept is kept as its text.
    """
    kind = type(value)
    if value is None or kind is float or kind is bool:
        return value
    if kind is int:
        return value if -(2**63) <= value < 2**63 else _as_float(value)
    if kind is str:
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if depth > DEPTH_MAX:
        raise TypeError(f"a value is nested deeper than {DEPTH_MAX} levels")
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(item, depth + 1, lenient=lenient) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item, depth + 1, lenient=lenient) for item in value]
    if isinstance(value, enum.Enum):
        return plain(value.value, depth + 1, lenient=lenient)
    if isinstance(value, bool | int | float | str):
        return plain(_builtin(value))
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return plain(dataclasses.asdict(value), depth + 1, lenient=lenient)
    try:
        if callable(as_logged := getattr(value, "as_logged", None)):  # One of our own data types.
            return as_logged()
        return _foreign(value, depth)
    except TypeError:
        if lenient:
            return plain(str(value))
        raise


def _as_float(number: int) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _builtin(value: Any) -> bool | int | float | str:
    """Strip a subclass of a built-in type, such as numpy.float64, down to the type itself."""
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    raise TypeError


def _foreign(value: Any, depth: int) -> Any:
    if hasattr(value, "detach") and hasattr(value, "cpu"):  # A torch tensor, maybe on a GPU and in a graph.
        value = value.detach().cpu()
    elif callable(getattr(value, "numpy", None)):  # TensorFlow's.
        value = value.numpy()
    module = type(value).__module__.partition(".")[0]
    if hasattr(value, "tolist") and hasattr(value, "shape") and module != "pandas":
        size = math.prod(map(int, value.shape))
        if size == 1:
            return plain(value.item(), depth + 1)
        if size <= LIST_VALUES_MAX:
            return plain(value.tolist(), depth + 1)
        counts, edges = counted(value, HISTOGRAM_BINS)
        return {"_type": "histogram", "values": list(counts), "bins": list(edges)}
    if hasattr(value, "item") and not hasattr(value, "__len__"):
        return plain(value.item(), depth + 1)
    if type(value).__name__ in {"Decimal", "UUID", "complex"}:
        return str(value).strip("()")
    if callable(value):
        return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', type(value).__name__)}"
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _numbers(value: Any) -> list[float]:
    if isinstance(value, list | tuple):
        return [number for item in value for number in _numbers(item)]
    return [float(value)] if isinstance(value, bool | int | float) else []


def finite_numbers(values: Any) -> list[float]:
    """Give the finite numbers in an array, a tensor, or anything that can be walked over."""
    if hasattr(values, "detach") and hasattr(values, "cpu"):
        values = values.detach().cpu()
    numbers = _numbers(values.tolist() if hasattr(values, "tolist") else list(values))
    return [number for number in numbers if number - number == 0]


def counted(values: Any, bins: int) -> tuple[list[int], list[float]]:
    """Count the finite numbers of anything into bins, by numpy where it is loaded: a model has millions."""
    if "numpy" in sys.modules and hasattr(values, "shape") and hasattr(values, "dtype"):
        with suppress(TypeError, ValueError):  # What is no array of numbers, or a tensor that numpy does not take.
            counts: tuple[list[int], list[float]] = import_module("runcast.media.arrays").count_bins(values, bins)
            return counts
    return count_bins(finite_numbers(values), bins)


def count_bins(values: list[float], bins: int) -> tuple[list[int], list[float]]:
    """Count finite values into bins of equal width between their smallest and their largest: counts, and edges."""
    low, high = (min(values), max(values)) if values else (0.0, 0.0)
    if low == high:
        low, high = low - 0.5, high + 0.5
    width = (high - low) / bins
    counts = [0] * bins
    for value in values:
        counts[min(bins - 1, int((value - low) / width))] += 1
    return counts, [low + width * at for at in range(bins + 1)]
