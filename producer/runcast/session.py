"""The process's current run: what `init` begins, the module's functions speak to, and the process's end ends.

A run ends with the right word however its process does: normal exit, exception, Ctrl-C, SIGTERM. Only
SIGKILL says nothing, and then the journal is drained by whoever comes next.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from types import FrameType, TracebackType
from typing import Any, NoReturn

from runcast import events, launch, names
from runcast.ancestry import launcher_of
from runcast.config import Config, read_config
from runcast.drain import drain
from runcast.errors import UsageError
from runcast.invent import run_name
from runcast.messages import Messages
from runcast.rows import plain
from runcast.run import FINISH_SECONDS_MAX, Run
from runcast.settings import MODES, Settings
from runcast.summary import Summary

EXIT_ERROR, EXIT_INTERRUPT, EXIT_TERM = 1, 255, 143  # W&B's codes for an exception and Ctrl-C; the shell's for SIGTERM.
TERM_SECONDS_MAX = 5.0  # How long the end waits for the store after SIGTERM.

_DESCRIBE = ("notes", "group", "job_type", "tags")
_IGNORED = frozenset(
    (
        "entity dir anonymous settings save_code tensorboard sync_tensorboard monitor_gym force config_exclude_keys "
        "config_include_keys allow_val_change resume resume_from fork_from"
    ).split()
)


class Session:
    """What one process is doing: its settings, its active run, and the hooks that end it."""

    def __init__(self) -> None:
        self.run: Run | None = None
        self._exit_code = 0
        self._hooked = False
        self._drained = False
        self._said: set[str] = set()  # Lines of libraries that are printed once.
        self._launched: dict[str, int] = {}  # By project: how many runs this process began as a rank of a job.
        self._excepthook: Callable[..., Any] | None = None
        os.register_at_fork(after_in_child=self._forked)

    def init(
        self,
        *,
        project: str | None = None,
        config: Any = None,
        name: str | None = None,
        run_id: str | None = None,
        mode: str | None = None,
        reinit: object = None,
        **more: Any,
    ) -> Run:
        """Begin a run, or return the active one; see `runcast.init`."""
        settings = Settings.from_env(os.environ)
        run_id = run_id if run_id is not None else settings.run_id
        rank = launch.read(os.environ, launcher_of)
        # A job of eight speaks with one voice.
        messages = Messages(silent=settings.silent or (rank is not None and rank.rank > 0))
        if self.run is not None:
            if reinit in {None, False, "default", "return_previous"}:
                messages.say(f"run {self.run.name} goes on; call finish() first to begin another")
                return self.run
            self.run.finish()
        mode = "online" if mode == "shared" else mode  # Every run here takes any number of writers.
        if mode is not None and mode not in MODES:
            raise UsageError(f"mode is {mode!r}; it is one of {', '.join(MODES)}")
        unknown = sorted(more.keys() - _IGNORED - set(_DESCRIBE))
        if unknown:
            messages.say(f"WARNING init() does not know {', '.join(unknown)}; ignored")
        if mode is not None:
            settings = replace(settings, mode=mode)
        describe: dict[str, Any] = {key: plain(str(more[key])) for key in _DESCRIBE if more.get(key)}
        if "tags" in describe:
            tags = (more["tags"],) if isinstance(more["tags"], str) else more["tags"]
            describe["tags"] = tuple(plain(str(tag)) for tag in tags)
        if more.get("resume") or more.get("resume_from") or more.get("fork_from"):
            messages.say("WARNING runs cannot be resumed or forked yet; this one begins at step 0")
        project = names.check_name("project", project or settings.project or names.PROJECT_DEFAULT)
        seed = self._seed(rank, project, messages) if run_id is None else None
        if seed and rank and not (rank.unique or rank.restarted or settings.mode == "offline"):
            # The next job may meet at the same address: it must not go on in this one's run.
            describe["begin"] = events.FRESH
        self._hook()
        run = Run(
            settings=settings,
            project=project,
            run_id=names.check_run_id(run_id) if run_id is not None else names.new_run_id(seed),
            name=names.check_name("run name", name) if name is not None else run_name(seed),
            config=read_config(config),
            describe=describe,
            label=rank.label if rank is not None else "",
            messages=messages,
            on_finish=self._finished,
        )
        self.run = run
        if more.get("sync_tensorboard") or more.get("tensorboard"):
            import_module("runcast.integration.tensorboard").patch()
        if rank is not None:
            self._insist(run, rank, name, describe)
        if settings.mode != "disabled":
            url = run.url
            messages.say(f"Tracking run {run.name}" + (f" at {url}" if url else f" in {run.dir}"))
            if rank is None or rank.local_rank == 0:
                self._drain_others(settings, run)
            if settings.wanted.anything:
                # What listens and samples is no part of `import runcast`.
                around = import_module("runcast.surroundings.attend")
                run.attend(around.Surroundings(run, settings.wanted, os.environ, rank))
        return run

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

    def _insist(self, run: Run, rank: launch.Launch, name: str | None, describe: dict[str, Any]) -> None:
        """Say again what a rank was given: the first one to begin described the run, maybe with less."""
        if name is not None:
            run.name = name
            if rank.rank == 0:  # Where each rank has a name of its own, the first one's is the run's.
                run.before_end(lambda: setattr(run, "name", run.name))
        if given := {
            key: list(value) if key == "tags" else value for key, value in describe.items() if key in _DESCRIBE
        }:
            run.tell(events.Describe(time.time_ns(), given))

    def _drain_others(self, settings: Settings, run: Run) -> None:
        """Send, once a process and in the background, what earlier processes left when they died."""
        if self._drained or settings.mode != "online":
            return
        self._drained = True
        threading.Thread(
            target=drain,
            args=(settings.directory, run.find_url),
            kwargs={"wait_seconds": 5.0, "stopping": lambda: run.finished},
            name="runcast-drain",
            daemon=True,
        ).start()

    def say(self, line: str, *, repeat: bool = True) -> None:
        """Print a line of a library's; unless it may be repeated, only the first time."""
        if repeat or line not in self._said:
            if not repeat:
                self._said.add(line)
            Messages(silent=Settings.from_env(os.environ).silent).say(line)

    def active(self, what: str) -> Run:
        """Give the active run; raises UsageError as W&B does when there is none."""
        if self.run is None:
            raise UsageError(f"You must call wandb.init() before wandb.{what}")
        return self.run

    def finish(self, exit_code: int | None = None) -> None:
        """End the active run, if there is one."""
        if self.run is not None:
            self.run.finish(exit_code)

    def _finished(self, run: Run) -> None:
        if self.run is run:
            self.run = None

    # The process's end.

    def _hook(self) -> None:
        if self._hooked:
            return
        self._hooked = True
        atexit.register(self._at_exit)
        self._excepthook = sys.excepthook
        sys.excepthook = self._excepted
        self._sys_exit = sys.exit
        sys.exit = self._exited
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self._terminated)

    def _at_exit(self) -> None:
        try:
            if self.run is not None:
                # Who sends SIGTERM sends SIGKILL soon after, and the journal is complete already.
                patience = TERM_SECONDS_MAX if self._exit_code == EXIT_TERM else FINISH_SECONDS_MAX
                self.run.end(self._exit_code, patience_seconds=patience)
        except (KeyboardInterrupt, SystemExit):
            return  # Told a second time to go: the journal keeps what is not stored yet.

    def _excepted(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        self._exit_code = EXIT_INTERRUPT if issubclass(kind, KeyboardInterrupt) else EXIT_ERROR
        if self._excepthook is not None:
            self._excepthook(kind, error, trace)

    def _exited(self, status: Any = None) -> NoReturn:
        # No hook tells what `sys.exit` was called with, and a run that ended with 3 did not end with 0.
        self._exit_code = status if isinstance(status, int) else int(status is not None)
        self._sys_exit(status)

    def _terminated(self, number: int, frame: FrameType | None) -> None:
        # SystemExit unwinds the training's own `finally` blocks, and then atexit ends the run.
        del number, frame
        self._exit_code = EXIT_TERM
        raise SystemExit(EXIT_TERM)

    def _forked(self) -> None:
        if self.run is not None:
            self.run.forked()


class ConfigProxy:
    """`runcast.config`: the active run's config, and W&B's error when there is none."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        object.__setattr__(self, "_session", session)

    def _config(self, what: str) -> Config:
        session: Session = object.__getattribute__(self, "_session")
        return session.active(f"config.{what}").config

    def __getattr__(self, key: str) -> Any:
        return getattr(self._config(key), key)

    def __setattr__(self, key: str, value: Any) -> None:
        self._config(key)[key] = value

    def __getitem__(self, key: str) -> Any:
        return self._config(key)[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._config(key)[key] = value

    def __contains__(self, key: object) -> bool:
        return key in self._config(str(key))

    def __iter__(self) -> Any:
        return iter(self._config("keys"))

    def __len__(self) -> int:
        return len(self._config("keys"))

    def __repr__(self) -> str:
        session: Session = object.__getattribute__(self, "_session")
        return repr(session.run.config) if session.run is not None else "<config before init()>"


class SummaryProxy:
    """`runcast.summary`: the active run's summary, and W&B's error when there is none."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        object.__setattr__(self, "_session", session)

    def _summary(self, what: str) -> Summary:
        session: Session = object.__getattribute__(self, "_session")
        return session.active(f"summary[{what!r}]").summary

    def __getattr__(self, key: str) -> Any:
        return getattr(self._summary(key), key)

    def __setattr__(self, key: str, value: Any) -> None:
        self._summary(key)[key] = value

    def __getitem__(self, key: str) -> Any:
        return self._summary(key)[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._summary(key)[key] = value

    def __delitem__(self, key: str) -> None:
        del self._summary(key)[key]

    def __contains__(self, key: object) -> bool:
        return key in self._summary(str(key))

    def __iter__(self) -> Any:
        return iter(self._summary("keys"))

    def __len__(self) -> int:
        return len(self._summary("keys"))
