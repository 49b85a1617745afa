"""What a project's watchers are told about its runs, metrics and writers, and by which numbers.

A roster begins with what the store says and goes on with what is published, so that a run is announced before it is
stored. It lives while somebody watches the project, and all its watchers share it. It knows no socket.
"""

from __future__ import annotations

import logging
import math
import struct
import time
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from runcast.blocks import BOOL, INT, Block
from runcast.events import Config, Event, Metric, Rename, Start, Summary
from runcast_ingest.batch import Batch
from runcast_ingest.store.records import RunRecord
from runcast_ingest.store.standing import is_system, merge

RUNS_MAX = 5000  # Of one project, the newest; a list of more is read page by page from the API.
SUMMARY_KEYS_MAX = 200  # Of each run, the first that were logged; a thousand runs of a thousand keys are for the API.
SUMMARY_KEYS_MIN = 10  # Of each of many runs.
SUMMARIES_KEYS_MAX = 20_000  # Of all runs that one watcher sees: about a megabyte.
DEPTH_MAX = 100  # Of dicts and lists within each other; Python gives up at a few hundred.
TOO_DEEP = "… (nested too deeply to show)"
DEFINED_MAX = 200  # Definitions of metrics of each run that are told; globs stand for many.
METRICS_MAX = 20_000  # Names of one project; a training that makes a new name at every step must not fill our memory.

_log = logging.getLogger(__name__)
_DOUBLE = struct.Struct("<d")
_LONG = struct.Struct("<q")
MS = 1_000_000  # Nanoseconds.


class WriterInfo(Struct):
    """A writer and its number."""

    i: int
    run: int
    id: str
    label: str


class RunInfo(Struct):
    """A run as watchers see it. `version` counts its changes; `urgent` is that of the last one that cannot wait."""

    i: int
    path: str
    id: str
    name: str
    state: str
    created: int  # ns
    updated: int
    config: dict[str, Any]
    summary: dict[str, Any]
    steps: int
    group: str
    tags: tuple[str, ...]
    key: int | None  # In the store; None as long as it was not seen there.
    beginning: int  # As in its first writer's Start.
    begun: bool  # Its first Start was seen: later ones add to its config, but name it no more.
    axes: dict[str, str] = {}  # By metric, whose name may end in `*`: the metric that is its x axis.
    goals: dict[str, str] = {}  # And whether the least or the most of it is best.
    writers: dict[str, WriterInfo] = {}
    elders: frozenset[str] = frozenset()  # Those of its writers that wrote to its bases, and not to it.
    stopping: bool = False  # Somebody asked it to stop.
    hidden: bool = False  # A reader put it aside.
    version: int = 0
    urgent: int = 0

    def told(self, keys_max: int = SUMMARY_KEYS_MAX) -> dict[str, Any]:
        """Say it as a message's `RunInfo`, with so many values of its summary."""
        return {
            "i": self.i,
            "id": self.id,
            "name": self.name,
            "state": self.state,
            "created_ms": self.created / MS,
            "updated_ms": self.updated / MS,
            "config": json_safe(self.config),
            "summary": json_safe(dict(islice(self.summary.items(), keys_max))),
            "steps": self.steps,
            "group": self.group,
            "tags": self.tags,
            "stopping": self.stopping,
            "hidden": self.hidden,
            "axes": self.axes,
            "goals": self.goals,
        }

    def define(self, name: str, step_metric: str, goal: str) -> None:
        """Take in how a metric is shown."""
        for book, said in ((self.axes, step_metric), (self.goals, goal)):
            if said and (name in book or len(book) < DEFINED_MAX):
                book[name] = said


def _is_late(run: RunInfo, batch: Batch) -> bool:
    """Whether a batch begins a run that a later one with the same id has taken the place of; as the store has it."""
    start = batch.items[0] if batch.first == 1 else None
    return isinstance(start, Start) and 0 < start.beginning < run.beginning


def json_safe(value: Any, *, depth: int = 0) -> Any:
    """Write NaN and infinities as strings: JSON has no others, and browsers refuse the whole message.

    What is nested too deeply is left out, and says so: one such config would end every page of its project.
    """
    if depth > DEPTH_MAX:
        return TOO_DEEP
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: json_safe(each, depth=depth + 1) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [json_safe(each, depth=depth + 1) for each in value]
    return value


def trimmed(record: RunRecord) -> RunRecord:
    """Leave out of a run what no watcher is told, before all of them are held at once."""
    if len(record.summary) <= SUMMARY_KEYS_MAX:
        return record
    return replace(record, summary=dict(islice(record.summary.items(), SUMMARY_KEYS_MAX)))


class Roster:
    """The runs, metrics and writers of one project."""

    def __init__(self, project: str) -> None:
        self.project = project
        self.runs: dict[str, RunInfo] = {}  # By path.
        self.numbered: list[RunInfo | None] = []  # None: retired.
        self.metrics: list[str] = []
        self.metric_numbers: dict[str, int] = {}
        self.writers: list[WriterInfo | None] = []
        self.retirements = 0  # Counts up when runs were retired.
        self._aside: set[str] = set()  # Writers to runs whose path another one has by now.
        self._waiting: list[Batch | tuple[str, str]] | None = []  # What came while the store was read.
        self.gone: set[str] = set()  # Paths of deleted runs: one that still logs is not announced again.
        self.heirs: set[str] = set()  # Paths of runs that began from another one; what they have of it is in the store.

    def load(self, records: Iterable[RunRecord], metrics: Iterable[str], gone: Iterable[str] = ()) -> None:
        """Begin with what the store says, and then take in what came meanwhile; `gone` are ids of deleted runs."""
        self.gone = {f"{self.project}/{id_}" for id_ in gone}
        for name in metrics:
            self.number_metric(name)
        for record in sorted(records, key=lambda one: (one.created, one.id)):
            self._take(record)
        waiting, self._waiting = self._waiting or [], None
        for news in waiting:
            if isinstance(news, Batch):
                self.publish(news)
            else:
                self.change(*news)

    def add(self, record: RunRecord) -> RunInfo:
        """Show a run as the store has it, in the place of another one that had its id."""
        old = self.runs.get(record.path)
        self.gone.discard(record.path)
        if old is not None:
            if old.key == record.key:
                return old
            self._forget(old)
            self._aside |= old.writers.keys() - {writer.id for writer in record.writers}
        return self._take(record)

    def curate(self, record: RunRecord) -> None:
        """Take in what readers decided about a run: whether it is deleted or hidden, and its tags."""
        run = self.runs.get(record.path)
        if record.deleted is not None:
            self.gone.add(record.path)
            if run is not None:
                self._forget(run)
        elif record.path in self.gone:
            self.add(record)
        elif run is not None and (run.hidden, run.tags) != (record.hidden, record.tags):
            run.hidden, run.tags = record.hidden, record.tags
            run.version += 1
            run.urgent = run.version

    def inherit(self, record: RunRecord) -> bool:
        """Take in what a run has of the one that it began from, as the store has it; says whether that is anything."""
        self.heirs.discard(record.path)
        run = self.runs.get(record.path)
        if run is None or run.elders or not record.elders or run.beginning != record.beginning:
            return False
        run.key, run.elders = record.key, frozenset(writer.id for writer in record.elders)
        for writer in record.elders:
            if writer.id not in run.writers:
                self._writer(run, writer.id, writer.label)
        # It may have said more than is stored: that stays.
        run.steps = max(run.steps, record.steps)
        for name, value in record.summary.items():
            if name not in run.summary:
                self._summarise(run, {name: value})
        for name, known in record.metrics.items():
            if name not in run.axes and name not in run.goals:
                run.define(name, known.get("step_metric", ""), known.get("goal", ""))
        run.version += 1
        run.urgent = run.version
        return True

    def publish(self, batch: Batch) -> None:
        """Take in what a batch says about its run."""
        if self._waiting is not None:
            self._waiting.append(batch)
            return
        if batch.path in self.gone or batch.writer in self._aside:
            return
        run = self.runs.get(batch.path)
        if run is not None and batch.writer not in run.writers and _is_late(run, batch):
            self._aside.add(batch.writer)
            return
        if run is None:
            run = self._begin(batch)
        if batch.writer not in run.writers:
            self._writer(run, batch.writer, "")
        for item in batch.items:
            if isinstance(item, Block):
                self._rows(run, item)
            else:
                self._event(run, batch.writer, item)
        run.version += 1

    def change(self, path: str, state: str) -> None:
        """Take in a run's new state."""
        if self._waiting is not None:
            self._waiting.append((path, state))
        elif (run := self.runs.get(path)) is not None and run.state != state:
            run.state = state
            run.version += 1
            run.urgent = run.version

    def stop(self, path: str, asked: bool) -> None:
        """Take in that a run was asked to stop, or that this is over."""
        if (run := self.runs.get(path)) is not None and run.stopping != asked:
            run.stopping = asked
            run.version += 1
            run.urgent = run.version

    def number_metric(self, name: str) -> int | None:
        """Give a metric its number; None when there are too many."""
        number = self.metric_numbers.get(name)
        if number is None:
            number = len(self.metrics)
            if number >= METRICS_MAX:
                return None
            if number == METRICS_MAX - 1:
                _log.warning("%s has %d metrics; any others are stored, but not live", self.project, METRICS_MAX)
            self.metric_numbers[name] = number
            self.metrics.append(name)
        return number

    def _begin(self, batch: Batch) -> RunInfo:
        now = batch.received or time.time_ns()
        run = RunInfo(
            i=len(self.numbered),
            path=batch.path,
            id=batch.path.rpartition("/")[2],
            name=batch.path.rpartition("/")[2],
            state="running",
            created=now,
            updated=now,
            config={},
            summary={},
            steps=0,
            group="",
            tags=(),
            key=None,
            beginning=0,
            begun=False,
        )
        if len(self.runs) >= RUNS_MAX:
            self._retire()
        self._number(run)
        run.urgent = 1
        return run

    def _retire(self) -> None:
        """Let the runs go that ended longest ago: a project that is watched for days must not fill our memory."""
        ended = [run for run in self.runs.values() if run.state != "running"]
        spare = len(self.runs) - RUNS_MAX * 9 // 10  # Many at once: each time all watchers look through theirs.
        for run in sorted(ended, key=lambda run: run.updated)[:spare]:
            self._forget(run)

    def _forget(self, run: RunInfo) -> None:
        del self.runs[run.path]
        self.heirs.discard(run.path)
        self.numbered[run.i] = None
        for writer in run.writers.values():
            self.writers[writer.i] = None
        self.retirements += 1

    def _take(self, record: RunRecord) -> RunInfo:
        run = RunInfo(
            i=len(self.numbered),
            path=record.path,
            id=record.id,
            name=record.name,
            state=record.state,
            created=record.created,
            updated=record.updated,
            config=dict(record.config),
            summary=dict(islice(record.summary.items(), SUMMARY_KEYS_MAX)),
            steps=record.steps,
            group=record.group,
            tags=record.tags,
            hidden=record.hidden,
            key=record.key,
            beginning=record.beginning,
            begun=True,
            elders=frozenset(writer.id for writer in record.elders),
        )
        for name, known in record.metrics.items():
            run.define(name, known.get("step_metric", ""), known.get("goal", ""))
        self._number(run)
        for writer in [*record.elders, *record.writers]:
            self._writer(run, writer.id, writer.label)
        return run

    def _number(self, run: RunInfo) -> None:
        self.runs[run.path] = run
        self.numbered.append(run)

    def _writer(self, run: RunInfo, writer: str, label: str) -> None:
        info = WriterInfo(i=len(self.writers), run=run.i, id=writer, label=label)
        self.writers.append(info)
        run.writers[writer] = info

    def _rows(self, run: RunInfo, block: Block) -> None:
        n = block.rows
        if is_system(block.names):
            for name in block.names:
                self.number_metric(name)
            return
        run.updated = max(run.updated, _LONG.unpack_from(block.times, 8 * (n - 1))[0])
        run.steps = max(run.steps, _LONG.unpack_from(block.steps, 8 * (n - 1))[0] + 1)
        for at, (name, kind) in enumerate(zip(block.names, block.kinds, strict=True)):
            value: float = _DOUBLE.unpack_from(block.values, 8 * (n * (at + 1) - 1))[0]
            if name not in self.metric_numbers:
                self.number_metric(name)
            if name in run.summary or len(run.summary) < SUMMARY_KEYS_MAX:
                run.summary[name] = _as_logged(value, kind)
        for extra in block.extras or ():
            if extra:
                self._summarise(run, extra)

    def _summarise(self, run: RunInfo, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            if name in run.summary or len(run.summary) < SUMMARY_KEYS_MAX:
                run.summary[name] = value

    def _event(self, run: RunInfo, writer: str, event: Event) -> None:
        run.updated = max(run.updated, event.time)
        if isinstance(event, Start):
            if not run.begun:
                run.begun, run.beginning = True, event.beginning
                run.name, run.created = event.name or run.id, event.time
                run.group, run.tags = event.group, event.tags
                if event.base:
                    self.heirs.add(run.path)
            merge(run.config, event.config)
            run.writers[writer].label = event.label
            run.urgent = run.version + 1
        elif isinstance(event, Config):
            merge(run.config, event.values)
        elif isinstance(event, Summary):
            self._summarise(run, event.values)
            for key in event.deleted:
                run.summary.pop(key, None)
        elif isinstance(event, Rename):
            run.name = event.name
        elif isinstance(event, Metric):
            run.define(event.name, event.step_metric, event.goal)


def _as_logged(value: float, kind: str) -> bool | int | float:
    if not math.isfinite(value):
        return value
    return bool(value) if kind == BOOL else int(value) if kind == INT else value
