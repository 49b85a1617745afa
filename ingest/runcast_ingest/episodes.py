"""When a rule is broken, and when that is said: once for each episode. Pure.

An episode begins when the rule is broken for as long as the rule asks, and it ends when all was well again for a
while, so that a value that jumps about a limit is one episode. The clock is that of the rows: the same events have
the same episodes, however often a service starts between them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from itertools import groupby, pairwise
from math import isnan
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from runcast.blocks import Block
from runcast.rules import LIMIT, NAN, PLATEAU, Rule

CALM_SECONDS = 60.0  # All must be well for so long before the same is said anew; and a rule speaks once in it.
WATCHES_MAX = 2000  # Curves of one run that one rule follows: those in an episode, or that may soon be.
NAMES_MAX = 5  # Metrics that one alert names.
_SECOND = 1_000_000_000
_NEVER = -(2**62)

_At = tuple[int, int]  # Time and step of a row.
_Broken = tuple[int, int, str, float, str]  # And the metric, its value there, and the writer's label.

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


class Watch(Struct, array_like=True):
    """How one rule stands with one curve of a run. Times are ns since 1970; 0: never."""

    since: int = 0  # Broken without a pause since then.
    told: bool = False  # In an episode that was said.
    calm: int = 0  # Within an episode: well since then.
    best: float = 0.0  # Of a plateau: the best value, and where it was.
    best_time: int = 0
    best_step: int = 0


class Standing(Struct, array_like=True):
    """How the rules of a project stand with one run."""

    watches: dict[str, dict[str, Watch]] = {}  # By rule's key, and by curve: the metric and its writer's label.
    said: dict[str, int] = {}  # By rule's key: when it last spoke.
    pending: dict[str, list[_Broken]] = {}  # By rule's key: what it says when its minute of silence is over.
    full: list[str] = []  # Keys of the rules that follow as many curves as they may.
    last: int = 0  # When the last row was that was judged.

    def keep(self, keys: Collection[str]) -> None:
        """Forget rules that are there no more."""
        for held in (self.watches, self.said, self.pending):
            for key in held.keys() - keys:
                del held[key]
        self.full = [key for key in self.full if key in keys]

    def resumed(self, time: int) -> None:
        """Take in that the run began again: while nobody trained, no time passed."""
        gap = time - self.last
        if not self.last or gap <= 0:
            return
        for watches in self.watches.values():
            for watch in watches.values():
                watch.since, watch.calm, watch.best_time = (
                    at and at + gap for at in (watch.since, watch.calm, watch.best_time)
                )
        self.last = time


class Firing(Struct, frozen=True):
    """A rule speaks."""

    rule: Rule
    time: int
    step: int
    title: str
    text: str


def judge(standing: Standing, rules: Sequence[Rule], block: Block, label: str) -> tuple[list[Firing], bool]:
    """Take in rows: which rules speak, and whether `standing` changed."""
    values: NDArray[np.float64] = np.frombuffer(block.values, "<f8")
    firings: list[Firing] = []
    changed = False
    for rule in rules:
        if rule.kind not in {NAN, LIMIT, PLATEAU}:
            continue
        quiet = not standing.watches.get(rule.key) and not standing.pending.get(rule.key)
        if rule.kind == NAN and quiet and np.isfinite(values).all():
            continue  # What nearly every block is.
        broken: list[_Broken] = []
        for at in _columns(rule, block.names):
            name = block.names[at]
            column = values[at * block.rows : (at + 1) * block.rows]
            found, touched = _watch(standing, rule, block, column, f"{name}\n{label}")
            changed |= touched
            broken += [(time, step, name, float(column[_row(block, time)]), label) for time, step in found]
        firings += _say(standing, rule, broken, block)
    standing.last = max(standing.last, int(np.frombuffer(block.times, "<i8")[-1]))
    return firings, changed or bool(firings)


@lru_cache(maxsize=4096)
def _columns(rule: Rule, names: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(at for at, name in enumerate(names) if rule.speaks_of(name))


def _row(block: Block, time: int) -> int:
    times: NDArray[np.int64] = np.frombuffer(block.times, "<i8")
    return int(np.argmax(times == time))


def _say(standing: Standing, rule: Rule, broken: Sequence[_Broken], block: Block) -> list[Firing]:
    """Speak of what broke in one row in one breath: a thousand curves may. What breaks in the minute after it waits."""
    times: NDArray[np.int64] = np.frombuffer(block.times, "<i8")
    queue = standing.pending.pop(rule.key, [])
    firings: list[Firing] = []

    def catch_up(until: int) -> None:
        loud = times[(times <= until) & (np.abs(times - standing.said.get(rule.key, _NEVER)) >= CALM_SECONDS * _SECOND)]
        if queue and len(loud):
            standing.said[rule.key] = int(loud[0])
            firings.append(_firing(rule, queue))
            queue.clear()

    for time, row in groupby(sorted(broken), key=lambda each: each[0]):
        catch_up(time)
        if queue or abs(time - standing.said.get(rule.key, _NEVER)) < CALM_SECONDS * _SECOND:
            queue += list(row)[: max(0, WATCHES_MAX - len(queue))]
        else:
            standing.said[rule.key] = time
            firings.append(_firing(rule, list(row)))
    catch_up(int(times.max()))
    if queue:
        standing.pending[rule.key] = queue
    return firings


def flush(standing: Standing, rules: Sequence[Rule]) -> list[Firing]:
    """Say what waits: nobody logs any more, so the minute would never be over."""
    waiting = [(rule, standing.pending.pop(rule.key, [])) for rule in rules]
    return [_firing(rule, broken) for rule, broken in waiting if broken]


def _firing(rule: Rule, broken: Sequence[_Broken]) -> Firing:
    time, step, name, value, label = broken[0]
    others = sorted({each[2] for each in broken} - {name})
    also = f"; also {', '.join(others[:NAMES_MAX])}" if others else ""
    also += f" and {len(others) - NAMES_MAX} more" if len(others) > NAMES_MAX else ""
    where = f" on {label}" if label else ""
    return Firing(rule, time, step, _title(rule, name, value), f"rule {rule.name}: {rule.text}{where}{also}")


def _title(rule: Rule, name: str, value: float) -> str:
    if rule.kind == PLATEAU:
        span = f"{rule.steps} steps" if rule.steps else _span(rule.seconds)
        return f"{name} is not {rule.operator} for {span}"
    return f"{name} is {value:.6g}" + (f" for {_span(rule.seconds)}" if rule.seconds else "")


def _span(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"


def _watch(
    standing: Standing, rule: Rule, block: Block, column: NDArray[np.float64], curve: str
) -> tuple[list[_At], bool]:
    """Take in a column: where the rule began to be broken for long enough, and whether anything changed."""
    watches = standing.watches.get(rule.key) or {}
    watch = watches.get(curve)
    if rule.kind == PLATEAU:
        if watch is None and (watch := _new(standing, rule, curve)) is None:
            return [], False
        return _stagnate(watch, rule, block, column), True
    bad = ~np.isfinite(column) if rule.kind == NAN else _COMPARE[rule.operator](column, rule.value)
    if watch is None and (not bad.any() or (watch := _new(standing, rule, curve)) is None):
        return [], False
    found = _episodes(watch, rule, block, bad)
    if watch == Watch():
        del standing.watches[rule.key][curve]
    return found, True


def _new(standing: Standing, rule: Rule, curve: str) -> Watch | None:
    watches = standing.watches.setdefault(rule.key, {})
    if len(watches) >= WATCHES_MAX:
        if rule.key not in standing.full:
            standing.full.append(rule.key)
        return None
    watches[curve] = Watch()
    return watches[curve]


def _episodes(watch: Watch, rule: Rule, block: Block, bad: NDArray[np.bool_]) -> list[_At]:
    times: NDArray[np.int64] = np.frombuffer(block.times, "<i8")
    steps: NDArray[np.int64] = np.frombuffer(block.steps, "<i8")
    edges = [0, *(np.flatnonzero(bad[1:] != bad[:-1]) + 1).tolist(), len(bad)]
    found: list[_At] = []
    for first, end in pairwise(edges):
        start, last = int(times[first]), int(times[end - 1])
        if not bad[first]:
            watch.since = 0
            watch.calm = watch.calm or start
            if not watch.told or last - watch.calm >= CALM_SECONDS * _SECOND:
                watch.told, watch.calm = False, 0
            continue
        if watch.told and watch.calm and start - watch.calm >= CALM_SECONDS * _SECOND:
            watch.told = False
        watch.calm = 0
        watch.since = watch.since or start
        if watch.told:
            continue
        due = watch.since + int(rule.seconds * _SECOND)
        if last >= due:
            at = first + int(np.argmax(times[first:end] >= due))
            watch.told = True
            found.append((int(times[at]), int(steps[at])))
    return found


def _stagnate(watch: Watch, rule: Rule, block: Block, column: NDArray[np.float64]) -> list[_At]:
    times: NDArray[np.int64] = np.frombuffer(block.times, "<i8")
    steps: NDArray[np.int64] = np.frombuffer(block.steps, "<i8")
    falling = rule.operator == "falling"
    found: list[_At] = []
    for at, value in enumerate(column.tolist()):
        time, step = int(times[at]), int(steps[at])
        better = value < watch.best if falling else value > watch.best
        # A NaN is no better than anything; as the first value it only starts the clock.
        if not watch.best_time or better:
            worst = float("inf") if falling else float("-inf")
            watch.best, watch.best_time, watch.best_step = worst if isnan(value) else value, time, step
            watch.told = False
        elif not watch.told and (
            step - watch.best_step >= rule.steps if rule.steps else time - watch.best_time >= rule.seconds * _SECOND
        ):
            watch.told = True
            found.append((time, step))
    return found


def silent(rule: Rule, time: int, step: int) -> Firing:
    """Say that nothing is heard of a run."""
    return Firing(
        rule, time, step, f"nothing was heard of the run for {_span(rule.seconds)}", f"rule {rule.name}: {rule.text}"
    )


def ended(rule: Rule, time: int, step: int, exit_code: int | None) -> Firing:
    """Say that a run crashed or failed."""
    title = "the run crashed" if exit_code is None else f"the run failed with exit code {exit_code}"
    return Firing(rule, time, step, title, f"rule {rule.name}: {rule.text}")
