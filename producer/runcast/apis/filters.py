"""Which runs, and in which order: W&B's filters, which are MongoDB's, and its order.

A filter becomes the same tree as one in words does, and has the same meaning; nothing of it is ever evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from runcast.conditions import (
    CONFIG,
    TIME,
    WORDS,
    All,
    Compare,
    Condition,
    Contains,
    Either,
    Exists,
    Field,
    Not,
    Pattern,
    plain,
    value_of,
)
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
_COMPARISONS = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
_OPERATORS = ("$eq", "$ne", *_COMPARISONS, "$in", "$nin", "$regex", "$exists", "$not")

Run = Mapping[str, Any]


def field_of(name: str) -> Field:
    """Name a field, such as `state`, `config.lr`, `config.lr.value`, `summary_metrics.loss` or `tags`."""
    head, _, rest = name.partition(".")
    head = _NAMES.get(head, head)
    # As W&B's own database has it: what was configured stands in `value`.
    return Field(head, rest.removesuffix(".value") if head == CONFIG else rest)


def condition(filters: Mapping[str, Any], depth: int = 0) -> Condition:
    """Make the tree that filters mean; raises UsageError for an operator that there is not."""
    if depth > DEPTH_MAX:
        raise UsageError(f"the filters are nested deeper than {DEPTH_MAX} levels")
    parts: list[Condition] = []
    for key, wanted in filters.items():
        if key == "$and":
            parts.append(All(_each(key, wanted, depth)))
        elif key == "$or":
            parts.append(Either(_each(key, wanted, depth)))
        elif key == "$nor":
            parts.append(Not(Either(_each(key, wanted, depth))))
        elif key == "$not":
            parts.append(Not(condition(wanted, depth + 1)))
        elif key.startswith("$"):
            raise UsageError(f"filters has {key!r}; of runs there are $and, $or, $nor and $not")
        else:
            parts.append(_test(field_of(key), wanted, depth))
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def _each(key: str, wanted: Any, depth: int) -> tuple[Condition, ...]:
    if not isinstance(wanted, list | tuple) or not all(isinstance(each, Mapping) for each in wanted):
        raise UsageError(f"{key} takes a list of filters, not {wanted!r:.80}")
    return tuple(condition(each, depth + 1) for each in wanted)


def _test(field: Field, wanted: Any, depth: int) -> Condition:
    if depth > DEPTH_MAX:
        raise UsageError(f"the filters are nested deeper than {DEPTH_MAX} levels")
    if not isinstance(wanted, Mapping):
        return _equals(field, wanted)
    return All(tuple(_one(field, operator, operand, depth) for operator, operand in wanted.items()))


def _one(field: Field, operator: str, operand: Any, depth: int) -> Condition:
    match operator:
        case "$not":
            return Not(_test(field, operand, depth + 1))
        case "$eq":
            return _equals(field, operand)
        case "$ne":
            return Not(_equals(field, operand))
        case "$in":
            return Either(tuple(_equals(field, each) for each in operand))
        case "$nin":
            return Not(Either(tuple(_equals(field, each) for each in operand)))
        case "$exists":
            return Exists(field) if operand else Not(Exists(field))
        case "$regex":
            return Pattern(field, _pattern(operand))
    if operator not in _COMPARISONS:
        raise UsageError(f"filters has {operator!r}; of values there are {', '.join(_OPERATORS)}")
    value = _value(field, operand)
    # MongoDB compares a word with words only: no word is larger than a number, or smaller.
    return Either(()) if value is None or isinstance(value, list) else Compare(field, _COMPARISONS[operator], value)


def _equals(field: Field, wanted: Any) -> Condition:
    value = _value(field, wanted)
    if isinstance(value, list):
        return All(tuple(Contains(field, each) for each in value))
    if value is None:
        return Not(Exists(field)) if field.kind == WORDS else Compare(field, "==", None)
    # As MongoDB has it: a list fits what it holds.
    return Either((Compare(field, "==", value), Contains(field, value)))


def _value(field: Field, wanted: Any) -> Any:
    value = plain(wanted)
    if field.kind == TIME and isinstance(value, str):
        try:
            said = datetime.fromisoformat(value)
        except ValueError as error:
            raise UsageError(
                f"{field.name} is compared with {value!r:.80}, which is no time; write 2026-03-01"
            ) from error
        return (said if said.tzinfo else said.replace(tzinfo=UTC)).timestamp()
    return value


def _pattern(wanted: Any) -> str:
    if not isinstance(wanted, str) or len(wanted) > PATTERN_CHARS_MAX:
        raise UsageError(f"$regex takes a pattern of at most {PATTERN_CHARS_MAX} characters, not {wanted!r:.80}")
    try:
        re.compile(wanted)
    except re.error as error:
        raise UsageError(f"$regex is {wanted!r}, which is no pattern: {error}") from error
    return wanted


def ordered(runs: Sequence[Run], order: str) -> list[Run]:
    """Sort runs by `+created_at`, `-summary_metrics.loss`, `config.lr` …; those without the value come last."""
    field = field_of(order.lstrip("+-"))
    values = [(value_of(run, field), run) for run in runs]
    down = order.startswith("-")
    found: list[Run] = []
    for kinds in ((int, float), (str,)):
        having = [(value, run) for value, run in values if isinstance(value, kinds) and value != "NaN"]
        found += [run for _, run in sorted(having, key=lambda pair: pair[0], reverse=down)]
    return found + [run for value, run in values if value in (None, "NaN") or isinstance(value, list)]
