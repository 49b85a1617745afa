"""A Redis or Valkey of our own: started, watched and stopped, so that nobody has to run one.

It lives in `streams/` of the Runcast directory, for its owner only: a password, a unix socket, and TCP on
loopback. It outlives the process that started it, and however many start it at once, there is one.
What it holds is what is not stored yet; nothing here knows streams, runs or the store.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from runcast.errors import ServerMissing, StreamUnavailable
from runcast_ingest import server_folder
from runcast_ingest.server_binary import find_server
from runcast_ingest.server_folder import StreamServer

FOLDER = "streams"
START_SECONDS_MAX = 30.0
LOADING_SECONDS_MAX = 600.0  # Reading a full gigabyte of AOF from a slow disk.
PROBE_SECONDS = 0.5
CHECK_SECONDS = 1.0  # How often a server is looked at that does not close its connections, and may hang.
PAUSE_SECONDS_MIN, PAUSE_SECONDS_MAX = 0.05, 5.0  # Between tries to start it again.

_log = logging.getLogger("runcast.streams")


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
    server = server_folder.read(directory / FOLDER)
    return server if server is not None and probe(server) is not None else None


def start(directory: Path, *, binary: str | None = None) -> StreamServer:
    """Start the server of a Runcast directory, or find it running. Safe in many processes at once.

    Raises ServerMissing when there is no binary, StreamUnavailable when it does not come up.
    """
    folder = server_folder.private(directory / FOLDER)
    with server_folder.alone(folder):
        server = server_folder.read(folder)
        if server is not None and probe(server) is not None:
            _wait_ready(folder, server)
            return server
        binary = binary or find_server()
        with server_folder.tenancy(folder) as tenancy:
            server = server_folder.keep(folder, server)
            conf = server_folder.configure(folder, server)
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
    with server_folder.alone(folder):
        server = server_folder.read(folder)
        if server is None or probe(server) is None:
            return False
        with suppress(OSError), socket.socket(socket.AF_UNIX) as line:
            line.settimeout(START_SECONDS_MAX)
            line.connect(server.socket)
            line.sendall(b"AUTH %s\r\nSHUTDOWN\r\n" % server.password.encode())
            while line.recv(512):
                pass
        with server_folder.tenancy(folder):
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
