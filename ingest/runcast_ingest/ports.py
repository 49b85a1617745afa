"""The port to listen on: taken before anything else is started, or else the word who has it."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from runcast.errors import UsageError

_LISTEN = "0A"  # In /proc/net/tcp.


def listen(host: str, port: int) -> socket.socket:
    """Listen on an address; raises UsageError with who has it and what to do. Port 0 is any that is free."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError as error:
        raise UsageError(f"--host is {host!r}, which is no address of this machine: {error.strerror}") from error
    line = socket.socket(family, socket.SOCK_STREAM)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        line.bind(address)
        line.listen(2048)
    except OSError as error:
        line.close()
        if error.errno == errno.EADDRINUSE:
            raise UsageError(
                f"port {port} is in use by {holder(port) or 'another program'}; stop it, or choose another with --port"
            ) from error
        raise UsageError(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another with --host or --port"
        ) from error
    return line


def holder(port: int) -> str | None:
    """Say which process listens on a port, as far as this user may see it."""
    if sys.platform == "linux":
        return _holder_by_proc(port)
    if lsof := shutil.which("lsof"):
        command = [lsof, "-nP", "-Fpc", f"-iTCP:{port}", "-sTCP:LISTEN"]
        said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=5).stdout  # noqa: S603
        found = {line[0]: line[1:] for line in said.splitlines() if line}
        if "p" in found:
            return f"{found.get('c', 'a process')} (process {found['p']})"
    return None


def _holder_by_proc(port: int) -> str | None:
    wanted = {f"socket:[{inode}]" for table in ("tcp", "tcp6") for inode in _inodes(Path("/proc/net") / table, port)}
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with suppress(OSError):
                for descriptor in (process / "fd").iterdir():
                    with suppress(OSError):
                        if os.readlink(descriptor) in wanted:
                            return f"{_command(process)} (process {process.name})"
    return None


def _inodes(table: Path, port: int) -> list[str]:
    with suppress(OSError):
        rows = [line.split() for line in table.read_text().splitlines()[1:]]
        return [row[9] for row in rows if row[3] == _LISTEN and int(row[1].rpartition(":")[2], 16) == port]
    return []


def _command(process: Path) -> str:
    words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
    return " ".join(word for word in words if word)[:60] or (process / "comm").read_text().strip()
