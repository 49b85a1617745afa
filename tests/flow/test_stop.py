"""A training that somebody asked to stop ends as by Ctrl-C, on every rank, and what comes after it goes on."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest
import redis
from tests.flow.running import Running, environment, state_of, up, wait_until

import runcast
from runcast import discovery
from runcast.service import Refused, run_path
from runcast.streams import ACK_STOP, ack_key, shard_of
from runcast.subscription import CaughtUp, RunUpdate

# It says when it is ready to be stopped, and what became of it; a killed sleep would be one of a minute.
HEAD = """
import signal, sys, time
import runcast as wandb
def ready(run):
    wandb.log({"loss": 1})
    while run._writer.waiting:
        time.sleep(0.01)
    print("ready", flush=True)
"""
SLEEPER = """
run = wandb.init(project="p", id=sys.argv[1])
ready(run)
try:
    time.sleep(60)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.stdin.readline()
    wandb.finish()
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with up(tmp_path_factory.mktemp("stop")) as running:
        yield running


@pytest.fixture
def train(service: Running) -> Iterator[Trainer]:
    trainer = Trainer(service)
    yield trainer
    for process in trainer.processes:
        process.kill()
        process.communicate()


class Trainer:
    """Starts programs against the service, and ends those that a failed test leaves."""

    def __init__(self, service: Running) -> None:
        self._service = service
        self.processes: list[subprocess.Popen[str]] = []

    def __call__(self, body: str, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", HEAD + body, *arguments],
            env=environment(RUNCAST_DIR=str(self._service.directory), **environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process


def hears(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == f"{word}\n", process.stderr and process.stderr.read()


def ends(process: subprocess.Popen[str], said: str = "") -> str:
    out, errors = process.communicate(said, timeout=60)
    assert process.returncode == 0, errors
    return out + errors


def stop(service: Running, run: str) -> int:
    return int(service.api.post(f"{run_path('p', run)}/stop")["writers"])


def test_a_sleeping_training_is_interrupted_within_two_seconds_and_is_stopping_until_it_ends(
    service: Running, train: Trainer
) -> None:
    process = train(SLEEPER, "sleeper")
    hears(process, "ready")
    assert not service.api.run("p", "sleeper")["stopping"]
    asked = time.monotonic()
    assert stop(service, "sleeper") == 1
    hears(process, "interrupted")
    took = time.monotonic() - asked
    found = service.api.run("p", "sleeper")
    assert (found["state"], found["stopping"]) == ("running", True)
    [listed] = [run for run in service.api.runs("p") if run["id"] == "sleeper"]
    assert listed["stopping"]
    assert "asked to stop" in ends(process, "\n")
    assert took < 10, "a machine that is busy may take longer than the two seconds of one that is not"
    found = service.api.run("p", "sleeper")
    assert (found["state"], found["stopping"]) == ("finished", False)


def test_a_training_that_does_nothing_about_it_ends_as_by_ctrl_c_and_the_command_says_so(
    service: Running, train: Trainer
) -> None:
    process = train("ready(wandb.init(project='p', id='plain', name='a name'))\nwhile True: wandb.log({'a': 1})")
    hears(process, "ready")
    done = service.runcast("stop", "p/a name")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "asked p/a name to stop\nit has failed\n"
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    assert service.api.run("p", "plain")["exit_code"] == 255


async def test_every_rank_hears_it_and_whoever_watches(service: Running, train: Trainer) -> None:
    ranks = [train(SLEEPER, "ranks", RANK=str(rank), WORLD_SIZE="3") for rank in range(3)]
    for rank in ranks:
        hears(rank, "ready")
    seen: list[tuple[str, bool]] = []
    async with asyncio.timeout(60), aclosing(runcast.subscribe("p", "ranks", url=service.api.url)) as updates:
        async for update in updates:
            if isinstance(update, CaughtUp):
                assert await asyncio.to_thread(stop, service, "ranks") == 3
            elif isinstance(update, RunUpdate):
                seen.append((update.state, update.stopping))
                if seen[-2:] == [("running", False), ("running", True)]:
                    for rank in ranks:
                        await asyncio.to_thread(hears, rank, "interrupted")
                    async with aclosing(runcast.subscribe("p", "ranks", url=service.api.url)) as later:
                        # Who comes later is told the same.
                        first = await anext(later)
                        assert isinstance(first, RunUpdate)
                        assert first.stopping
                    for rank in ranks:
                        await asyncio.to_thread(ends, rank, "\n")
                if seen[-1][0] != "running":
                    break
    assert seen[-1] == ("finished", False)


def test_a_run_that_was_resumed_is_not_stopped_again(service: Running, train: Trainer) -> None:
    first = train(SLEEPER, "again")
    hears(first, "ready")
    stop(service, "again")
    hears(first, "interrupted")
    # While the first still tidies up, and after it.
    second = train("ready(wandb.init(project='p', id='again', mode='shared'))\nsys.stdin.readline()")
    hears(second, "ready")
    ends(first, "\n")
    wait_until(lambda: None if service.api.run("p", "again")["stopping"] else True)
    third = train("ready(run := wandb.init(project='p', id='again', resume='must'))\nsys.stdin.readline()")
    hears(third, "ready")
    for process in (second, third):
        ends(process, "\n")
    assert not service.api.run("p", "again")["stopping"]


@pytest.mark.parametrize("settings", ["", "settings=wandb.Settings(stop=False)"])
def test_a_training_may_take_no_such_requests(settings: str, service: Running, train: Trainer) -> None:
    run = f"deaf{len(settings)}"
    body = f"ready(wandb.init(project='p', id={run!r}, {settings}))\nsys.stdin.readline(); print('whole')"
    process = train(body, **({} if settings else {"RUNCAST_STOP": "0"}))
    hears(process, "ready")
    assert stop(service, run) == 1
    [writer] = service.api.run("p", run)["writers"]
    # It was said where the training would look, and a row's way there and back has been made since.
    found = discovery.read(service.directory)
    assert found is not None
    wait_until(lambda: _said(found.redis, f"p/{run}", writer["id"]) or None)
    assert "whole" in ends(process, "wandb.log({'loss': 2})\n")
    assert state_of(service.api, "p", run) == "finished"


def test_what_a_shell_started_in_the_background_hears_it_too(service: Running, train: Trainer) -> None:
    """There SIGINT is ignored from the start, and Python leaves it so."""
    body = """
signal.signal(signal.SIGINT, signal.SIG_IGN)
ready(wandb.init(project="p", id="background"))
try:
    while True:
        time.sleep(0.01)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    process = train(body)
    hears(process, "ready")
    stop(service, "background")
    hears(process, "interrupted")
    ends(process)


def test_a_program_may_say_what_is_done_instead(service: Running, train: Trainer) -> None:
    """As `stop_fn` of W&B's settings: called once for each time that somebody asks."""
    body = """
calls = []
ready(wandb.init(project="p", id="own", settings=wandb.Settings(stop_fn=lambda: calls.append(1))))
for count in (1, 2):
    while len(calls) < count:
        time.sleep(0.01)
    print("called", flush=True)
wandb.finish()
"""
    process = train(body)
    hears(process, "ready")
    for _ in range(2):
        stop(service, "own")
        hears(process, "called")
    ends(process)


def test_what_does_not_run_cannot_be_stopped_nor_by_a_page_from_elsewhere(service: Running, train: Trainer) -> None:
    ends(train("wandb.init(project='p', id='over').finish()"))
    with pytest.raises(Refused, match="does not run: it is finished") as refused:
        stop(service, "over")
    assert refused.value.status == 409
    done = service.runcast("stop", "p/over")
    assert (done.returncode, done.stderr) == (1, "runcast: run 'over' does not run: it is finished\n")
    with pytest.raises(Refused, match="no run 'none'") as refused:
        stop(service, "none")
    assert refused.value.status == 404
    foreign = urllib.request.Request(
        service.api.url + run_path("p", "over") + "/stop", method="POST", headers={"Origin": "https://evil.example"}
    )
    with pytest.raises(urllib.error.HTTPError) as forbidden:
        urllib.request.urlopen(foreign, timeout=10)
    assert forbidden.value.code == 403
    forbidden.value.close()


def test_a_request_outlasts_the_service(tmp_path: Path, redis_server: str) -> None:
    """The word stands where trainers look, whoever serves by then."""
    with up(tmp_path, RUNCAST_URL=redis_server) as running:
        trainer = Trainer(running)
        process = trainer(SLEEPER, "outlasting", RUNCAST_URL=redis_server)
        hears(process, "ready")
        process.send_signal(signal.SIGSTOP)
        stop(running, "outlasting")
        [writer] = running.api.run("p", "outlasting")["writers"]
        wait_until(lambda: _said(redis_server, "p/outlasting", writer["id"]) or None)
        running.process.kill()
        running.process.wait()
    process.send_signal(signal.SIGCONT)
    hears(process, "interrupted")
    process.kill()
    process.communicate()


def _said(url: str, path: str, writer: str) -> bool:
    with redis.Redis.from_url(url) as client:
        return client.hget(ack_key(shard_of(path)), ACK_STOP + writer) is not None
