"""The service as a process: it ends in order, it does not outlive its parts, and it forgets nothing in between."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import aclosing, closing
from pathlib import Path

import pytest
from tests.flow.running import environment, up, wait_until

import runcast
from runcast import discovery
from runcast.errors import StoreUnavailable, UsageError
from runcast.subscription import Row
from runcast_ingest.lock import lock
from runcast_ingest.service import serve
from runcast_ingest.settings import Settings
from runcast_ingest.store import Store

SECONDS_MAX = 30.0
TRAINING = """
import sys, time
import runcast as wandb
wandb.init(project="p", id="r")
for step in range(int(sys.argv[1])):
    wandb.log({"loss": step})
    time.sleep(float(sys.argv[2]))
wandb.finish()
"""


def training(directory: Path, rows: int, pause: float) -> subprocess.Popen[str]:
    """Start a training that logs its steps."""
    return subprocess.Popen(
        [sys.executable, "-c", TRAINING, str(rows), str(pause)],
        env=environment(RUNCAST_DIR=str(directory)),
        stderr=subprocess.PIPE,
        text=True,
    )


async def test_a_subscriber_sees_a_run_whole_although_the_service_was_killed_and_came_back(tmp_path: Path) -> None:
    async def follow(directory: Path, monkey: pytest.MonkeyPatch) -> list[int]:
        monkey.setenv("RUNCAST_DIR", str(directory))
        steps = []
        async with asyncio.timeout(SECONDS_MAX), aclosing(runcast.subscribe("p")) as updates:
            async for update in updates:
                if isinstance(update, Row):
                    steps.append(update.step)
                    if len(steps) == 100:
                        half.set()
                    if len(steps) == 400:
                        break
        return steps

    half = asyncio.Event()
    with pytest.MonkeyPatch.context() as monkey:
        with up(tmp_path) as running:
            following = asyncio.create_task(follow(tmp_path, monkey))
            trainer = training(tmp_path, 400, 0.01)
            async with asyncio.timeout(SECONDS_MAX):
                await half.wait()
            running.process.send_signal(signal.SIGKILL)
            await asyncio.to_thread(running.process.wait)
        ready = asyncio.Event()
        async with asyncio.timeout(SECONDS_MAX):

            def serve_again() -> list[int]:
                with up(tmp_path):
                    loop.call_soon_threadsafe(ready.set)
                    return asyncio.run_coroutine_threadsafe(asyncio.wait_for(following, SECONDS_MAX), loop).result()

            loop = asyncio.get_running_loop()
            steps = await asyncio.to_thread(serve_again)
    assert sorted(steps) == list(range(400))
    await asyncio.to_thread(trainer.communicate)
    assert trainer.returncode == 0


def test_sigterm_stores_what_was_taken_and_ends_with_status_0(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        trainer = training(tmp_path, 100_000, 0.0)
        wait_until(lambda: any(project["runs"] for project in running.api.projects()) or None)
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(SECONDS_MAX) == 0
        assert discovery.read(tmp_path) is None
        assert not (tmp_path / discovery.FILE).exists()
        trainer.kill()
        trainer.communicate()
    with up(tmp_path) as running:
        run = wait_until(lambda: running.api.run("p", "r"))
        assert run["rows"] > 0


async def test_the_death_of_one_part_is_the_death_of_all(
    tmp_path: Path, redis_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(_: Store) -> None:
        await asyncio.sleep(0.2)
        raise RuntimeError("no more")

    monkeypatch.setattr(Store, "compact", die)
    with socket.create_server(("127.0.0.1", 0)) as line, pytest.raises(ExceptionGroup) as ended:
        async with asyncio.timeout(SECONDS_MAX):
            await serve(Settings(directory=tmp_path, redis_url=redis_server), line)
    assert ended.group_contains(RuntimeError, match="no more")
    assert not (tmp_path / discovery.FILE).exists()


async def test_a_database_of_a_newer_version_is_not_touched(tmp_path: Path, redis_server: str) -> None:
    async with Store.open(tmp_path / "runcast.db"):
        pass
    with closing(sqlite3.connect(tmp_path / "runcast.db")) as database:
        database.execute("PRAGMA user_version = 999")
    before = (tmp_path / "runcast.db").read_bytes()
    with socket.create_server(("127.0.0.1", 0)) as line, pytest.raises(StoreUnavailable, match="999"):
        await serve(Settings(directory=tmp_path, redis_url=redis_server), line)
    assert (tmp_path / "runcast.db").read_bytes() == before


def test_the_second_service_of_a_directory_is_told_who_has_it(tmp_path: Path) -> None:
    with lock(tmp_path), pytest.raises(UsageError, match=rf"process {os.getpid()}.*runcast down"), lock(tmp_path):
        pass
    with lock(tmp_path):
        pass


def test_python_m_runcast_ingest_serves_without_a_command_line(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "runcast_ingest"],
        env=environment(RUNCAST_DIR=str(tmp_path), RUNCAST_PORT="0"),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("runcast: serving at http://127.0.0.1:")
        described = json.loads((tmp_path / "server.json").read_text())
        assert described["pid"] == process.pid
        assert (tmp_path / "server.json").stat().st_mode & 0o777 == 0o600
    finally:
        process.terminate()
        process.communicate(timeout=SECONDS_MAX)
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"RUNCAST_HOST": "0.0.0.0"}, "RUNCAST_TOKEN"),
        ({"RUNCAST_PORT": "70000"}, "70000"),
        ({"RUNCAST_PORT": "http"}, "'http'"),
        ({"RUNCAST_URL": "mysql://x"}, "mysql://x"),
        ({"RUNCAST_WEBHOOK": "ftp://host/secret"}, "begins with https://"),
        ({"RUNCAST_WEBHOOK": "https:///secret"}, "names a host"),
        ({"RUNCAST_WEBHOOK": "https://host/se cret"}, "a space or another character"),
        ({"RUNCAST_WEBHOOK": "https://host/se\ncret"}, "a space or another character"),
        ({"RUNCAST_WEBHOOK": "https://host/\u00e9secret"}, "a space or another character"),
        ({"RUNCAST_WEBHOOK": "https://host:secret/"}, "a port that is none"),
        ({"RUNCAST_WEBHOOK": "https://host:0/secret"}, "a port that is none"),
        ({"RUNCAST_WEBHOOK": "https://host:70000/secret"}, "a port that is none"),
        ({"RUNCAST_WEBHOOK": "https://[::1/secret"}, "a host that is none"),
        ({"RUNCAST_WEBHOOK": "https://a..b/secret"}, "a host that is none"),
        ({"RUNCAST_WEBHOOK": "https://me:secret@host/"}, "after its `\\?`, or put a proxy"),
        ({"RUNCAST_WEBHOOK": "https://secret@host/"}, "after its `\\?`, or put a proxy"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_with_its_name(environ: dict[str, str], named: str) -> None:
    with pytest.raises(UsageError, match=named) as refused:
        Settings.from_env(environ)
    assert "secret" not in str(refused.value).replace("receiver's secret", "")
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_a_webhook_is_an_address_as_its_receiver_gives_it() -> None:
    for url in ("https://hooks.slack.com/services/T/B/x?a=b", "http://[::1]:9000", "http://localhost:9000/a%20b"):
        assert Settings.from_env({"RUNCAST_WEBHOOK": f" {url}\n"}).webhook == url


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.8.8"])
def test_this_machine_alone_needs_no_token(host: str) -> None:
    assert Settings.from_env({"RUNCAST_HOST": host}).is_local


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", "127.0.0.1.example.org"])
def test_any_other_address_needs_one(host: str) -> None:
    with pytest.raises(UsageError):
        Settings.from_env({"RUNCAST_HOST": host})
    assert not Settings.from_env({"RUNCAST_HOST": host, "RUNCAST_TOKEN": "t"}).is_local
