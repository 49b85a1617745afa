"""A run's folder of files on this machine, made when somebody asks for it; laid out as W&B's."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from runcast.settings import Settings

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
        self._name = f"{kind}-{time.strftime('%Y%m%d_%H%M%S', time.localtime(started))}-{run_id}"
        self._made: Path | None = None

    @property
    def made(self) -> Path | None:
        """The folder of the files, if anybody asked for it."""
        return self._made

    def files(self) -> Path:
        """Give the folder of the files; raises OSError where it cannot be made."""
        if self._made is None:
            self._made = self._make() / FILES
            self._made.mkdir(exist_ok=True)
        return self._made

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

    def leave(self) -> None:
        """Take it away if nothing lies in it."""
        if self._made is None:
            return
        with suppress(OSError):
            self._made.rmdir()
            self._made.parent.rmdir()
