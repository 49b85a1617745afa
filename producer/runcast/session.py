"""The process's runs: what `init` begins, the module's functions speak to, and the process's end ends."""

from __future__ import annotations

import copyreg
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import IO, Any
from weakref import WeakValueDictionary

from runcast import events, launch, names, told
from runcast.ancestry import launcher_of
from runcast.beginning import Beginning
from runcast.config import Config
from runcast.destination import Destination
from runcast.drain import drain
from runcast.errors import AuthenticationError, UsageError
from runcast.exits import Exits
from runcast.given import Settings as Given
from runcast.invent import run_name
from runcast.lookup import look_up, send_left
from runcast.messages import Messages
from runcast.request import Request
from runcast.restoring import restore
from runcast.resuming import Behind, behind
from runcast.rows import plain
from runcast.run import FINISH_SECONDS_MAX, Run
from runcast.settings import Settings, resolve
from runcast.summary import Summary
from runcast.unfinished import Unfinished

DUMMY = "dummy"  # What W&B calls a run that goes nowhere.
KEY_CHARS_MIN = 40  # Of W&B's keys.
_STYLE = re.compile(r"\x1b\[[\d;]*m")


class Session:
    """What one process is doing: its settings, its runs, and how it ends."""

    def __init__(self) -> None:
        self.run: Run | None = None
        """The run that the module's functions speak to."""
        self._runs: list[Run] = []  # All that go on, in the order in which they began.
        self._begun: WeakValueDictionary[str, Run] = WeakValueDictionary()  # By path, also those that are over.
        self._unfinished: dict[str, Unfinished] = {}  # By path: the notes of runs that `resume="auto"` goes on with.
        self._set_up: dict[str, Any] = {}
        self._drained = False
        self._said: set[str] = set()  # Lines of libraries that are printed once.
        self._launched: dict[str, int] = {}  # By project: how many runs this process began as a rank of a job.
        self._exits = Exits(self._end)
        os.register_at_fork(after_in_child=self._forked)

    # Before a run.

    def setup(self, settings: Given | Mapping[str, Any] | None = None) -> Given:
        """Keep settings for every `init` to come; they go before the environment's."""
        self._set_up.update(settings or {})
        return Given(**self._set_up)

    def settings(self, *layers: tuple[str, Mapping[str, Any]]) -> Settings:
        """Put together what was told so far, and what these layers say."""
        return resolve(os.environ, ("setup()", self._set_up), *layers)

    def login(self, key: str | None = None) -> bool:
        """Check a key as W&B's client does, and keep none: a server on this machine asks for none."""
        settings = self.settings()
        if key is None or key == settings.token:
            return settings.mode == "online"
        if settings.mode != "online":
            return False
        if len(key) < KEY_CHARS_MIN:
            raise AuthenticationError(
                f"API key must have {KEY_CHARS_MIN}+ characters, has {len(key)}. A server of Runcast's "
                "takes the token in RUNCAST_TOKEN, or the one that `runcast login` was given."
            )
        return True

    # A run's beginning.

    def init(self, **words: Any) -> Run:
        """Begin a run, or return the active one; see `runcast.init`."""
        request = Request(words)
        settings = self.settings(*request.layers())
        rank = launch.read(os.environ, launcher_of)
        # A job of eight speaks with one voice.
        messages = Messages(silent=settings.silent or (rank is not None and rank.rank > 0), quiet=settings.quiet)
        if (active := self._again(settings, messages)) is not None:
            return active
        for warning in request.warnings():
            messages.say(f"WARNING {warning}")
        disabled = settings.mode == "disabled"
        project = names.check_name("project", settings.project or (DUMMY if disabled else names.PROJECT_DEFAULT))
        unfinished = Unfinished(settings.directory, Path.cwd(), project) if settings.resume == "auto" else None
        if unfinished is not None and settings.run_id is None:
            settings = replace(settings, run_id=unfinished.read())
        seed = self._seed(rank, project, messages) if settings.run_id is None else None
        behind_it = self._behind(settings, project, rank)
        if behind_it.warning:
            messages.say(f"WARNING {behind_it.warning}; it begins at step {behind_it.step}")
        tags = request.tags(settings)
        begin = behind_it.begin
        if seed and rank and not (rank.unique or rank.restarted or settings.mode == "offline"):
            # The next job may meet at the same address: it must not go on in this one's run.
            begin = events.FRESH
        run_id = self._id(settings, seed)
        name = names.check_name("run name", settings.name) if settings.name is not None else behind_it.name
        beginning = Beginning(
            project=project,
            run_id=run_id,
            name=name or (f"{DUMMY}-{run_id}" if disabled else run_name(seed)),
            config={**behind_it.config, **request.config(settings)},
            notes=plain(settings.notes or behind_it.notes),
            tags=tuple(plain(tag) for tag in tags or behind_it.tags),
            group=plain(settings.group),
            job_type=plain(settings.job_type),
            label=settings.label or (rank.label if rank is not None else ""),
            begin=begin,
            base=behind_it.base,
            base_step=behind_it.base_step,
            step=behind_it.step,
            summary=behind_it.summary,
            resumed=behind_it.resumed,
        )
        self._exits.hook()
        run = Run(settings=settings, beginning=beginning, messages=messages, on_finish=self._finished)
        self._runs.append(run)
        self._begun[run.path] = run
        if unfinished is not None:
            unfinished.write(run.id)
            self._unfinished[run.path] = unfinished
        if settings.reinit != told.CREATE:
            self.run = run
        if settings.sync_tensorboard:
            import_module("runcast.integration.tensorboard").patch()
        if rank is not None or beginning.resumed:
            self._insist(run, rank, settings, tags)
        if not run.disabled:
            self._accompany(run, rank, messages)
        return run

    def _again(self, settings: Settings, messages: Messages) -> Run | None:
        """Give the run that goes on instead of another; finish those that go first."""
        how = settings.reinit
        if how == told.REINIT_DEFAULT:
            # In a notebook the cell that begins a run is run again, and means another one.
            how = told.FINISH if "ipykernel" in sys.modules else told.RETURN
        if how == told.RETURN and self._runs:
            active = self._runs[-1]
            messages.note(f"run {active.name} goes on; call finish() first to begin another")
            return active
        if how == told.FINISH:
            for active in reversed(self._runs[:]):
                active.finish()
        return None

    def _seed(self, rank: launch.Launch | None, project: str, messages: Messages) -> bytes | None:
        """Give what all ranks of a job make their run's id of; each run that they begin together has another."""
        if rank is None:
            return None
        count = self._launched[project] = self._launched.get(project, 0) + 1
        seed = rank.seed(project, count)
        if seed is None and rank.local_rank == 0:
            messages.say(
                f"WARNING this is rank {rank.rank} of {rank.world}, and nothing tells which job it belongs to; "
                "set RUNCAST_RUN_ID to one id for all of them to have one run"
            )
        return seed

    def _behind(self, settings: Settings, project: str, rank: launch.Launch | None) -> Behind:
        # An id that a program gives is of a run of its own, as in W&B, where it overwrites; ranks and writers of a
        # shared run, and whoever is sent to one by RUNCAST_RUN_ID, come to one that is there.
        overwrite = (
            settings.run_id is not None
            and not settings.shared
            and rank is None
            and settings.sources["run_id"] != "RUNCAST_RUN_ID"
        )
        if overwrite and settings.run_id is not None and settings.mode == "online" and not settings.resume:
            send_left(settings, project, settings.run_id)
        return behind(
            project=project,
            run_id=settings.run_id,
            overwrite=overwrite,
            resume=settings.resume,
            resume_from=settings.resume_from,
            fork_from=settings.fork_from,
            ask=lambda run_id: look_up(settings, project, run_id),
        )

    def _id(self, settings: Settings, seed: bytes | None) -> str:
        if settings.run_id is not None:
            return names.check_run_id(settings.run_id)
        if settings.resume_from:
            return names.check_run_id(settings.resume_from.partition("?")[0])
        return names.new_run_id(seed)

    def _insist(self, run: Run, rank: launch.Launch | None, settings: Settings, tags: tuple[str, ...]) -> None:
        """Say again what it was told: whoever began the run described it, maybe with less."""
        if settings.name is not None:
            run.name = settings.name
            if rank is not None and rank.rank == 0:  # Where each rank has a name of its own, the first one's counts.
                run.before_end(lambda: setattr(run, "name", run.name))
        described: dict[str, Any] = {
            "notes": settings.notes,
            "tags": list(tags),
            "group": settings.group,
            "job_type": settings.job_type,
        }
        if given := {key: value for key, value in described.items() if value}:
            run.tell(events.Describe(time.time_ns(), given))

    def _accompany(self, run: Run, rank: launch.Launch | None, messages: Messages) -> None:
        """Say where the run is seen, send what others left, and begin what surrounds it."""
        where = f" at {run.url}" if run.url else f" in {run.journal_directory}"
        what = f"Resuming run {run.name}, step {run.step}," if run.resumed else f"Tracking run {run.name}"
        messages.note(f"{what}{where}")
        run.mark()
        if rank is None or rank.local_rank == 0:
            self._drain_others(run)
        wanted = run.wanted
        if wanted.anything:
            # What listens and samples is no part of `import runcast`.
            around = import_module("runcast.surroundings.attend")
            run.attend(around.Surroundings(run, wanted, os.environ, rank))

    def _drain_others(self, run: Run) -> None:
        """Send, once a process and in the background, what earlier processes left when they died."""
        if self._drained or run.offline:
            return
        self._drained = True
        settings = self.settings()
        threading.Thread(
            target=drain,
            args=(settings.directory, Destination(replace(settings, mode="online")).redis),  # Not where this run goes.
            kwargs={
                "find_service": Destination(settings).files,
                "token": settings.token,
                "wait_seconds": 5.0,
                "stopping": lambda: run.finished,
            },
            name="runcast-drain",
            daemon=True,
        ).start()

    def attach(self, path: str, name: str = "") -> Run:
        """Give the run of that path or id: the one that goes on here, or, as another writer, one of another process."""
        for run in (*reversed(self._runs), *self._begun.values()):
            if path in {run.path, run.id}:
                return run
        settings = self.settings()
        project, _, run_id = path.rpartition("/")
        beginning = Beginning(
            project=names.check_name("project", project or settings.project or names.PROJECT_DEFAULT),
            run_id=names.check_run_id(run_id),
            name=name or run_id,
            label=settings.label or f"process-{os.getpid()}",
            later=True,
        )
        self._exits.hook()
        messages = Messages(silent=True)  # The process that began it speaks for it.
        run = Run(settings=settings, beginning=beginning, messages=messages, on_finish=self._finished)
        self._runs.append(run)
        self.run = self.run or run
        return run

    # While it goes on.

    def say(self, line: str, *, repeat: bool = True) -> None:
        """Print a line of a library's; unless it may be repeated, only the first time."""
        if repeat or line not in self._said:
            if not repeat:
                self._said.add(line)
            line = _STYLE.sub("", line)  # The program's own colours are none of ours, and no trouble either.
            (self.run.messages if self.run is not None else Messages(silent=self.settings().silent)).say(line)

    def active(self, what: str) -> Run:
        """Give the active run; raises UsageError as W&B does when there is none."""
        if self.run is None:
            raise UsageError(f"You must call wandb.init() before wandb.{what}")
        return self.run

    def config(self, what: str) -> Config:
        """Give the active run's config."""
        return self.active(what).config

    def summary(self, what: str) -> Summary:
        """Give the active run's summary."""
        return self.active(what).summary

    def call(self, name: str) -> Callable[..., Any]:
        """Give a method of the run that is active when it is called."""

        def call(*arguments: Any, **more: Any) -> Any:
            return getattr(self.active(f"{name}()"), name)(*arguments, **more)

        call.__name__ = call.__qualname__ = name
        call.__doc__ = getattr(Run, name).__doc__
        return call

    def restore(self, name: str, run_path: str | None, replace: bool, root: str | os.PathLike[str] | None) -> IO[str]:
        """Give a file of a run, of the active one if `run_path` names no other; see `Run.restore`."""
        if self.run is not None:
            return self.run.restore(name, run_path, replace, root)
        if run_path is None:
            raise ValueError("run_path required when calling wandb.restore before wandb.init")
        settings = self.settings()
        return restore(
            name,
            run_path=run_path,
            root=Path(root or ".").absolute(),
            replace=replace,
            destination=Destination(settings),
            token=settings.token,
        )

    # The end.

    def finish(self, exit_code: int | None = None, quiet: bool | None = None) -> None:
        """End the active run, if there is one."""
        if self.run is not None:
            self.run.finish(exit_code, quiet)

    def teardown(self, exit_code: int | None = None) -> None:
        """End all runs."""
        self._end(exit_code or 0, FINISH_SECONDS_MAX)

    def _end(self, exit_code: int, patience_seconds: float) -> None:
        for run in reversed(self._runs[:]):
            run.end(exit_code, patience_seconds=patience_seconds)

    def _finished(self, run: Run, exit_code: int) -> None:
        if (note := self._unfinished.pop(run.path, None)) is not None:
            note.ended(run.id, exit_code)
        if run in self._runs:
            self._runs.remove(run)
        if self.run is run:
            self.run = None

    def _forked(self) -> None:
        self._unfinished = {}  # A child's end is not its parent's.
        for run in self._runs:
            run.forked()


CURRENT = Session()
"""This process's."""


def attach(path: str, name: str = "") -> Run:
    """Find or join a run; what another process unpickles."""
    return CURRENT.attach(path, name)


copyreg.pickle(Run, lambda run: (attach, (run.path, run.name)))
