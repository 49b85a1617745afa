"""Which runs, and in which order: W&B's filters, which are MongoDB's, and its order.

They are compared with what the API says of a run, value by value; nothing of them is ever evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from math import isnan
from typing import Any

from runcast.errors import UsageError

DEPTH_MAX = 32  # Of filters in filters.
PATTERN_CHARS_MAX = 256
_NAMES = {
    "display_name": "name",
    "displayName": "name",
    "name": "id",
    "created_at": "created",
    "createdAt": "created",
    "heartbeatAt": "updated",
    "updated_at": "updated",
    "jobType": "job_type",
    "summary_metrics": "summary",
}
_MISSING = object()

Run = Mapping[str, Any]


def field(run: Run, name: str) -> Any:
    """Look a field up, such as `state`, `config.lr`, `config.lr.value`, `summary_metrics.loss` or `tags`."""
    head, _, rest = name.partition(".")
    value = run.get(_NAMES.get(head, head), _MISSING)
    if not rest:
        return value
    if not isinstance(value, Mapping):
        return _MISSING
    found = _within(value, rest)
    return _within(value, rest.removesuffix(".value")) if found is _MISSING and rest.endswith(".value") else found


def _within(values: Mapping[str, Any], path: str) -> Any:
    if path in values:
        return values[path]
    head, _, rest = path.partition(".")
    inner = values.get(head, _MISSING)
    return _within(inner, rest) if rest and isinstance(inner, Mapping) else _MISSING


def matches(run: Run, filters: Mapping[str, Any], depth: int = 0) -> bool:
    """Whether a run is one of those; raises UsageError for an operator that there is not."""
    if depth > DEPTH_MAX:
        raise UsageError(f"the filters are nested deeper than {DEPTH_MAX} levels")
    for key, wanted in filters.items():
        if key == "$and":
            found = all(matches(run, each, depth + 1) for each in _each(key, wanted))
        elif key == "$or":
            found = any(matches(run, each, depth + 1) for each in _each(key, wanted))
        elif key == "$nor":
            found = not any(matches(run, each, depth + 1) for each in _each(key, wanted))
        elif key == "$not":
            found = not matches(run, wanted, depth + 1)
        elif key.startswith("$"):
            raise UsageError(f"filters has {key!r}; of runs there are $and, $or, $nor and $not")
        else:
            found = _fits(field(run, key), wanted, depth)
        if not found:
            return False
    return True


def _each(key: str, wanted: Any) -> Sequence[Mapping[str, Any]]:
    if not isinstance(wanted, list | tuple) or not all(isinstance(each, Mapping) for each in wanted):
        raise UsageError(f"{key} takes a list of filters, not {wanted!r:.80}")
    return wanted


def _fits(value: Any, wanted: Any, depth: int) -> bool:
    if not isinstance(wanted, Mapping):
        return _equals(value, wanted)
    for operator, operand in wanted.items():
        if operator == "$not":
            found = not _fits(value, operand, depth + 1)
        else:
            compare = _OPERATORS.get(operator)
            if compare is None:
                raise UsageError(f"filters has {operator!r}; of values there are {', '.join([*_OPERATORS, '$not'])}")
            found = compare(value, operand)
        if not found:
            return False
    return True


def _equals(value: Any, wanted: Any) -> bool:
    if value is _MISSING:
        return wanted is None
    # As MongoDB has it: a list fits what it holds.
    return bool(value == wanted) or (isinstance(value, list | tuple) and wanted in value)


def _compare(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compare(value: Any, wanted: Any) -> bool:
        if value is _MISSING or isinstance(value, bool) != isinstance(wanted, bool):
            return False
        try:
            return test(value, wanted)
        except TypeError:
            return False

    return compare


def _search(value: Any, wanted: Any) -> bool:
    if not isinstance(wanted, str) or len(wanted) > PATTERN_CHARS_MAX:
        raise UsageError(f"$regex takes a pattern of at most {PATTERN_CHARS_MAX} characters, not {wanted!r:.80}")
    try:
        return isinstance(value, str) and re.search(wanted, value) is not None
    except re.error as error:
        raise UsageError(f"$regex is {wanted!r}, which is no pattern: {error}") from error


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": _equals,
    "$ne": lambda value, wanted: not _equals(value, wanted),
    "$gt": _compare(lambda value, wanted: value > wanted),
    "$gte": _compare(lambda value, wanted: value >= wanted),
    "$lt": _compare(lambda value, wanted: value < wanted),
    "$lte": _compare(lambda value, wanted: value <= wanted),
    "$in": lambda value, wanted: any(_equals(value, each) for each in wanted),
    "$nin": lambda value, wanted: not any(_equals(value, each) for each in wanted),
    "$regex": _search,
    "$exists": lambda value, wanted: (value is not _MISSING) == bool(wanted),
}


def ordered(runs: Sequence[Run], order: str) -> list[Run]:
    """Sort runs by `+created_at`, `-summary_metrics.loss`, `config.lr` …; those without the value come last."""
    name = order.lstrip("+-")
    having = [(value, run) for run in runs if _sorts(value := field(run, name))]
    numbers = [pair for pair in having if isinstance(pair[0], int | float)]
    texts = [pair for pair in having if isinstance(pair[0], str)]
    down = order.startswith("-")
    found = [run for _, run in sorted(numbers, key=lambda pair: pair[0], reverse=down)]
    found += [run for _, run in sorted(texts, key=lambda pair: pair[0], reverse=down)]
    return found + [run for run in runs if not _sorts(field(run, name))]


def _sorts(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, int | float) and not isnan(value))
