"""A run's folder of files on this machine, made when somebody asks for it; laid out as W&B's."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from runcast.saving import END, NOW, Saved, Stamp, below, link
from runcast.settings import Settings

Keep = Callable[[str, Path], object]
"""Takes a file's name within the run, and where it lies."""

FILES = "files"
TRIES_MAX = 100  # Runs of one id that begin within one second.


class Folder:
    """`<root>/wandb/run-<date>_<time>-<id>/files`, or `<RUNCAST_DIR>/runs/…` where no root was given."""

    def __init__(self, settings: Settings, run_id: str, started: float) -> None:
        if settings.mode == "disabled":
            self._root = settings.spare / "wandb"
        else:
            self._root = settings.root / "wandb" if settings.root is not None else settings.directory / "runs"
        kind = "offline-run" if settings.mode == "offline" else "run"
        self._marks = settings.mode != "disabled" and settings.root is not None
        self._mark = f"run-{run_id}.wandb"
        self._name = f"{kind}-{time.strftime('%Y%m%d_%H%M%S', time.localtime(started))}-{run_id}"
        self._made: Path | None = None
        self._owner = os.getpid()  # A forked child has the folder too, but it is its parent's.
        self._taken: dict[str, tuple[str, Stamp | None]] = {}  # By name: the policy, and what was kept last.

    def files(self) -> Path:
        """Give the folder of the files; raises OSError where it cannot be made."""
        if self._made is None:
            self._made = self._make() / FILES
            self._made.mkdir(exist_ok=True)
        return self._made

    def mark(self) -> None:
        """Leave the run's id where a folder was given for it: who resumes looks for `wandb/*run-*/run-<id>.wandb`.

        W&B keeps its log in that file; here it is empty, for the journal is the log.
        """
        if self._marks:
            with suppress(OSError):  # A disk that is full or not to be written to: the run needs no folder.
                self.files().with_name(self._mark).touch()

    def _make(self) -> Path:
        self._root.mkdir(parents=True, exist_ok=True)
        for number in range(TRIES_MAX):
            path = self._root / (f"{self._name}-{number}" if number else self._name)
            with suppress(FileExistsError):
                path.mkdir()
                self._link(path)
                return path
        raise FileExistsError(f"{self._root / self._name} is there already, {TRIES_MAX} times")

    def _link(self, path: Path) -> None:
        """Point `latest-run` at it, in one step."""
        fresh = self._root / f".latest-run.{os.getpid()}"
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(path.name)
            fresh.replace(self._root / "latest-run")

    def take(self, saved: Saved, policy: str, keep: Keep) -> Path:
        """Let a file stand here, and keep it as it is; with the policy `end`, as it will be. Returns where it is."""
        place = link(saved, self.files())
        self._taken[saved.name] = (policy, None)
        if policy != END:
            self._keep(saved.name, place, policy, keep)
        return place

    def end(self, keep: Keep) -> None:
        """Keep what lies here, and what was written again since it was kept."""
        if self._made is None or os.getpid() != self._owner:
            return
        for saved in below(self._made):
            policy, _ = self._taken.get(saved.name, (END, None))
            self._keep(saved.name, saved.source, policy, keep)
        self._leave()

    def _keep(self, name: str, path: Path, policy: str, keep: Keep) -> None:
        stamp = Stamp.of(path)
        _, kept = self._taken.get(name, (policy, None))
        if stamp is not None and kept != stamp and (kept is None or policy != NOW):
            keep(name, path)
            self._taken[name] = (policy, stamp)

    def _leave(self) -> None:
        """Take it away if nothing lies in it."""
        if self._made is None:
            return
        with suppress(OSError):
            self._made.rmdir()
            self._made.parent.rmdir()
