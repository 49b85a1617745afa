"""One service to a directory: whoever comes second is told who has it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runcast import discovery
from runcast.errors import UsageError

FILE = "service.lock"


@contextmanager
def lock(directory: Path) -> Iterator[None]:
    """Hold a directory; raises UsageError with the process that has it. The kernel lets go when we die."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(directory / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(_who(directory, os.pread(handle, 20, 0).decode(errors="replace").strip())) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def _who(directory: Path, pid: str) -> str:
    found = discovery.read(directory)
    where = f" at {found.url}" if found is not None else ""
    who = f"process {pid}" if pid else "another process"
    return f"{directory} is served by {who}{where}; stop it with `runcast down`, or choose another RUNCAST_DIR"
