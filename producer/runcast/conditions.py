"""What is asked of runs, as a tree of plain values, and whether a run fits it. Pure.

Text becomes such a tree (`expressions`), and MongoDB's dicts do (`apis.filters`); the service makes SQL of it. All
agree because there is one rule for values: a bool is the word `true` or `false`, NaN is the word `NaN`, numbers compare
with numbers and words with words, what is not there equals only null, and `!=` is exactly what `==` is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from fnmatch import translate
from functools import lru_cache
from math import isnan
from operator import eq, ge, gt, le, lt
from typing import Any

from msgspec import Struct

INT64_MAX = 2**63 - 1

TEXT, NUMBER, TIME, WORDS, FLAG, ANY = "text", "number", "time", "words", "flag", "any"

# What a run has beside its config, its summary and its curves; the columns of its table are called the same.
FIELDS: dict[str, str] = {
    "name": TEXT,
    "id": TEXT,
    "state": TEXT,
    "tags": WORDS,
    "created": TIME,
    "updated": TIME,
    "finished": TIME,
    "duration": NUMBER,
    "steps": NUMBER,
    "rows": NUMBER,
    "exit_code": NUMBER,
    "host": TEXT,
    "program": TEXT,
    "group": TEXT,
    "job_type": TEXT,
    "notes": TEXT,
    "hidden": FLAG,
}
CONFIG, SUMMARY, LOWEST, HIGHEST = "config", "summary", "min", "max"
METRIC = "metric"  # Where rows are asked for, and not runs: a key of the row.
GROUPS = (CONFIG, SUMMARY, LOWEST, HIGHEST)  # Each has keys: `config.lr`, `max.acc`.

Value = str | int | float | None


class Field(Struct, frozen=True):
    """One of FIELDS, or with a path what stands at it in one of GROUPS."""

    name: str
    path: str = ""

    @property
    def kind(self) -> str:
        """What its values are."""
        return ANY if self.path else FIELDS.get(self.name, ANY)


class Compare(Struct, frozen=True):
    """A field beside a value: `==`, `<`, `<=`, `>`, `>=`."""

    field: Field
    operator: str
    value: Value


class Contains(Struct, frozen=True):
    """A list that has a value in it."""

    field: Field
    value: Value


class Like(Struct, frozen=True):
    """A text that has another in it, upper and lower case alike; with * or ? it fits as a whole."""

    field: Field
    pattern: str


class Pattern(Struct, frozen=True):
    """A text in which a regular expression is found. Only a client's own machine searches by it."""

    field: Field
    pattern: str


class Exists(Struct, frozen=True):
    """A field that has a value."""

    field: Field


class Not(Struct, frozen=True):
    """What does not fit."""

    part: Condition


class All(Struct, frozen=True):
    """Every part fits."""

    parts: tuple[Condition, ...]


class Either(Struct, frozen=True):
    """At least one part fits."""

    parts: tuple[Condition, ...]


Condition = Compare | Contains | Like | Pattern | Exists | Not | All | Either

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {"==": eq, "<": lt, "<=": le, ">": gt, ">=": ge}


def plain(value: Any) -> Value | list[Value]:
    """Bring a value under the one rule; what is neither number nor text nor a list of them counts as not there."""
    if value is None or isinstance(value, bool):
        return None if value is None else "true" if value else "false"
    if isinstance(value, int):
        return value if abs(value) <= INT64_MAX else float(value) if abs(value) < 1 << 1000 else None
    if isinstance(value, float):
        return "NaN" if isnan(value) else value
    if isinstance(value, str):
        return {"Infinity": float("inf"), "-Infinity": float("-inf")}.get(value, value)
    if isinstance(value, list | tuple):
        return [each for each in map(plain, value) if not isinstance(each, list)] or None
    return None


def within(values: Any, path: str) -> Any:
    """Find what stands at a dotted path in nested dicts, whose keys may have dots in them; None when nothing does."""
    if not isinstance(values, Mapping):
        return None
    if path in values:
        return values[path]
    at = path.find(".")
    while at >= 0:
        if (inner := values.get(path[:at])) is not None and (found := within(inner, path[at + 1 :])) is not None:
            return found
        at = path.find(".", at + 1)
    return None


def value_of(run: Mapping[str, Any], field: Field) -> Value | list[Value]:
    """Read a field of a run as the API tells it."""
    if field.path:
        return plain(within(run.get(field.name), field.path))
    value = run.get(field.name)
    if field.kind == TIME:
        return datetime.fromisoformat(value).replace(tzinfo=UTC).timestamp() if isinstance(value, str) else None
    if field.kind in {TEXT, WORDS}:
        return value or None if isinstance(value, list) else value  # Words as they are, be one "Infinity".
    return plain(value)


def fits(run: Mapping[str, Any], condition: Condition) -> bool:
    """Whether a run is one of those that are asked for."""
    match condition:
        case All(parts):
            return all(fits(run, part) for part in parts)
        case Either(parts):
            return any(fits(run, part) for part in parts)
        case Not(part):
            return not fits(run, part)
        case Compare(field, operator, value):
            return compare(value_of(run, field), operator, value)
        case Contains(field, value):
            held = value_of(run, field)
            return isinstance(held, list) and value in held
        case Like(field, pattern):
            held = value_of(run, field)
            return any(like(each, pattern) for each in (held if isinstance(held, list) else [held]))
        case Pattern(field, pattern):
            held = value_of(run, field)
            return isinstance(held, str) and re.search(pattern, held) is not None
        case Exists(field):
            return value_of(run, field) is not None


def compare(held: Value | list[Value], operator: str, value: Value) -> bool:
    """Compare what a run has with a value: numbers with numbers, words with words."""
    if value is None or held is None:
        return operator == "==" and held is None and value is None
    if isinstance(held, list) or isinstance(held, str) != isinstance(value, str):
        return False
    return COMPARISONS[operator](held, value)


def like(held: Value, pattern: str) -> bool:
    """Whether a text has another in it, or fits a pattern with * and ? as a whole."""
    if not isinstance(held, str):
        return False
    if "*" in pattern or "?" in pattern:
        return _glob(pattern.casefold()).match(held.casefold()) is not None
    return pattern.casefold() in held.casefold()


@lru_cache(64)
def _glob(pattern: str) -> re.Pattern[str]:
    # A bracket means itself here; `translate` makes no pattern that searches for longer than a text is long.
    return re.compile(translate(pattern.replace("[", "[[]")))


def parts_of(condition: Condition) -> Iterator[Condition]:
    """Give a tree's parts, itself first."""
    yield condition
    match condition:
        case Not(part):
            yield from parts_of(part)
        case All(parts) | Either(parts):
            for part in parts:
                yield from parts_of(part)
