"""What tests of more than one folder stand on: a real server for streams, and patience with a deadline."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import HealthCheck, settings
from tests.flow.running import ALONE

from runcast_ingest import embedded
from runcast_ingest.server_folder import StreamServer

os.environ.update(ALONE)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # What a script starts in the background ignores Ctrl-C, and so would every program that the tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
# A machine that is shared is slow at times, and that is no fault of the code.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")


@pytest.hookimpl(optionalhook=True)  # Where the integrations are tested, there is no xdist.
def pytest_xdist_auto_num_workers() -> int:
    """Tests mostly wait, for processes and for clocks: half again as many workers as there are cores."""
    return (os.cpu_count() or 2) * 3 // 2


@pytest.fixture(scope="session")
def _stream_server() -> Iterator[StreamServer]:
    # A short path: a unix socket's may have no more than about 100 bytes.
    with tempfile.TemporaryDirectory(prefix="rc-") as folder:
        try:
            yield embedded.start(Path(folder))
        finally:
            embedded.stop(Path(folder))


@pytest.fixture
def stream_server(_stream_server: StreamServer) -> StreamServer:
    """Give a private server with nothing in it; it knows its unix socket, its port and its password."""
    with redis.Redis.from_url(_stream_server.url) as client:
        client.flushall()
    return _stream_server


@pytest.fixture
def redis_server(stream_server: StreamServer) -> str:
    """Give the address of an empty server."""
    return stream_server.url


def eventually(fact: Callable[[], object], *, within_seconds: float = 10.0) -> None:
    """Wait until something holds; fail when it does not within the time."""
    deadline = time.monotonic() + within_seconds
    while not fact():
        if time.monotonic() > deadline:
            pytest.fail(f"it did not come to hold within {within_seconds} s")
        time.sleep(0.01)
