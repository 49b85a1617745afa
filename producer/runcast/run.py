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
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
from msgspec import structs

from runcast import discovery, events, journal, names
from runcast.blocks import FLOAT, Block
from runcast.config import Config
from runcast.definitions import Aggregate, Definitions, define
from runcast.disabled import NoJournal, NoSender
from runcast.drain import JOURNALS
from runcast.errors import JournalUnavailable, UsageError
from runcast.journal import EVENT_BYTES_MAX, Header, Journal, Shape, row_event
from runcast.messages import Messages
from runcast.reader import READ_BYTES, Reader
from runcast.rows import check_row, check_step, plain, plain_kinds, split
from runcast.sender import Sender
from runcast.settings import Settings
from runcast.streams import shard_of
from runcast.summary import Summary

if TYPE_CHECKING:
    from runcast.surroundings.attend import Surroundings

FINISH_SECONDS_MAX = 60.0  # How long `finish` waits for the store without any progress.
SERVED_SECONDS_MAX = 15.0  # A service beats every second: after this much silence, nobody is there to store.
SHAPES_MAX = 4096  # Sets of keys remembered; a program that makes more takes a slower way.


class Run:
    """One training's log. Made by `init`; use `log` and `finish`."""

    def __init__(
        self,
        *,
        settings: Settings,
        project: str,
        run_id: str,
        name: str,
        config: Mapping[str, Any],
        describe: Mapping[str, Any] | None = None,
        messages: Messages,
        label: str = "",
        on_finish: Callable[[Run], None] = lambda _: None,
    ) -> None:
        self._settings, self._messages, self._on_finish = settings, messages, on_finish
        self._project, self._id, self._name = project, run_id, name
        self._describe = dict(describe or {})
        self._step = 0
        self._definitions = Definitions()
        self._syncs = False  # Some rows need the last value of their step metric.
        self._shapes: dict[tuple[tuple[str, ...], tuple[type, ...]], Shape] = {}  # For rows as they are logged,
        self._packed: dict[tuple[tuple[str, ...], str], Shape] = {}  # and for rows flattened and made plain.
        self._finished = False
        self._forked = False  # In a child of the process that began the run, until it logs.
        self._ready = False  # Neither finished nor forked: `log` may take the short way.
        self._surroundings: Surroundings | None = None
        self._last_acts: list[Callable[[], None]] = []  # What integrations still have to log when the run ends.
        self._ending = threading.Lock()  # What surrounds a run says nothing behind its last word.
        self._found: discovery.Discovery | None = None
        self._found_at = 0.0
        self._config = Config(config, lambda values: self._publish(events.Config(time.time_ns(), values)))
        self._summary = Summary(
            lambda values, gone: self._publish(events.Summary(time.time_ns(), values, deleted=gone))
        )
        self.start_time = time.time()
        self._shard = shard_of(self.path)
        self._open(label=label)

    def _open(self, *, label: str) -> None:
        """Begin as a new writer: a new journal, a new sender, a Start event."""
        self.writer = names.new_writer_id()
        now = time.time_ns()
        header = Header(
            version=journal.VERSION,
            path=self.path,
            writer=self.writer,
            shard=self._shard,
            segment=0,
            first=1,
            created=now,
            label=label,
            host=os.uname().nodename,
            pid=os.getpid(),
        )
        self._journal: Journal = NoJournal()
        self._sender: Sender = NoSender()
        self._directory, self._append = self._settings.directory, self._journal.row
        self._ready, self._forked = True, False
        opened = self._open_journal(header) if self._settings.mode != "disabled" else None
        if opened is None:
            return
        self._journal = opened
        self._directory = self._journal.directory
        self._append = self._journal.row
        self._sender = Sender(
            directory=self._directory,
            path=self.path,
            writer=self.writer,
            shard=self._shard,
            source=self._journal,
            reader=self._reader,
            find_url=self.find_url,
            messages=self._messages,
        )
        start = events.Start(
            time=now,
            name=self._name,
            config=self._config.as_dict(),
            label=label,
            host=header.host,
            pid=header.pid,
            program=plain(" ".join(sys.argv[:1])),
            python=sys.version.split()[0],
            **self._describe,
        )
        if not self._journal.event(start):
            self._messages.say(f"WARNING the config is larger than {EVENT_BYTES_MAX >> 20} MB and was not kept")
            self._journal.event(msgspec.structs.replace(start, config={}, notes=""))
        try:
            self._sender.start()
        except RuntimeError as error:  # No more threads for this user: `runcast sync` has to send it.
            self._messages.say(f"WARNING {error}; this run stays in its journal for now")

    def _open_journal(self, header: Header) -> Journal | None:
        """Open the journal in the settings' folder, or, where that cannot be written, in a temporary one."""
        name = Path(JOURNALS) / f"{self._id}-{self.writer}"

        def warn(line: str) -> None:
            self._messages.warn_once("journal", line)

        try:
            self._settings.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            return Journal(self._settings.directory / name, header, warn=warn)
        except (JournalUnavailable, OSError) as error:
            reason = error
        try:
            spare = self._settings.spare / f"runcast-{self.writer}"
            spare.mkdir(mode=0o700)
            opened = Journal(spare / name, header, warn=warn)
        except (JournalUnavailable, OSError):
            # A metric must not stop a training, and neither must the lack of a place for it.
            self._messages.say(f"WARNING {reason}; nothing of this run is kept")
            return None
        self._messages.say(f"WARNING {reason}; this run's journal is in {spare} for now")
        return opened

    def _reader(self) -> Reader:
        held = self._journal
        return Reader(self._directory, limit=lambda: (held.segment, held.end))

    def find_url(self) -> str | None:
        """Say where to publish: as set, or at the server that runs on this machine; None for nowhere."""
        if self._settings.mode == "offline":
            return None
        if self._settings.url is not None:
            return self._settings.url
        found = self._discover()
        return found.redis if found is not None else None

    def _discover(self) -> discovery.Discovery | None:
        now = time.monotonic()
        if self._found is None or now - self._found_at > 1.0:
            self._found, self._found_at = discovery.read(self._settings.directory), now
        return self._found

    # What it is.

    @property
    def id(self) -> str:
        """The run's id within its project."""
        return self._id

    @property
    def project(self) -> str:
        """The project that groups it."""
        return self._project

    @property
    def path(self) -> str:
        """`project/id`: the run's name within everything."""
        return f"{self._project}/{self._id}"

    @property
    def name(self) -> str:
        """The display name; it may be changed while the run goes on."""
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        self._name = names.check_name("run name", name)
        self._publish(events.Rename(time.time_ns(), name))

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
    def dir(self) -> str:
        """Where its journal is."""
        return str(self._directory)

    @property
    def url(self) -> str | None:
        """The page with the run's curves, or None while no server is known."""
        base = self._settings.page_url
        if base is None:
            found = self._discover()
            if found is None:
                return None
            base = found.url
        return f"{base}/run?project={quote(self._project, safe='')}&run={quote(self._id)}"

    def __repr__(self) -> str:
        return f"<Run {self.path} {'finished' if self._finished else 'running'}>"

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
            raise UsageError(
                f"Run ({self._id}) is finished. The call to `log` will be ignored. Please make sure that you are using "
                "an active run."
            )
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
        row = split(check_row(data))
        if self._syncs:
            for name, value in self._definitions.missing_steps([*row.numbers, *row.extras], self._summary).items():
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
            raise UsageError(f"Run ({self._id}) is finished; nothing can be changed in it any more")
        self._join()
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
        del name, data
        return False

    def forked(self) -> None:
        """Let go of everything that belongs to the parent process; called in the child."""
        if self._surroundings is not None:
            self._surroundings.forked()
            self._surroundings = None
        if not self._forked:
            self._journal.forget()
        self._shapes, self._packed, self._last_acts = {}, {}, []
        # The parent's locks may be held for ever here.
        self._messages, self._ending = Messages(silent=self._messages.silent), threading.Lock()
        self._ready, self._forked = False, True

    def _join(self) -> None:
        """In a child that logs: go on as a writer of its own, for a sequence has one owner."""
        if not self._forked:
            return
        self._open(label=f"fork-{os.getpid()}")
        # A child of multiprocessing ends without atexit; this is what it runs instead.
        if multiprocessing := sys.modules.get("multiprocessing.util"):
            multiprocessing.Finalize(self, self.finish, exitpriority=1)

    def define_metric(
        self,
        name: str,
        step_metric: str | None = None,
        step_sync: bool | None = None,
        hidden: bool | None = None,
        summary: str | None = None,
        goal: str | None = None,
        overwrite: bool | None = None,
    ) -> None:
        """Say how a metric is shown and summarised; `name` may end in `*`, and then speaks for all that begin so.

        `step_metric` is its x axis, and its last value is put into rows that lack it, unless `step_sync` is false.
        `summary` is made of min, max, mean, best (with `goal`), first, last, copy and none, with commas. What was
        logged before counts too. Raises UsageError for a `*` anywhere else, and for an operation that there is not.
        """
        asked = define(name, step_metric=step_metric, step_sync=step_sync, hidden=hidden, summary=summary, goal=goal)
        metric = self._definitions.add(asked, overwrite=bool(overwrite))
        seen = self._seen(metric) if metric.summary else {}
        self._publish(structs.replace(metric, time=time.time_ns(), seen=seen))
        self._summary.define(self._definitions, {key: Aggregate(*found) for key, found in seen.items()})
        if self._definitions.syncs:
            self._syncs = True
            self._shapes = {}

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

    def _label(self, repo: str | None = None, code: str | None = None, **_: object) -> None:
        """Take what a library says of the program it is in; transformers calls it."""
        if labels := {key: value for key, value in (("repo", repo), ("code", code)) if value is not None}:
            self._publish(events.Describe(time.time_ns(), {"label": labels}))

    def finish(self, exit_code: int | None = None, quiet: bool | None = None) -> None:
        """End the run, and wait until everything is stored; says where it can be seen, or where it waits."""
        del quiet
        self.end(exit_code or 0)

    def end(self, exit_code: int, *, patience_seconds: float = FINISH_SECONDS_MAX) -> None:
        """End the run as `finish` does; wait no longer than this for a store that makes no progress."""
        if self._finished:
            return
        while self._last_acts and not self._forked:
            with suppress(Exception):
                self._last_acts.pop()()
        if self._surroundings is not None:
            self._surroundings.end()
        if not self._forked:
            with self._ending:
                self._finished = True
        self._finished, self._ready = True, False
        if self._forked:
            # A child that never logged has nothing to finish; the run is its parent's.
            self._on_finish(self)
            return
        self._journal.event(events.Finish(time.time_ns(), exit_code))
        self._sender.nudge()
        try:
            self._wait_and_tell(patience_seconds)
        finally:
            self._sender.stop()
            if self._sender.window.mark >= self._journal.sequence:
                self._journal.remove()
            self._journal.close()
            self._on_finish(self)

    def _wait_and_tell(self, patience_seconds: float) -> None:
        if isinstance(self._journal, NoJournal):
            return
        self._journal.settle()
        try:
            stored = self.find_url() is not None and self._wait_stored(patience_seconds)
        except BaseException:
            self._tell_left()  # Ctrl-C: whoever ends the waiting wants to know what it was for.
            raise
        self._journal.settle()
        if lost := self._journal.lost + self._journal.sequence - self._journal.durable:
            self._messages.say(f"WARNING {lost} rows were lost: the disk had no room for them")
        if stored:
            self._messages.say(f"Synced {self._name}: {self.url or self.path}")
        else:
            self._tell_left()

    def _tell_left(self) -> None:
        left = self._journal.durable - self._sender.window.mark
        spare = self._directory.parents[1] != self._settings.directory
        command = f"RUNCAST_DIR={self._directory.parents[1]} runcast sync" if spare else "runcast sync"
        self._messages.say(f"{left} events of {self._name} wait in {self._directory}")
        self._messages.say(f"send them with `{command}`" + ("" if spare else "; `runcast up` here does it by itself"))

    def _wait_stored(self, patience_seconds: float) -> bool:
        """Wait as long as the mark moves; say so when it takes more than a second."""
        last, since, told = self._journal.sequence, time.monotonic(), False
        mark = self._sender.window.mark
        while not self._sender.wait_stored(last, 1.0):
            if self._sender.refused is not None:
                return False
            if self._sender.window.mark > mark:
                mark, since = self._sender.window.mark, time.monotonic()
            elif (
                time.monotonic() - since > patience_seconds
                or (self._sender.failures and self._sender.url is None)
                or time.monotonic() - self._sender.served > SERVED_SECONDS_MAX
            ):
                return False
            if not told:
                self._messages.say(f"storing {last - mark} events of {self._name}; Ctrl-C leaves them in the journal")
                told = True
        return True

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish(exit_code=1 if kind is not None else 0)

    @property
    def finished(self) -> bool:
        """Whether `finish` was called."""
        return self._finished
