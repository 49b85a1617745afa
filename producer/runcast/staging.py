"""Where an artifact's files wait from when they are added until it is logged: copies, so that the program may go on."""

from __future__ import annotations

import os
import shutil
import weakref
from contextlib import suppress
from pathlib import Path

from runcast import discovery
from runcast.spool import Spool

FOLDER = "staging"


class Staging:
    """A folder of one artifact's; it goes when the artifact does."""

    def __init__(self, directory: Path) -> None:
        parent = directory / FOLDER
        _sweep(parent)
        self.directory = parent / f"{os.getpid()}-{os.urandom(6).hex()}"
        self.directory.mkdir(mode=0o700, parents=True)
        self.spool = Spool(self.directory)
        self._end = weakref.finalize(self, _remove, self.directory, os.getpid())

    def place(self, digest: str) -> Path:
        """Say where a file lies."""
        return self.spool.directory / digest

    def path(self, name: str) -> Path:
        """Give a place for a file that is still written."""
        return self.directory / f"{os.urandom(8).hex()}-{Path(name).name[-100:]}"


def _remove(directory: Path, pid: int) -> None:
    if os.getpid() == pid:  # A child that ends leaves its parent's.
        shutil.rmtree(directory, ignore_errors=True)


def _sweep(parent: Path) -> None:
    """Take away what processes left that were killed."""
    with suppress(OSError):
        for path in parent.iterdir():
            pid = path.name.partition("-")[0]
            if pid.isdigit() and not discovery.alive(int(pid)):
                shutil.rmtree(path, ignore_errors=True)
