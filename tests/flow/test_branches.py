"""Runs that begin anew, go back or branch off: the new one is whole, and nothing of the old one is gone."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest
from msgspec import structs
from tests.flow.running import Running, environment, python, rows_of, state_of, up, wait_until
from tests.flow.stored import BEGIN, Publisher, block

import runcast
from runcast.events import FRESH, JOIN, Finish, Start
from runcast.service import Refused
from runcast.subscription import CaughtUp, Row, RunUpdate
from runcast_ingest.store import Store


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with up(tmp_path_factory.mktemp("branches")) as running:
        yield running


LOG = """
import runcast
run = runcast.init(project="p", {init})
for step in range({first}, {end}):
    run.log({{"loss": {factor} * step}}, step=step)
run.finish()
"""


def train(service: Running, init: str, first: int, end: int, factor: int = 1, **environ: str) -> None:
    """Log `factor * step` for each step, to the end."""
    program = LOG.format(init=init, first=first, end=end, factor=factor)
    done = python(program, RUNCAST_DIR=str(service.directory), **environ)
    assert done.returncode == 0, done.stderr


def losses(service: Running, run: str) -> list[tuple[int, float]]:
    return [(int(row["_step"]), float(row["loss"])) for row in rows_of(service.api, "p", run)]  # type: ignore[arg-type, call-overload]


def curve(service: Running, run: str) -> list[tuple[int, float]]:
    found = service.api.get(f"/api/v1/projects/p/runs/{run}/series", key="loss", points=10_000)
    return list(zip(found["steps"], found["values"], strict=True))


def live(service: Running, run: str) -> list[tuple[int, float]]:
    """What a watcher is given of a run that is over."""

    async def watch() -> list[tuple[int, float]]:
        found: list[tuple[int, float]] = []
        async with asyncio.timeout(30), aclosing(runcast.subscribe("p", run, url=service.api.url)) as updates:
            async for update in updates:
                if isinstance(update, CaughtUp):
                    break
                if isinstance(update, Row):
                    found.append((update.step, update.values["loss"]))
        return sorted(found)

    return asyncio.run(watch())


def straight(first: int, end: int, factor: int = 1) -> list[tuple[int, float]]:
    return [(step, float(factor * step)) for step in range(first, end)]


def test_a_run_whose_id_is_used_again_is_set_aside_and_can_be_read(service: Running) -> None:
    train(service, "id='again', config={'turn': 1}", 0, 30)
    train(service, "id='again', config={'turn': 2}", 0, 10, factor=2)
    train(service, "id='again', config={'turn': 3}", 0, 5, factor=3)
    assert losses(service, "again") == curve(service, "again") == straight(0, 5, factor=3)
    assert losses(service, "again~1") == curve(service, "again~1") == straight(0, 30)
    assert losses(service, "again~2") == straight(0, 10, factor=2)
    run, first = service.api.run("p", "again"), service.api.run("p", "again~1")
    assert (run["config"], run["steps"], run["rows"], run["aside"]) == ({"turn": 3}, 5, 5, False)
    assert (first["config"], first["state"], first["aside"]) == ({"turn": 1}, "finished", True)
    assert [each["id"] for each in service.api.runs("p") if str(each["id"]).startswith("again")] == ["again"]
    assert live(service, "again") == straight(0, 5, factor=3)
    assert live(service, "again~1") == straight(0, 30)


def test_a_run_that_is_resumed_goes_on(service: Running) -> None:
    train(service, "id='on'", 0, 10)
    train(service, "id='on', resume='allow'", 10, 20)
    assert losses(service, "on") == straight(0, 20)
    with pytest.raises(Refused):
        service.api.run("p", "on~1")


def test_a_run_goes_back_to_a_step_and_its_old_end_stays_readable(service: Running) -> None:
    train(service, "id='back', config={'lr': 1}", 0, 5000)
    train(service, "resume_from='back?_step=2999'", 3000, 3100, factor=-1)
    expected = straight(0, 3000) + straight(3000, 3100, factor=-1)
    assert losses(service, "back") == expected
    assert curve(service, "back") == expected
    assert live(service, "back") == expected
    assert losses(service, "back~1") == straight(0, 5000)
    run = service.api.run("p", "back")
    assert run["base"] == {"run": "back~1", "step": 2999}
    assert (run["config"], run["steps"], run["summary"]["loss"]) == ({"lr": 1}, 3100, -3099)
    band = service.api.get("/api/v1/projects/p/runs/back/series", key="loss", points=100)
    assert (band["steps"][0], band["total"]) == (0, 3100)


def test_a_branch_of_a_branch_has_all_that_led_to_it(service: Running) -> None:
    train(service, "id='root'", 0, 100)
    train(service, "id='stem', fork_from='root?_step=49'", 50, 80, factor=2)
    train(service, "id='leaf', fork_from='stem?_step=59'", 60, 70, factor=3)
    assert losses(service, "leaf") == straight(0, 50) + straight(50, 60, factor=2) + straight(60, 70, factor=3)
    # What becomes of the id of a base is nothing to its branches.
    train(service, "id='root'", 0, 3, factor=9)
    assert losses(service, "stem") == straight(0, 50) + straight(50, 80, factor=2)
    assert losses(service, "leaf")[40:60] == straight(40, 50) + straight(50, 60, factor=2)


def test_the_rows_of_a_process_that_was_killed_go_to_the_run_that_it_began(service: Running, tmp_path: Path) -> None:
    """Its journal is drained when a later run has the id already."""
    away = tmp_path / "away"
    killed = python(
        """
import os, signal, runcast
run = runcast.init(project="p", id="late")
for step in range(40):
    run.log({"loss": step}, step=step)
os.kill(os.getpid(), signal.SIGKILL)
""",
        RUNCAST_DIR=str(away),
    )
    assert killed.returncode == -signal.SIGKILL
    train(service, "id='late'", 0, 5, factor=2)
    sent = service.runcast("sync", str(away))
    assert sent.returncode == 0, sent.stderr
    assert losses(service, "late") == straight(0, 5, factor=2)
    wait_until(lambda: True if state_of(service.api, "p", "late~1") else None)
    assert losses(service, "late~1") == straight(0, 40)


def test_a_run_that_was_killed_a_moment_ago_is_set_aside_too(service: Running) -> None:
    """Its silence is too short to say anything, but here its journal has no owner any more."""
    killed = python(
        """
import os, signal, time, runcast
run = runcast.init(project="p", id="killed")
for step in range(40):
    run.log({"loss": step}, step=step)
while run._writer.waiting:
    time.sleep(0.01)
os.kill(os.getpid(), signal.SIGKILL)
""",
        RUNCAST_DIR=str(service.directory),
    )
    assert killed.returncode == -signal.SIGKILL
    train(service, "id='killed'", 0, 5, factor=2)
    assert losses(service, "killed") == straight(0, 5, factor=2)
    assert losses(service, "killed~1") == straight(0, 40)
    assert [state_of(service.api, "p", run) for run in ("killed", "killed~1")] == ["finished", "crashed"]


def test_a_run_that_goes_on_when_it_was_set_aside_ends_by_itself(service: Running) -> None:
    """Somebody went back in it from elsewhere, and it was told to stop: nothing of that is the new run's."""
    with subprocess.Popen(
        [
            sys.executable,
            "-c",
            """
import time, runcast
run = runcast.init(project="p", id="split")
step = 0
try:
    while True:
        run.log({"loss": step}, step=step)
        step += 1
        time.sleep(0.05)
except KeyboardInterrupt:
    run.finish(exit_code=3)
""",
        ],
        env=environment(RUNCAST_DIR=str(service.directory)),
        stderr=subprocess.DEVNULL,
    ) as old:
        try:
            wait_until(lambda: state_of(service.api, "p", "split"))
            wait_until(lambda: True if len(rows_of(service.api, "p", "split")) > 9 else None)
            train(service, "resume_from='split?_step=3'", 4, 8, factor=-1)
            assert losses(service, "split") == straight(0, 4) + straight(4, 8, factor=-1)
            assert [state_of(service.api, "p", run) for run in ("split", "split~1")] == ["finished", "running"]
            service.api.post("/api/v1/projects/p/runs/split~1/stop")
            assert old.wait(60) == 0
        finally:
            old.kill()
    assert [state_of(service.api, "p", run) for run in ("split", "split~1")] == ["finished", "failed"]
    assert len(losses(service, "split~1")) > 9


def test_two_at_once_with_one_id_are_writers_of_one_run(service: Running) -> None:
    done = python(
        """
import subprocess, sys, runcast
run = runcast.init(project="p", id="both")
run.log({"loss": 1.0}, step=1)
other = "import runcast; run = runcast.init(project='p', id='both'); run.log({'loss': 2.0}, step=2); run.finish()"
assert subprocess.run([sys.executable, "-c", other]).returncode == 0
run.finish()
""",
        RUNCAST_DIR=str(service.directory),
    )
    assert done.returncode == 0, done.stderr
    assert losses(service, "both") == [(1, 1.0), (2, 2.0)]


def test_a_service_that_is_killed_sets_nothing_aside_twice(tmp_path: Path) -> None:
    with up(tmp_path) as service:
        train(service, "id='x'", 0, 50)
        train(service, "id='x'", 0, 20, factor=2)
        os.kill(service.process.pid, signal.SIGKILL)
        service.process.wait()
    with up(tmp_path) as service:
        train(service, "resume_from='x?_step=9'", 10, 15, factor=3)
        assert losses(service, "x") == straight(0, 10, factor=2) + straight(10, 15, factor=3)
        assert [losses(service, f"x~{number}") for number in (1, 2)] == [straight(0, 50), straight(0, 20, factor=2)]
        with pytest.raises(Refused):
            service.api.run("p", "x~3")
        checked = service.runcast("doctor")
        assert checked.returncode == 0, checked.stdout


def test_a_watcher_sees_the_new_run_begin(service: Running) -> None:
    train(service, "id='seen', name='first'", 0, 30)

    async def watch() -> list[tuple[int, float]]:
        found: list[tuple[int, float]] = []
        training: asyncio.Future[None] | None = None
        async with asyncio.timeout(60), aclosing(runcast.subscribe("p", "seen", url=service.api.url)) as updates:
            async for update in updates:
                if isinstance(update, CaughtUp):
                    assert found == straight(0, 30)
                    found.clear()
                    training = asyncio.ensure_future(
                        asyncio.to_thread(train, service, "id='seen', name='second'", 0, 5, factor=2)
                    )
                if isinstance(update, Row):
                    found.append((update.step, update.values["loss"]))
                if training is not None and isinstance(update, RunUpdate):
                    name, state = update.name, update.state
                    if (name, state) == ("second", "finished") and len(found) >= 5:
                        await training
                        return found
        raise AssertionError(found)

    assert asyncio.run(watch()) == straight(0, 5, factor=2)


@asynccontextmanager
async def stored(path: Path) -> AsyncIterator[Store]:
    async with Store.open(path) as store:
        await store.lease(owner="test")
        yield store


def beginning(at: int, begin: str = JOIN) -> Start:
    return Start(BEGIN + at, "r", {}, begin=begin, beginning=BEGIN + at)


async def test_a_child_that_is_heard_before_its_parent_writes_to_the_same_run(tmp_path: Path) -> None:
    async with stored(tmp_path / "runcast.db") as store:
        child, parent = Publisher(store, writer="c" * 16), Publisher(store, writer="d" * 16)
        await child.commit(structs.replace(beginning(5), time=BEGIN + 9), block({"a": [1.0]}, steps=[1]))
        await child.commit(Finish(BEGIN + 10, 0))
        await parent.commit(beginning(5, FRESH), block({"a": [0.0]}, steps=[0]))
        run = await store.run("p", "r")
        assert run is not None
        assert [writer.id[0] for writer in run.writers] == ["c", "d"]
        assert await store.run("p", "r~1") is None


async def test_two_at_once_are_writers_of_one_run_whoever_is_heard_first(tmp_path: Path) -> None:
    """Both live, so neither waited in a journal for long; their first words overtook each other."""
    async with stored(tmp_path / "runcast.db") as store:
        second, first, old = (Publisher(store, writer=letter * 16) for letter in "cde")
        await second.commit(beginning(10**7, FRESH), block({"a": [1.0]}, steps=[1]))
        await first.commit(beginning(0, FRESH), block({"a": [0.0]}, steps=[0]))
        run = await store.run("p", "r")
        assert run is not None
        assert [writer.id[0] for writer in run.writers] == ["c", "d"]
        assert await store.run("p", "r~1") is None
        await old.commit(beginning(-(10**11), FRESH), block({"a": [7.0]}, steps=[0]))
        aside = await store.run("p", "r~1")
        assert aside is not None
        assert [writer.id[0] for writer in aside.writers] == ["e"]


async def test_a_run_that_waited_while_a_later_one_began_is_set_aside_with_its_children(tmp_path: Path) -> None:
    async with stored(tmp_path / "runcast.db") as store:
        later, earlier, child = (Publisher(store, writer=letter * 16) for letter in "def")
        replaced = [
            *(await later.commit(beginning(9, FRESH), block({"a": [9.0]}, steps=[0]), Finish(BEGIN + 10, 0))).replaced,
            *(await earlier.commit(beginning(5, FRESH), block({"a": [5.0]}, steps=[0]))).replaced,
            *(await child.commit(beginning(5), block({"b": [6.0]}, steps=[0]))).replaced,
        ]
        assert replaced == []
        kept, aside = await store.run("p", "r"), await store.run("p", "r~1")
        assert kept is not None
        assert aside is not None
        assert (kept.summary, aside.summary) == ({"a": 9.0}, {"a": 5.0, "b": 6.0})
        assert [run.id for run in (await store.runs("p"))[0]] == ["r"]


async def test_ranks_that_each_begin_their_run_anew_begin_one(tmp_path: Path) -> None:
    """Whichever is heard first, also when that one has ended already; and so do their children."""

    def rank(number: int, at: int, begin: str = FRESH) -> Start:
        return structs.replace(beginning(at, begin), label=f"rank{number}")

    async with stored(tmp_path / "runcast.db") as store:
        ranks = [Publisher(store, writer=letter * 16) for letter in "abcd"]
        await ranks[0].commit(rank(0, 9), block({"a": [1.0]}, steps=[0]), Finish(BEGIN + 10, 0))
        for number, at in ((1, 5), (2, 20)):
            await ranks[number].commit(rank(number, at), block({"a": [1.0]}, steps=[0]))
        child = structs.replace(beginning(5), time=BEGIN + 30, label="fork-1")
        await ranks[3].commit(child, block({"a": [2.0]}, steps=[1]))
        run = await store.run("p", "r")
        assert run is not None
        assert [writer.label for writer in run.writers] == ["rank0", "rank1", "rank2", "fork-1"]
        # The next job meets at the same address, when the first is over.
        for number in (1, 2, 3):
            await ranks[number].commit(Finish(BEGIN + 40, 0))
        for number, letter in ((2, "e"), (0, "f")):
            await Publisher(store, writer=letter * 16).commit(rank(number, 50 + number))
        run, before = await store.run("p", "r"), await store.run("p", "r~1")
        assert run is not None
        assert before is not None
        assert [writer.label for writer in run.writers] == ["rank2", "rank0"]
        assert len(before.writers) == 4
