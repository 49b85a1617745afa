"""What a private server of streams keeps in its folder: its locks, its password, socket and port, its configuration.

Everything is for its owner only. Whether a server lives is not known here.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from zlib import crc32

import msgspec
from msgspec import Struct

from runcast.errors import StreamUnavailable

MEMORY_MAX = 1 << 30  # Streams hold what is not yet stored, and a minute more.
SOCKET_PATH_BYTES_MAX = 100  # The kernel's `sun_path` takes 107.
TENANT_SECONDS_MAX = 30.0  # For a server that was told to stop.


class StreamServer(Struct, frozen=True):
    """A running server: how to reach it. Made once a directory and kept, so that a restart locks nobody out."""

    socket: str
    port: int
    password: str

    @property
    def url(self) -> str:
        """The address over its unix socket: the faster one."""
        return f"unix://:{self.password}@{self.socket}"

    @property
    def tcp_url(self) -> str:
        """The address over loopback, for what has no unix sockets."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"


def private(folder: Path) -> Path:
    """Have the folder, for its owner only."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    return folder.resolve()


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the folder's lock: one process at a time starts or stops its server."""
    fd = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


@contextmanager
def tenancy(folder: Path) -> Iterator[int]:
    """Hold the lock that a server inherits and keeps until it dies.

    Two servers over the same files would ruin them; so one that is stopped, but not dead, keeps the next one out.
    """
    fd = os.open(folder / "tenant", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + TENANT_SECONDS_MAX
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise StreamUnavailable(
                        str(folder), "its server process exists but does not answer; it may be suspended"
                    ) from None
                time.sleep(0.005)
        yield fd
    finally:
        os.close(fd)


def read(folder: Path) -> StreamServer | None:
    """Read how the server of last time was reached; None if there was none."""
    with suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode((folder / "server.json").read_bytes(), type=StreamServer)
    return None


def keep(folder: Path, known: StreamServer | None) -> StreamServer:
    """Choose password, socket and port, or keep those of last time as far as they can be had."""
    path = _socket_path(folder)
    port = known.port if known is not None and _is_free(known.port) else _free_port()
    server = StreamServer(path, port, known.password if known is not None else secrets.token_urlsafe(24))
    if server != known:
        _write_private(folder / "server.json", msgspec.json.encode(server))
    return server


def _socket_path(folder: Path) -> str:
    """Place the socket in the folder, or, when that is too deep for the kernel, in a short private one."""
    path = str(folder / "redis.sock")
    if len(os.fsencode(path)) <= SOCKET_PATH_BYTES_MAX:
        return path
    short = Path(tempfile.gettempdir()) / f"runcast-{os.getuid()}"
    short.mkdir(mode=0o700, exist_ok=True)
    found = short.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) != 0o700:
        raise StreamUnavailable(
            str(short), "that folder is not ours alone; remove it, or set RUNCAST_DIR to a short path"
        )
    return str(short / f"{crc32(os.fsencode(folder)):08x}.sock")


def configure(folder: Path, server: StreamServer) -> Path:
    """Write its configuration."""
    lines = {
        "port": server.port,
        "bind": "127.0.0.1",
        "unixsocket": server.socket,
        "unixsocketperm": 700,
        "requirepass": server.password,
        "dir": folder,
        "appendonly": "yes",
        "appendfsync": "everysec",  # Enough: what a power cut takes is still in the trainers' journals.
        "save": "",
        "maxmemory": memory_max(),
        "maxmemory-policy": "noeviction",  # Any other deletes whole streams without an error.
        "stream-node-max-entries": 100,
        "stream-node-max-bytes": 65536,
        "daemonize": "yes",
        "pidfile": folder / "redis.pid",
        "logfile": folder / "redis.log",
    }
    text = "".join(f"{key} {_quoted(str(value))}\n" for key, value in lines.items())
    path = folder / "redis.conf"
    _write_private(path, text.encode())
    return path


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def memory_max() -> int:
    """How much a private server may hold: an eighth of the machine, at most 1 GiB."""
    return min(MEMORY_MAX, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 8)


def _write_private(path: Path, data: bytes) -> None:
    fresh = path.with_suffix(f".{secrets.token_hex(4)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
    fresh.replace(path)


def _is_free(port: int) -> bool:
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            line.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return int(line.getsockname()[1])
