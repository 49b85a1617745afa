"""A run: the one object between a training and everything behind it.

It shields its caller: what the caller did wrong is raised at once, as W&B does; what is the transport's
trouble is never raised, it costs one line and a counter. The journal holds each row before `log` returns.
"""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from multiprocessing.util import Finalize
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

from runcast import discovery, events, journal, names
from runcast.config import Config
from runcast.disabled import NoJournal, NoSender
from runcast.drain import JOURNALS
from runcast.errors import JournalUnavailable, UsageError
from runcast.journal import Header, Journal, Shape, row_event
from runcast.messages import Messages
from runcast.reader import Reader
from runcast.rows import check_row, check_step, plain_kinds, split
from runcast.sender import Sender
from runcast.settings import Settings
from runcast.streams import shard_of
from runcast.summary import Summary

EVENT_BYTES_MAX = 3 * 1024 * 1024  # Under what an entry may hold, with room for its names.
FINISH_SECONDS_MAX = 60.0  # How long `finish` waits for the store without any progress.
SERVED_SECONDS_MAX = 15.0  # A service beats every second: after this much silence, nobody is there to store.
SHAPES_MAX = 4096  # Sets of keys remembered; a program that makes more takes the slower way.


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
        on_finish: Callable[[Run], None] = lambda _: None,
    ) -> None:
        self._settings, self._messages, self._on_finish = settings, messages, on_finish
        self._project, self._id, self._name = project, run_id, name
        self._describe = dict(describe or {})
        self._step = 0
        self._shapes: dict[tuple[tuple[str, ...], tuple[type, ...]], Shape] = {}
        self._finished = False
        self._forked = False  # In a child of the process that began the run, until it logs.
        self._ready = False  # Neither finished nor forked: `log` may take the short way.
        self._found: discovery.Discovery | None = None
        self._found_at = 0.0
        self._config = Config(config, lambda values: self._publish(events.Config(time.time_ns(), values)))
        self._summary = Summary(
            lambda values, gone: self._publish(events.Summary(time.time_ns(), values, deleted=gone))
        )
        self.start_time = time.time()
        self._shard = shard_of(self.path)
        self._open(label="")

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
            host=socket.gethostname(),
            pid=os.getpid(),
        )
        if self._settings.mode == "disabled":
            self._journal: Journal = NoJournal()
            self._sender: Sender = NoSender()
            self._directory, self._append = self._settings.directory, self._journal.row
            self._ready, self._forked = True, False
            return
        self._journal = self._open_journal(header)
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
        self._journal.event(
            events.Start(
                time=now,
                name=self._name,
                config=self._config.as_dict(),
                label=label,
                host=header.host,
                pid=header.pid,
                program=" ".join(sys.argv[:1]),
                python=sys.version.split()[0],
                **self._describe,
            )
        )
        self._sender.start()
        self._ready, self._forked = True, False

    def _open_journal(self, header: Header) -> Journal:
        """Open the journal in the settings' folder, or, where that cannot be written, in the temporary one."""
        name = Path(JOURNALS) / f"{self._id}-{self.writer}"

        def warn(line: str) -> None:
            self._messages.warn_once("journal", line)

        try:
            return Journal(self._settings.directory / name, header, warn=warn)
        except JournalUnavailable as error:
            spare = Path(tempfile.gettempdir()) / f"runcast-{os.getuid()}"
            self._messages.say(f"WARNING {error}; this run's journal is in {spare} for now")
            return Journal(spare / name, header, warn=warn)

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
            at = self._place(data, step, commit)
        now = time.time_ns()
        try:
            values = data.values()
            shape = self._shapes[tuple(data), tuple(map(type, values))]
            self._append(shape, at, now, values)
            self._summary._values.update(data)  # A method's cost, on the hottest line there is.
        except (KeyError, AttributeError, TypeError, OverflowError):
            try:
                self._log_slowly(data, at, now)
            except BaseException:
                if step is None and commit is None:
                    self._step = at
                raise
        if self._sender.asleep:
            self._sender.nudge()

    def _place(self, data: object, step: object, commit: bool | None) -> int:
        """Find the row's step, and move on as W&B's client does (lenient: a step may go back)."""
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
        if at >= self._step:
            self._step = at + 1 if commit else at
        return at

    def _log_slowly(self, data: Any, at: int, now: int) -> None:
        """Log a row of a new shape, or one with more than plain numbers in it."""
        row = check_row(data)
        types = tuple(map(type, row.values()))
        kinds = plain_kinds(types)
        numbers, split_kinds, extras = split(row)
        if kinds is not None and tuple(numbers) == tuple(row) and not extras:
            key = (tuple(row), types)
            if key not in self._shapes and len(self._shapes) < SHAPES_MAX:
                self._shapes[key] = self._journal.shape(tuple(numbers), kinds)
            if key in self._shapes:
                self._append(self._shapes[key], at, now, list(numbers.values()))
                self._summary.track(numbers)
                return
        event = row_event(at, now, numbers, split_kinds, extras)
        size = sum(map(len, (event.values, *numbers))) + (len(repr(extras)) if extras else 0)
        if size > EVENT_BYTES_MAX:
            self._messages.warn_once(
                "large", f"a row of {size >> 20} MB was not logged; a row holds at most {EVENT_BYTES_MAX >> 20} MB"
            )
            self._journal.event(events.Lost(now, 1, f"a row of {size} bytes is larger than {EVENT_BYTES_MAX}"))
            return
        self._journal.event(event)
        self._summary.track({**numbers, **{key: value for key, value in extras.items() if value is not None}})

    def _publish(self, event: events.Event) -> None:
        if self._finished:
            raise UsageError(f"Run ({self._id}) is finished; nothing can be changed in it any more")
        self._join()
        self._journal.event(event)
        self._sender.nudge()

    def forked(self) -> None:
        """Let go of everything that belongs to the parent process; called in the child."""
        if not self._forked:
            self._journal.forget()
        self._shapes = {}
        self._ready, self._forked = False, True

    def _join(self) -> None:
        """In a child that logs: go on as a writer of its own, for a sequence has one owner."""
        if not self._forked:
            return
        self._open(label=f"fork-{os.getpid()}")
        # A child of multiprocessing ends without atexit; this is what it runs instead.
        Finalize(self, self.finish, exitpriority=1)

    def finish(self, exit_code: int | None = None, quiet: bool | None = None) -> None:
        """End the run, and wait until everything is stored; says where it can be seen, or where it waits."""
        del quiet
        if self._finished:
            return
        self._finished, self._ready = True, False
        if self._forked:
            # A child that never logged has nothing to finish; the run is its parent's.
            self._on_finish(self)
            return
        self._journal.event(events.Finish(time.time_ns(), exit_code or 0))
        self._sender.nudge()
        try:
            self._wait_and_tell()
        finally:
            self._sender.stop()
            if self._sender.window.mark >= self._journal.sequence:
                self._journal.remove()
            self._journal.close()
            self._on_finish(self)

    def _wait_and_tell(self) -> None:
        if self._settings.mode == "disabled":
            return
        stored = self.find_url() is not None and self._wait_stored()
        if self._journal.lost:
            self._messages.say(f"WARNING {self._journal.lost} rows were lost: disk and memory were full")
        if stored:
            self._messages.say(f"Synced {self._name}: {self.url or self.path}")
            return
        left = self._journal.sequence - self._sender.window.mark
        self._messages.say(f"{left} events of {self._name} wait in {self._directory}")
        self._messages.say("send them with `runcast sync`; `runcast up` on this machine does it by itself")

    def _wait_stored(self) -> bool:
        """Wait as long as the mark moves; say so when it takes more than a second."""
        last, since, told = self._journal.sequence, time.monotonic(), False
        self._journal.settle()
        mark = self._sender.window.mark
        while not self._sender.wait_stored(last, 1.0):
            if self._sender.refused is not None:
                return False
            if self._sender.window.mark > mark:
                mark, since = self._sender.window.mark, time.monotonic()
            elif (
                time.monotonic() - since > FINISH_SECONDS_MAX
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
