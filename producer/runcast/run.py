"""A run: the one object between a training and everything behind it.

It shields its caller: what the caller did wrong is raised at once, as W&B does; what is the transport's
trouble is never raised, it costs one line and a counter. The journal holds each row before `log` returns.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from msgspec import structs

from runcast import closing, events, paths, stopping
from runcast.beginning import Beginning
from runcast.beside import Beside
from runcast.blocks import FLOAT, Block
from runcast.config import Config
from runcast.definitions import Aggregate, Definitions, define
from runcast.disabled import NoJournal
from runcast.errors import RunFinished
from runcast.events import Plain
from runcast.files import RunFiles
from runcast.journal import EVENT_BYTES_MAX, Shape, row_event
from runcast.messages import Messages
from runcast.reader import READ_BYTES, Reader
from runcast.rows import check_row, check_step, plain, plain_kinds, split
from runcast.settings import Settings
from runcast.summary import Summary
from runcast.writer import Writer

if TYPE_CHECKING:
    from runcast.surroundings.attend import Surroundings

FINISH_SECONDS_MAX = 60.0  # How long `finish` waits for the store without any progress.
SHAPES_MAX = 4096  # Sets of keys remembered; a program that makes more takes a slower way.


class Run(Beside):
    """One training's log. Made by `init`; use `log` and `finish`."""

    # No other names can be assigned: a program that writes `run.taggs = …` hears of it.
    __slots__ = (
        "_append",
        "_begun_at",
        "_definitions",
        "_ending",
        "_forked",
        "_journal",
        "_last_acts",
        "_messages",
        "_on_finish",
        "_packed",
        "_ready",
        "_sender",
        "_shapes",
        "_stored",
        "_summary",
        "_syncs",
    )

    def __init__(
        self,
        *,
        settings: Settings,
        beginning: Beginning,
        messages: Messages,
        on_finish: Callable[[Run, int], None] = lambda _run, _code: None,
    ) -> None:
        super().__init__(settings, beginning)
        self._messages, self._on_finish = messages, on_finish
        self._step = beginning.step
        self._stored = False
        self._begun_at = 0  # When it began, unless it joined a run that was there; ns.
        self._definitions = Definitions()
        self._syncs = False  # Some rows need the last value of their step metric.
        self._shapes: dict[tuple[tuple[str, ...], tuple[type, ...]], Shape] = {}  # For rows as they are logged,
        self._packed: dict[tuple[tuple[str, ...], str], Shape] = {}  # and for rows flattened and made plain.
        self._forked = beginning.later  # In a child of the process that began the run, until it logs.
        self._ready = False  # Neither finished nor forked: `log` may take the short way.
        self._last_acts: list[Callable[[], None]] = []  # What integrations still have to log when the run ends.
        self._ending = threading.Lock()  # What surrounds a run says nothing behind its last word.
        self._config = Config(beginning.config, lambda values: self._publish(events.Config(time.time_ns(), values)))
        self._summary = Summary(
            lambda values, gone: self._publish(events.Summary(time.time_ns(), values, deleted=gone))
        )
        self._summary.track(beginning.summary)
        if beginning.later:
            self._use(self._new_writer(beginning.label))
        else:
            self._open(label=beginning.label, begin=beginning)

    def _new_writer(self, label: str) -> Writer:
        return Writer(
            path=self.path,
            run_id=self.id,
            label=label,
            settings=self._settings,
            destination=self._destination,
            messages=self._messages,
            on_stop=self._asked_to_stop if self._settings.stop else None,
        )

    def _asked_to_stop(self) -> None:
        """Hear, in the sender's thread, that somebody wants the training to end; one that ends already is let be."""
        if not self._finished:
            self._messages.say(f"asked to stop {self._name}")
            stopping.stop(self._settings.given.get("stop_fn"))

    def _use(self, writer: Writer) -> None:
        self._writer, self._journal, self._sender = writer, writer.journal, writer.sender
        self._append = self._journal.row

    def _open(self, *, label: str, begin: Beginning | None = None) -> None:
        """Begin as a new writer: a new journal, a new sender, a Start event. Only the first one may begin anew."""
        writer = self._new_writer(label)
        if begin is not None and begin.begin != events.JOIN:
            self._begun_at = writer.header.created
        writer.begin(
            events.Start(
                time=writer.header.created,
                name=self._name,
                config=self._config.as_dict() if self._settings.primary else {},
                label=label,
                host=writer.header.host,
                pid=writer.header.pid,
                program=plain(" ".join(sys.argv[:1])),
                python=sys.version.split()[0],
                notes=self._notes,
                group=self.group,
                job_type=self.job_type,
                tags=self._tags,
                begin=begin.begin if begin else events.JOIN,
                base=begin.base if begin else "",
                base_step=begin.base_step if begin else 0,
                beginning=self._begun_at,
            )
        )
        self._use(writer)
        self._ready, self._forked = True, False

    def _reader(self) -> Reader:
        return self._writer.reader()

    def find_url(self) -> str | None:
        """Say where to publish; None for nowhere."""
        return self._destination.redis()

    # What it is, beside what `Described` says.

    @property
    def step(self) -> int:
        """The step that the next `log` without one would write."""
        return self._step

    @property
    def config(self) -> Config:
        """What the run was configured with."""
        return self._config

    @property
    def summary(self) -> Summary:
        """The last value of each key, and what was set by hand."""
        return self._summary

    @property
    def writer(self) -> str:
        """The id under which this process writes to it."""
        return self._writer.id

    @property
    def messages(self) -> Messages:
        """Where lines about it are printed."""
        return self._messages

    @property
    def journal_directory(self) -> Path:
        """Where its journal is, until everything in it is stored."""
        return self._writer.directory

    @property
    def stored(self) -> bool:
        """Whether the service had everything of it, its files too, when it ended."""
        return self._stored

    # What it does.

    def log(self, data: Mapping[str, Any], step: int | None = None, commit: bool | None = None, **_: Any) -> None:
        """Log a row. It is in the journal when this returns, and on its way to every viewer.

        Without `step` the row gets the next one; rows of one step are merged, the last value of a key wins.
        Raises TypeError for what is no dict, for keys that are no strings, for steps that are no whole numbers
        and for values that cannot be kept, and UsageError after `finish`.
        """
        if step is None and commit is None and self._ready:
            at = self._step
            self._step = at + 1
        else:
            place = self._place(data, step, commit)
            if place is None:
                return
            at = place
        now = time.time_ns()
        try:
            values = data.values()
            shape = self._shapes[tuple(data), tuple(map(type, values))]
            self._summary.last(shape, self._append(shape, at, now, values))
        except (KeyError, AttributeError, TypeError, OverflowError):
            try:
                self._log_slowly(data, at, now)
            except BaseException:
                if step is None and commit is None:
                    self._step = at
                raise
        if self._sender.asleep:
            self._sender.nudge()

    def _place(self, data: object, step: object, commit: bool | None) -> int | None:
        """Find the row's step, and move on as W&B's client does; a step may go back, unless steps are strict."""
        if self._finished:
            raise RunFinished(self.id, "log")
        check_row(data)
        self._join()
        if step is None:
            at = self._step
            if commit is not False:
                self._step = at + 1
            return at
        at = check_step(step)
        if at < self._step and self._settings.strict_steps:
            self._messages.warn_once(
                "strict",
                f"Tried to log to step {at} that is less than the current step {self._step}. Steps must be "
                "monotonically increasing, so this data will be ignored; without RUNCAST_STRICT_STEPS it would be kept",
            )
            return None
        if at >= self._step:
            self._step = at + 1 if commit else at
        return at

    def _log_slowly(self, data: Any, at: int, now: int) -> None:
        """Log a row of a new shape, or one with more than plain numbers in it."""
        row = split(check_row(data), show=lambda name, value: self._show(name, value, at))
        if self._syncs:
            for name, value in self._definitions.missing_steps(
                [*row.numbers, *row.extras], self._summary.last_value
            ).items():
                row.put(name, value)
        if row.time_ns is not None:
            now = row.time_ns
        names = tuple(row.numbers)
        shape = None if row.extras else self._pack(names, row.kinds)
        if shape is not None:
            types = tuple(map(type, data.values()))
            if (
                names == tuple(data)
                and row.kinds == plain_kinds(types)
                and len(self._shapes) < SHAPES_MAX
                and not self._syncs
            ):
                self._shapes[names, types] = shape
            self._summary.last(shape, self._append(shape, at, now, row.numbers.values()))
            return
        if not self._journal.event(row_event(at, now, row)):
            self._too_large("a row")
            return
        self._summary.track(row.last())

    def _show(self, name: str, value: Any, at: int) -> Mapping[str, Plain] | None:
        """Keep what is to be looked at as files; says what stands in the row for it."""
        shown: Mapping[str, Plain] | None = import_module("runcast.media.logged").logged(self._files, name, at, value)
        return shown

    def _pack(self, names: tuple[str, ...], kinds: str) -> Shape | None:
        """Find or make the shape of a flat row; None where there are too many, or it is too large for an entry."""
        shape = self._packed.get((names, kinds))
        if shape is None and len(self._packed) < SHAPES_MAX and 8 * len(names) + sum(map(len, names)) < READ_BYTES:
            shape = self._packed[names, kinds] = self._journal.shape(names, kinds)
        return shape

    def _too_large(self, what: str) -> None:
        self._messages.warn_once("large", f"{what} of more than {EVENT_BYTES_MAX >> 20} MB was not kept")
        self._journal.event(events.Lost(time.time_ns(), 1, f"{what} was larger than {EVENT_BYTES_MAX} bytes"))

    def _publish(self, event: events.Event) -> None:
        if self._finished:
            raise RunFinished(self.id, type(event).__name__.lower())
        self._join()
        if not self._settings.primary and isinstance(event, events.Config | events.Summary):
            return
        if not self._journal.event(event):
            self._too_large(f"a change of the {type(event).__name__.lower()}")
        self._sender.nudge()

    # What surrounds it, from threads of its own.

    def attend(self, surroundings: Surroundings) -> None:
        """Begin what surrounds the run; it ends with it."""
        self._surroundings = surroundings
        surroundings.begin()

    def before_end(self, act: Callable[[], None]) -> None:
        """Call `act` when the run ends, while it can still be logged to; what it raises is nobody's trouble."""
        self._last_acts.append(act)

    def tell(self, event: events.Event) -> None:
        """Add an event that no caller waits for; does nothing in a child, or when the run is over."""
        if self._forked:
            return
        with self._ending:
            if not self._finished:
                self._journal.event(event)
        if self._sender.asleep:
            self._sender.nudge()

    def sample(self, number: int, values: Mapping[str, float]) -> None:
        """Add a sample of the machine: a row of its own stream, which no summary knows."""
        shape = self._pack(tuple(values), FLOAT * len(values))
        if self._forked or shape is None:
            return
        with self._ending:
            if not self._finished:
                self._journal.row(shape, number, time.time_ns(), values.values())
        if self._sender.asleep:
            self._sender.nudge()

    def keep(self, name: str, data: bytes) -> bool:
        """Add a file; says whether it is kept."""
        return self._keep(name, data)

    def keep_file(self, name: str, path: Path) -> bool:
        """Add a file that lies somewhere, as it is now; says whether it is kept."""
        return self._keep(name, path)

    def _keep(self, name: str, source: bytes | Path) -> bool:
        if self._forked or self._finished:
            return False
        with suppress(OSError):  # A file that is gone by now.
            event = self._writer.files.hold(source, paths.safe_part(name))
            if event is not None:
                self.tell(event)
                return True
        return False

    @property
    def _files(self) -> RunFiles:
        """What integrations and data types add files with: `run._files.add(source, name)`."""
        self._join()
        return RunFiles(self._writer.files, self._publish)

    def forked(self) -> None:
        """Let go of everything that belongs to the parent process; called in the child."""
        if self._surroundings is not None:
            self._surroundings.forked()
            self._surroundings = None
        if not self._forked:
            self._journal.forget()
        self._shapes, self._packed, self._last_acts = {}, {}, []
        # The parent's locks may be held for ever here.
        self._messages, self._ending = (
            Messages(silent=self._messages.silent, quiet=self._messages.quiet),
            threading.Lock(),
        )
        self._ready, self._forked = False, True

    def _join(self) -> None:
        """In a child that logs: go on as a writer of its own, for a sequence has one owner."""
        if not self._forked:
            return
        self._open(label=self._beginning.label if self._beginning.later else f"fork-{os.getpid()}")
        # A child of multiprocessing ends without atexit; this is what it runs instead.
        if multiprocessing := sys.modules.get("multiprocessing.util"):
            multiprocessing.Finalize(self, self.finish, exitpriority=1)

    def define_metric(
        self,
        name: str,
        step_metric: str | events.Metric | None = None,
        step_sync: bool | None = None,
        hidden: bool | None = None,
        summary: str | None = None,
        goal: str | None = None,
        overwrite: bool | None = None,
    ) -> events.Metric:
        """Say how a metric is shown and summarised; `name` may end in `*`, and then speaks for all that begin so.

        Returns the definition as it is now. `step_metric` is its x axis, by name or by what this returned, and its last
        value is put into rows that lack it, unless `step_sync` is false. `summary` is made of min, max, mean, best
        (which needs `goal`), first, last, copy and none, with commas. What was logged before counts too. Raises
        UsageError for a `*` anywhere else, and for an operation that there is not.
        """
        asked = define(name, step_metric=step_metric, step_sync=step_sync, hidden=hidden, summary=summary, goal=goal)
        metric = self._definitions.add(asked, overwrite=bool(overwrite))
        seen = self._seen(metric) if metric.summary else {}
        self._publish(structs.replace(metric, time=time.time_ns(), seen=seen))
        self._summary.define(self._definitions, {key: Aggregate(*found) for key, found in seen.items()})
        if self._definitions.syncs:
            self._syncs = True
            self._shapes = {}
        return metric

    def _seen(self, metric: events.Metric) -> dict[str, tuple[int, float, float, float, float, float]]:
        """Read in the journal what was logged of a metric before it was defined."""
        found: dict[str, Aggregate] = {}
        if not self._journal.sequence or isinstance(self._journal, NoJournal):
            return {}
        reader = self._reader()
        while items := reader.take()[1]:
            for block in items:
                if not isinstance(block, Block):
                    continue
                values = memoryview(block.values).cast("d")
                for at, key in enumerate(block.names):
                    speaks = key == metric.name or (metric.name.endswith("*") and key.startswith(metric.name[:-1]))
                    if speaks and not self._summary.follows(key):
                        aggregate = found.setdefault(key, Aggregate())
                        for value in values[at * block.rows : (at + 1) * block.rows]:
                            aggregate.add(value)
        reader.close()
        return {key: structs.astuple(aggregate) for key, aggregate in found.items()}

    def _log(self, data: Mapping[str, Any], step: int | None = None, commit: bool | None = None) -> None:
        """Log a row, as libraries call it that reach inside W&B's client."""
        self.log(data, step, commit)

    def finish(self, exit_code: int | None = None, quiet: bool | None = None) -> None:
        """End the run, and wait until everything is stored; says where it can be seen, or where it waits."""
        if quiet:
            self._messages.quiet = True
        self.end(exit_code or 0)

    def end(self, exit_code: int, *, patience_seconds: float = FINISH_SECONDS_MAX) -> None:
        """End the run as `finish` does; wait no longer than this for a store that makes no progress."""
        if self._finished:
            return
        while self._last_acts and not self._forked:
            with suppress(Exception):
                self._last_acts.pop()()
        if not self._forked:
            with suppress(Exception):  # A folder that cannot be read any more.
                self._folder.end(self.keep_file)
        if self._surroundings is not None:
            self._surroundings.end()
        if not self._forked:
            with self._ending:
                self._finished = True
        self._finished, self._ready = True, False
        self.unwatch()
        if self._forked:
            # A child that never logged has nothing to finish; the run is its parent's.
            self._on_finish(self, exit_code)
            return
        self._journal.event(events.Finish(time.time_ns(), exit_code if self._settings.ends_run else 0))
        self._sender.nudge()
        try:
            if self._writer.keeps:
                self._wait_and_tell(patience_seconds)
        finally:
            self._writer.close()
            self._on_finish(self, exit_code)

    def _wait_and_tell(self, patience_seconds: float) -> None:
        self._journal.settle()
        self._tell_results()
        try:
            stored = self._writer.wait_stored(self._name, patience_seconds)
            stored = self._stored = self._writer.wait_files(patience_seconds) and stored
        except BaseException:
            self._writer.tell_left(self._name)  # Ctrl-C: whoever ends the waiting wants to know what it was for.
            raise
        self._journal.settle()
        if lost := self._journal.lost + self._journal.sequence - self._journal.durable:
            self._messages.say(f"WARNING {lost} rows were lost: the disk had no room for them")
        if stored:
            self._messages.say(f"Synced {self._name}: {self.url or self.path}")
        else:
            self._writer.tell_left(self._name)

    def _tell_results(self) -> None:
        if not self._messages.notes:
            return
        with suppress(Exception):  # How it looks ends no training.
            reader = self._reader()
            history = closing.history_lines(closing.curves(lambda: reader.take()[1]))
            reader.close()
            summary = closing.summary_lines(self._summary)
            for title, lines in (("Run history:", history), ("Run summary:", summary)):
                if lines:
                    self._messages.note("\n".join([title, *lines]))

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish(exit_code=1 if kind is not None else 0)
