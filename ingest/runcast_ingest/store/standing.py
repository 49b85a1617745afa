"""A run as it stands, and what an event does to it. Pure.

What stands is what the tables hold: the run, its writers, and for each set of keys how many rows there are. The rows
themselves are kept elsewhere, as they came.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any

from msgspec import Struct, structs

from runcast.blocks import BOOL, FLOAT, INT, Block
from runcast.definitions import Aggregate, Definitions
from runcast.events import Config, Describe, Event, Finish, Lost, Metric, Rename, Start, Summary
from runcast.names import SYSTEM
from runcast_ingest.episodes import Standing
from runcast_ingest.states import FAILED, FINISHED, RUNNING, End, counting
from runcast_ingest.store.codec import INT64_MAX, crc, fit, pack_document

ASKED_TO_END = {130, 143, 255}  # Exit codes of whoever was told to: by Ctrl-C, by a scheduler.
METRICS = "metrics"  # The fact that holds the definitions of metrics.
AGGREGATES = "aggregates"  # The fact that holds what their summaries are made of.
AGGREGATES_MAX = 2000  # Of one run; beyond them the last value is the summary.
FACTS_MAX = 1000  # Of one run, and their bytes: a list of a thousand runs reads them all.
FACTS_BYTES_MAX = 256 * 1024


class Axis(Struct):
    """What rows with the same keys of one writer share."""

    key: int
    rows: int
    kinds: str
    extras: list[str]
    changed: bool = False


class Writer(Struct):
    """A writer as it stands in the table."""

    key: int
    id: str
    run: int
    label: str = ""
    mark: int = 0
    first_time: int = 0
    last_time: int = 0
    finished: int | None = None
    exit_code: int | None = None
    seen: int = 0
    axes: dict[tuple[str, ...], Axis] = {}
    changed: bool = False


class Run(Struct):
    """A run as it stands in the table, with its writers met so far."""

    key: int
    project: int
    id: str
    path: str
    shard: int
    name: str
    state: str = RUNNING
    created: int = 0
    started: int = 0
    updated: int = 0
    finished: int | None = None
    exit_code: int | None = None
    steps: int = 0
    rows: int = 0
    lost: int = 0
    base: int = 0  # The run whose rows, up to `base_step`, come before its own; 0: none.
    base_step: int = 0
    aside: int = 0  # Whether another run took its id.
    beginning: int = 0  # When it began, as its writers tell it from others with its id; 0: they did not say.
    since: int = 0  # Writers from this key on belong to the run's latest start; earlier ends no longer count.
    details: dict[str, Any] = {}
    config: dict[str, Any] = {}
    summary: dict[str, Any] = {}
    writers: dict[str, Writer] = {}
    inherited: dict[str, Any] = {}  # Details that it begins with.
    defined: Definitions | None = None  # What `details` say of metrics, once it was asked for.
    standing: Standing | None = None  # How its project's rules stand with it, once it was asked for.

    def definitions(self) -> Definitions:
        """Say how metrics are summarised."""
        if self.defined is None:
            self.defined = Definitions()
            for name, known in self.details.get(METRICS, {}).items():
                self.defined.add(Metric(0, name, **{**known, "summary": tuple(known["summary"])}), overwrite=True)
        return self.defined


def ends(run: Run) -> list[End]:
    """Say how each writer that counts for the run's state stands."""
    return [_end(writer) for writer in _speaking(run)]


def failures(run: Run) -> list[Writer]:
    """Name the writers of a run that is over who ended badly and count, who was first before the others.

    Who was told to end is not among them.
    """
    known = [(_end(writer), writer) for writer in _speaking(run)]
    counts = {id(end) for end in counting(end for end, _ in known)}
    failed = [writer for end, writer in known if id(end) in counts and writer.exit_code not in {0, *ASKED_TO_END}]
    return sorted(failed, key=lambda one: one.finished or one.last_time)


def exit_code(run: Run) -> int | None:
    """Say with which exit code a run that is in a state ended: that of the writer who is to blame."""
    if run.state == FINISHED:
        return 0
    if run.state != FAILED:
        return None
    to_blame = [writer.exit_code for writer in failures(run)]
    return next(iter([*to_blame, *(end.exit_code for end in counting(ends(run)) if end.exit_code)]), None)


def _speaking(run: Run) -> list[Writer]:
    return [writer for writer in run.writers.values() if writer.key >= run.since or writer.finished is None]


def _end(writer: Writer) -> End:
    return End(writer.finished is not None, writer.exit_code, writer.label, writer.first_time, writer.last_time)


def run_row(run: Run) -> dict[str, Any]:
    """Write a run as the columns of its table."""
    blobs = pack_document(run.details), pack_document(run.config), pack_document(run.summary)
    row = {
        name: getattr(run, name)
        for name in run.__struct_fields__
        if name not in {"path", "writers", "inherited", "defined", "standing"}
    }
    return row | {"details": blobs[0], "config": blobs[1], "summary": blobs[2], "crc": crc(*blobs)}


def writer_row(writer: Writer) -> dict[str, Any]:
    """Write a writer as the columns of its table."""
    return {name: getattr(writer, name) for name in writer.__struct_fields__ if name not in {"axes", "changed"}}


def apply_block(run: Run, writer: Writer, axis: Axis, block: Block) -> None:
    """Take in rows, whose keys are those of `axis`."""
    axis.rows += block.rows
    axis.changed = True
    if block.kinds != axis.kinds:
        axis.kinds = "".join(old if old == new else FLOAT for old, new in zip(axis.kinds, block.kinds, strict=True))
    if is_system(block.names):
        # The machine's samples have steps and times of their own, and are not what the program said.
        writer.last_time = max(writer.last_time, struct.unpack_from("<q", block.times, 8 * (block.rows - 1))[0])
        return
    run.rows += block.rows
    run.steps = fit(max(run.steps, max(memoryview(block.steps).cast("q")) + 1))
    last_time: int = struct.unpack_from("<q", block.times, 8 * (block.rows - 1))[0]
    writer.last_time = max(writer.last_time, last_time)
    run.updated = max(run.updated, last_time)
    values = memoryview(block.values).cast("d")
    aggregates = METRICS in run.details and run.definitions().aggregates
    last = values[block.rows - 1 :: block.rows]
    for at, (name, kind, value) in enumerate(zip(block.names, block.kinds, last, strict=True)):
        if not aggregates or not _aggregate(run, name, values[at * block.rows : (at + 1) * block.rows]):
            run.summary[name] = _plain(kind, value)
    for extra in block.extras or ():
        if extra:
            run.summary.update({name: value for name, value in extra.items() if value is not None})
            axis.extras += [name for name in extra if name not in axis.extras]


def merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    """Set values; a dict in a dict is brought together, as W&B stores configs."""
    for key, value in values.items():
        held = into.get(key)
        if isinstance(held, dict) and isinstance(value, dict):
            into[key] = dict(held)
            merge(into[key], value)
        else:
            into[key] = value


def apply_event(run: Run, writer: Writer, event: Event) -> None:
    """Take in what is no row."""
    time = fit(event.time)
    writer.last_time = max(writer.last_time, time)
    run.updated = max(run.updated, time)
    match event:
        case Start():
            _apply_start(run, writer, event, time)
        case Config():
            merge(run.config, event.values)
        case Summary():
            run.summary.update(event.values)
            if AGGREGATES in run.details:
                # What somebody sets by hand is what they want to see.
                run.details[AGGREGATES] |= dict.fromkeys(event.values, None)
            for name in event.deleted:
                run.summary.pop(name, None)
        case Finish():
            code = None if event.exit_code is None else fit(event.exit_code)
            writer.finished, writer.exit_code = time, code
            if event.whole:
                writer.first_time = min(writer.first_time, time)  # It has no Start: it came long after the run.
                for other in run.writers.values():
                    if other.finished is None:
                        other.finished, other.exit_code, other.changed = time, code, True
            run.finished, run.exit_code = time, code
        case Lost():
            run.lost = fit(run.lost + event.rows)
        case Rename():
            run.name = event.name
        case Metric():
            _describe(run, {METRICS: run.details.get(METRICS, {}) | {event.name: definition(event)}})
            run.defined = None
            for name, seen in event.seen.items():
                _aggregate(run, name, (), Aggregate(*seen))
        case Describe():
            _describe(run, {key: value for key, value in event.values.items() if key not in (METRICS, AGGREGATES)})


def _aggregate(run: Run, name: str, column: Iterable[float], seen: Aggregate | None = None) -> bool:
    """Bring a metric's values into its summary as it is defined; False when that is the last value."""
    definition = run.definitions().of(name)
    if definition is None or not definition.aggregates:
        return False
    held = run.details.setdefault(AGGREGATES, {})
    if seen is not None and held.get(name, ()) is None:
        del held[name]  # It is defined anew: what was set by hand before no longer counts.
    if name in held and held[name] is None:
        return False
    if name not in held and len(held) >= AGGREGATES_MAX:
        return False
    aggregate = Aggregate(*held[name]) if name in held else Aggregate()
    if seen is not None:
        aggregate = aggregate.merge(seen)
    for value in column:
        aggregate.add(value)
    held[name] = list(structs.astuple(aggregate))
    if shown := aggregate.shown(definition):
        run.summary[name] = shown
    else:
        run.summary.pop(name, None)
    return True


def definition(metric: Metric) -> dict[str, Any]:
    """Write a metric's definition as the run's record keeps it."""
    return {
        "step_metric": metric.step_metric,
        "step_sync": metric.step_sync,
        "hidden": metric.hidden,
        "summary": list(metric.summary),
        "goal": metric.goal,
    }


def _describe(run: Run, facts: Mapping[str, Any]) -> None:
    """Keep what is known of a run, as far as there is room: facts are for reading, and read with every list."""
    for key, value in facts.items():
        held = {**run.details, key: value}
        if len(held) <= FACTS_MAX and len(pack_document(held)) <= FACTS_BYTES_MAX:
            run.details = held


def is_system(names: Sequence[str]) -> bool:
    """Whether a row is a sample of the machine."""
    return bool(names) and names[0].startswith(SYSTEM)


def _apply_start(run: Run, writer: Writer, start: Start, time: int) -> None:
    writer.label, writer.first_time, writer.last_time = start.label, time, time
    first = not run.details
    if first:
        run.name, run.created, run.updated = start.name or run.id, time, time
        run.details = {
            "host": start.host,
            "program": start.program,
            "python": start.python,
            "notes": start.notes,
            "group": start.group,
            "job_type": start.job_type,
            "tags": list(start.tags),
            **run.inherited,
        }
    if run.state != RUNNING:
        # The run begins anew: writers that fell silent are given up, and how others ended no longer counts.
        run.since, run.started = writer.key, time
        for other in run.writers.values():
            if other.finished is None and other is not writer:
                other.finished, other.changed = other.last_time, True
    merge(run.config, start.config)


def _plain(kind: str, value: float) -> Any:
    if kind == INT and isfinite(value) and abs(value) < INT64_MAX:
        return int(value)
    return bool(value) if kind == BOOL else value
