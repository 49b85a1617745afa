"""How metrics are shown and summarised: what `define_metric` said, and what it comes to.

The rules are those that W&B's client 0.31 was recorded to follow. An exact name counts before a glob, of globs the
longer, where W&B takes any. A definition adds to an earlier one of the same name, unless it overwrites it. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import isnan, nan
from typing import Any

from msgspec import Struct, structs

from runcast.errors import UsageError
from runcast.events import Metric
from runcast.names import OWN_NAMES, check_name

COPY, NONE = "copy", "none"  # The last value, which is what stands there anyway; and nothing.
OPERATIONS = ("min", "max", "mean", "best", "first", "last", COPY, NONE)
GOALS = ("minimize", "maximize")
_COMPUTED = frozenset(("min", "max", "mean", "best", "first"))
STEP_SYNC_DEFAULT = 0  # What a row gets whose step metric was never logged.


class Definition(Struct, frozen=True):
    """How a metric is shown; see `events.Metric` for the fields."""

    step_metric: str = ""
    step_sync: bool = False
    hidden: bool = False
    summary: tuple[str, ...] = ()
    goal: str = ""

    @property
    def aggregates(self) -> bool:
        """Whether its summary is more than the last value, or nothing at all."""
        return any(operation != COPY for operation in self.summary)


class Aggregate(Struct, array_like=True):
    """What is known of all values of a metric. A NaN stays, as in W&B's own."""

    count: int = 0
    total: float = 0.0
    low: float = 0.0
    high: float = 0.0
    first: float = 0.0
    last: float = 0.0

    def add(self, value: float) -> None:
        """Take in a value."""
        if not self.count:
            self.low = self.high = self.first = value
        elif isnan(value) or isnan(self.low):
            self.low = self.high = nan
        else:
            self.low, self.high = min(self.low, value), max(self.high, value)
        self.count += 1
        self.total += value
        self.last = value

    def merge(self, later: Aggregate) -> Aggregate:
        """Put what came later behind this."""
        if not self.count or not later.count:
            return later if later.count else self
        low, high = min(self.low, later.low), max(self.high, later.high)
        if isnan(self.low) or isnan(later.low):
            low = high = nan
        return Aggregate(self.count + later.count, self.total + later.total, low, high, self.first, later.last)

    def shown(self, definition: Definition) -> dict[str, float]:
        """Say what the summary has of it."""
        best = self.high if definition.goal == "maximize" else self.low
        values = {
            "min": self.low,
            "max": self.high,
            "mean": self.total / self.count if self.count else 0.0,
            "best": best,
            "first": self.first,
            "last": self.last,
        }
        return (
            {}
            if NONE in definition.summary
            else {name: whole(values[name]) for name in definition.summary if name in values}
        )


def whole(value: float) -> float:
    """Give a whole number as one: the least of integers is an integer."""
    return int(value) if abs(value) < 2**53 and float(value).is_integer() else value


def define(
    name: str,
    *,
    step_metric: str | Metric | None = None,
    step_sync: bool | None = None,
    hidden: bool | None = None,
    summary: str | None = None,
    goal: str | None = None,
) -> Metric:
    """Check what `define_metric` was given; raises UsageError for what there is not, and NameRefused."""
    check_name("metric name", name)
    if "*" in name[:-1]:
        raise UsageError(f"define_metric() takes glob suffixes only, such as 'train/*', not {name!r}")
    operations = tuple(word.strip().lower() for word in (summary or "").split(",") if word.strip())
    if unknown := [word for word in operations if word not in OPERATIONS]:
        raise UsageError(f"summary is {unknown[0]!r}; it is made of {', '.join(OPERATIONS)}")
    if goal is not None and goal not in GOALS:
        raise UsageError(f"goal is {goal!r}; it is one of {', '.join(GOALS)}")
    if "best" in operations and goal is None:
        raise UsageError(f"the best of {name!r} needs a goal: define_metric(…, goal='minimize') or 'maximize'")
    step = step_metric.name if isinstance(step_metric, Metric) else step_metric or ""
    return Metric(
        0,
        name,
        step_metric=check_name("step metric", step) if step else "",
        step_sync=bool(step) if step_sync is None else step_sync,
        hidden=bool(hidden),
        summary=operations,
        goal=goal or "",
    )


class Definitions:
    """All that was defined in a run."""

    def __init__(self) -> None:
        self._exact: dict[str, Definition] = {}
        self._globs: dict[str, Definition] = {}  # By what stands before the `*`.
        self._found: dict[str, Definition | None] = {}

    def add(self, metric: Metric, *, overwrite: bool = False) -> Metric:
        """Take in a definition; returns it as it is now, with what was said before."""
        book = self._globs if metric.name.endswith("*") else self._exact
        key = metric.name.removesuffix("*")
        before = None if overwrite else book.get(key)
        if before is not None:
            metric = structs.replace(
                metric,
                step_metric=metric.step_metric or before.step_metric,
                step_sync=metric.step_sync or before.step_sync,
                hidden=metric.hidden or before.hidden,
                summary=tuple(dict.fromkeys((*before.summary, *metric.summary))),
                goal=metric.goal or before.goal,
            )
        book[key] = Definition(metric.step_metric, metric.step_sync, metric.hidden, metric.summary, metric.goal)
        self._found.clear()
        return metric

    def of(self, name: str) -> Definition | None:
        """Find what holds for a metric."""
        if name not in self._found:
            globs = [key for key in self._globs if name.startswith(key)]
            glob = self._globs[max(globs, key=len)] if globs else None
            self._found[name] = self._exact.get(name, glob)
        return self._found[name]

    @property
    def aggregates(self) -> bool:
        """Whether any metric is summarised by more than its last value."""
        return any(each.aggregates for book in (self._exact, self._globs) for each in book.values())

    @property
    def syncs(self) -> bool:
        """Whether any metric brings its step metric with it."""
        return any(each.step_sync for book in (self._exact, self._globs) for each in book.values())

    def missing_steps(self, names: Iterable[str], last: Callable[[str], Any]) -> dict[str, Any]:
        """Say which step metrics a row lacks, with their last values."""
        names = list(names)
        found: dict[str, Any] = {}
        for name in names:
            definition = self.of(name)
            if definition is not None and definition.step_sync and definition.step_metric not in (*names, *OWN_NAMES):
                value = last(definition.step_metric)
                found[definition.step_metric] = STEP_SYNC_DEFAULT if value is None else value
        return found
