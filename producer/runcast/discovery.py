"""The file by which a trainer finds the server on its machine: who runs, and where to publish.

Only its owner may read it, because it holds the password of the private Redis. It is replaced in
one step, so a reader sees a whole one or none.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

FILE = "server.json"


class Discovery(Struct, frozen=True, omit_defaults=True):
    """A running service: its process, its address, and its Redis (`redis_tcp` for what has no unix socket)."""

    version: int
    pid: int
    url: str
    redis: str
    redis_tcp: str = ""
    started: int = 0
    host: str = ""  # Where it runs; another machine that shares the folder must not judge its pid.
    born: str = ""  # When the process began, as its kernel counts: whoever has its pid later has another.


def write(directory: Path, discovery: Discovery) -> None:
    """Say that the service runs."""
    discovery = msgspec.structs.replace(discovery, born=born(discovery.pid))
    path = directory / FILE
    fresh = directory / f".{FILE}.{os.urandom(4).hex()}"
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(msgspec.json.encode(discovery))
    fresh.replace(path)


def read(directory: Path) -> Discovery | None:
    """Find the service, or None if there is none, or only the trace of one that died."""
    try:
        found = msgspec.json.decode((directory / FILE).read_bytes(), type=Discovery)
    except (OSError, msgspec.MsgspecError):
        return None
    if found.host and found.host != os.uname().nodename:
        return found
    return found if alive(found.pid, found.born) else None


def alive(pid: int, since: str = "") -> bool:
    """Whether a process runs: one that waits for its parent to bury it does not, nor one that took over its number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # Another user's, but there.
    state, begun = _stat(pid)
    return state not in {"Z", "X"} and (not since or not begun or since == begun)


def born(pid: int) -> str:
    """Say when a process began, so that no other process ever has the same pid and answer; empty where none tells."""
    return _stat(pid)[1]


def _stat(pid: int) -> tuple[str, str]:
    """Read a process's state and start from Linux's /proc; empty words elsewhere."""
    with suppress(OSError, IndexError):
        # The second field is the program's name, with anything in it; what counts stands behind its last parenthesis.
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return fields[0], f"{boot}:{fields[19]}"
    return "", ""


def remove(directory: Path, pid: int) -> None:
    """Take the file away, if it is still the one of that process."""
    found = read(directory)
    if found is None or found.pid == pid:
        (directory / FILE).unlink(missing_ok=True)
