"""Service, dashboard and Redis apart, as the containers run them: each a process, with a token between them."""

from __future__ import annotations

import http.client
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
import redis
from tests.flow.running import Running, environment, python, rows_of, runcast, up, wait_until

from runcast import discovery
from runcast.service import Refused, Service
from runcast_ingest import embedded
from runcast_ingest.server_binary import find_server
from runcast_ingest.server_folder import StreamServer

TOKEN = "a-shared-secret-of-a-test"
# Another address than 127.0.0.1, so that nothing passes because of a default; Linux answers on all of 127/8.
HOST = "127.0.0.2" if sys.platform == "linux" else "127.0.0.1"


@pytest.fixture(scope="module")
def own_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StreamServer]:
    """A Redis that is the user's own, as far as the service knows."""
    directory = tmp_path_factory.mktemp("redis")
    try:
        yield embedded.start(directory)
    finally:
        embedded.stop(directory)


@pytest.fixture(scope="module")
def service(own_redis: StreamServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    directory = tmp_path_factory.mktemp("service")
    with up(directory, "--host", HOST, token=TOKEN, RUNCAST_URL=own_redis.tcp_url) as running:
        yield running


@pytest.fixture(scope="module")
def dashboard(service: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a dashboard that is served apart from its service."""
    token_file = tmp_path_factory.mktemp("secrets") / "token"
    token_file.write_text(TOKEN + "\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "runcast.cli", "dashboard", "--server", service.api.url, "--port", "0", "--host", HOST],
        env=environment(RUNCAST_TOKEN_FILE=str(token_file), PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        url = next(word.strip(",") for word in line.split() if word.startswith("http://"))
        wait_until(lambda: _status(url, "/healthz") == 200 or None, 60)
        yield url
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _status(url: str, path: str, **headers: str) -> int | None:
    """What a server answers to a GET, redirects not followed; None when nobody does."""
    line = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        line.request("GET", path, headers=headers)
        return line.getresponse().status
    except OSError:
        return None
    finally:
        line.close()


def test_no_private_server_is_started_beside_ones_own_redis(service: Running) -> None:
    assert embedded.running(service.directory) is None


def test_a_trainer_with_only_the_redis_address_is_stored(
    service: Running, own_redis: StreamServer, tmp_path: Path
) -> None:
    program = (
        "import runcast; r = runcast.init(project='split', id='one'); [r.log({'x': n}) for n in range(50)]; r.finish()"
    )
    done = python(program, RUNCAST_DIR=str(tmp_path), RUNCAST_URL=own_redis.tcp_url)
    assert done.returncode == 0
    assert "Synced" in done.stderr
    assert [row["x"] for row in rows_of(service.api, "split", "one")] == list(range(50))
    assert list((tmp_path / "journals").iterdir()) == []


def test_the_api_is_closed_without_the_token(service: Running) -> None:
    for path in ("/api/v1/projects", "/readyz", "/metrics", "/api/v1/openapi.json"):
        assert _status(service.api.url, path) == 401
    with pytest.raises(Refused, match="RUNCAST_TOKEN"):
        Service(service.api.url, "another").projects()
    assert _status(service.api.url, "/healthz") == 200


def test_commands_reach_it_from_another_directory_with_the_token(service: Running, tmp_path: Path) -> None:
    given = {"RUNCAST_DIR": str(tmp_path), "RUNCAST_SERVER": service.api.url}
    refused = runcast("ls", **given)
    assert refused.returncode == 1
    assert "token" in refused.stderr
    assert runcast("ls", RUNCAST_TOKEN=TOKEN, **given).returncode == 0


def test_the_dashboard_asks_for_the_token_and_then_shows_its_pages(dashboard: str) -> None:
    assert _status(dashboard, "/", Accept="text/html") == 303
    line = http.client.HTTPConnection(urlsplit(dashboard).netloc, timeout=10)
    try:
        line.request(
            "POST",
            "/signin?next=%2F",
            urlencode({"token": TOKEN}),
            {"Content-Type": "application/x-www-form-urlencoded", "Origin": dashboard},
        )
        answer = line.getresponse()
        answer.read()
        assert answer.status == 303
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
    finally:
        line.close()
    request = urllib.request.Request(dashboard, headers={"Cookie": cookie})
    with urllib.request.urlopen(request, timeout=10) as page:
        assert page.status == 200
        assert b"<html" in page.read()


def test_a_redis_that_evicts_is_refused_and_why(tmp_path: Path, own_redis: StreamServer) -> None:
    with redis.Redis.from_url(own_redis.url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            done = runcast(
                "up", "--port", "0", "--no-dashboard", RUNCAST_DIR=str(tmp_path), RUNCAST_URL=own_redis.tcp_url
            )
        finally:
            client.config_set("maxmemory-policy", "noeviction")
    assert done.returncode == 1
    assert "allkeys-lru" in done.stderr
    assert "noeviction" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_redis_that_is_not_there_is_waited_for_and_named_without_its_password(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "runcast.cli", "up", "--port", "0", "--no-dashboard"],
        env=environment(RUNCAST_DIR=str(tmp_path), RUNCAST_URL="redis://:secret@127.0.0.1:1/0"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        found = wait_until(lambda: discovery.read(tmp_path), 60)
        assert _status(found.url, "/healthz") == 200
        assert _status(found.url, "/readyz") == 503
    finally:
        process.terminate()
        said, _ = process.communicate(timeout=30)
    assert "127.0.0.1:1" in said
    assert "secret" not in said


def test_a_redis_that_was_away_is_looked_at_when_it_is_back(tmp_path: Path) -> None:
    server = embedded.start(tmp_path / "redis")
    embedded.stop(tmp_path / "redis")
    log = tmp_path / "log"
    with log.open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "runcast.cli", "up", "--port", "0", "--no-dashboard"],
            env=environment(RUNCAST_DIR=str(tmp_path / "service"), RUNCAST_URL=server.tcp_url),
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        back = None
        try:
            wait_until(lambda: discovery.read(tmp_path / "service"), 60)
            options = f"--port {server.port} --maxmemory 64mb --maxmemory-policy allkeys-lru --save".split()
            back = subprocess.Popen(
                [find_server(), *options, "", "--requirepass", server.password, "--dir", str(tmp_path)],
                stdout=subprocess.DEVNULL,
            )
            wait_until(lambda: "allkeys-lru" in log.read_text() or None, 60)
            assert process.poll() is None
        finally:
            process.terminate()
            process.wait(30)
            if back is not None:
                back.terminate()
                back.wait(30)
