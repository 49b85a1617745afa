"""`runcast replay`: the same rows again, in the same order, in their own time, for whoever watches."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import redis
from tests.flow.running import Running, environment, python, state_of, up, wait_until

import runcast
from runcast.cli.replay import renamed
from runcast.errors import UsageError
from runcast.names import check_name
from runcast.replay import ROWS_MAX, Recording, Start, as_logged, check_speed, play
from runcast.streams import SHARDS, stream_key
from runcast.subscription import CaughtUp, Row, RunUpdate

TRAINING = """
import sys, time, runcast
run = runcast.init(project="p", id=sys.argv[1], name="the run", config={"lr": 0.1})
for step in range(40):
    run.log({"loss": 1 / (step + 1), "nan": float("nan") if step == 7 else step}, step=step if step != 20 else 3)
    run.log({"late": step}, step=step) if step % 10 == 0 else None
    time.sleep(0.02)
run.finish()
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with up(tmp_path_factory.mktemp("replay")) as running:
        yield running


def train(service: Running, run: str, program: str = TRAINING) -> None:
    done = python(program, run, RUNCAST_DIR=str(service.directory))
    assert done.returncode == 0, done.stderr


def seen(service: Running, run: str) -> list[Row]:
    """Every row of a run, as it was logged."""

    async def read() -> list[Row]:
        found: list[Row] = []
        async with asyncio.timeout(60), aclosing(runcast.subscribe("p", run, url=service.api.url)) as updates:
            async for update in updates:
                if isinstance(update, CaughtUp):
                    break
                if isinstance(update, Row):
                    found.append(update)
        return sorted(found, key=lambda row: row.time)

    return asyncio.run(read())


def replays(service: Running, of: str) -> list[dict[str, Any]]:
    return [dict(run) for run in service.api.runs("p") if run["config"].get("replay_of") == of]


def said(row: Row) -> tuple[int, str, str]:
    return row.step, row.label, repr(row.values)  # NaN is not equal to itself.


def test_a_replay_is_a_new_run_with_the_same_rows_in_the_same_order_and_time(service: Running) -> None:
    train(service, "once")
    begun = time.monotonic()
    done = service.runcast("replay", "p/once", "--speed", "2")
    took = time.monotonic() - begun
    assert done.returncode == 0, done.stderr
    assert "44 rows replayed; late by" in done.stdout
    (run,) = replays(service, "once")
    assert (run["name"], run["state"], run["config"]["lr"]) == ("the run (replay)", "finished", 0.1)
    first, again = seen(service, "once"), seen(service, str(run["id"]))
    assert [said(row) for row in again] == [said(row) for row in first]
    length, half = first[-1].time - first[0].time, again[-1].time - again[0].time
    assert half >= 0.9 * length / 2  # Never sooner; how much later is the machine's affair.
    assert took >= half


def test_every_process_of_a_run_has_its_label_again(service: Running) -> None:
    train(
        service,
        "ranks",
        """
import subprocess, sys, runcast
run = runcast.init(project="p", id="ranks", settings={"x_label": "rank0"})
other = '''
import runcast
run = runcast.init(project="p", id="ranks", mode="shared", settings={"x_label": "rank1"})
for step in range(5):
    run.log({"loss": 100.0 + step}, step=step)
run.finish()
'''
for step in range(5):
    run.log({"loss": float(step)}, step=step)
subprocess.run([sys.executable, "-c", other], check=True)
run.finish()
""",
    )
    assert service.runcast("replay", "p/ranks", "--speed", "600", "--as", "both again").returncode == 0
    (run,) = replays(service, "ranks")
    assert (run["name"], run["state"]) == ("both again", "finished")
    rows = seen(service, str(run["id"]))
    for label, first in (("rank0", 0.0), ("rank1", 100.0)):
        assert [row.values["loss"] for row in rows if row.label == label] == [first + step for step in range(5)]


def test_what_was_sampled_of_the_machine_is_replayed_with_it(service: Running) -> None:
    """It is a part of the run, on the same clock; whoever follows what is logged does not hear of it."""
    done = python(TRAINING, "sampled", RUNCAST_DIR=str(service.directory), RUNCAST_SYSTEM="1")
    assert done.returncode == 0, done.stderr
    done = service.runcast("replay", "p/sampled", "--speed", "4")
    assert done.returncode == 0, done.stderr
    (run,) = replays(service, "sampled")
    sampled = list(service.api.history("p", str(run["id"]), stream="system"))
    assert sampled
    assert not any(key.startswith("_system/") for row in seen(service, "sampled") for key in row.values)
    assert len(seen(service, str(run["id"]))) == len(seen(service, "sampled")) == 44
    partly = service.runcast("replay", "p/sampled", "--speed", "4", "--from", "38")
    assert partly.returncode == 0, partly.stderr


def test_a_replay_may_begin_at_a_step(service: Running) -> None:
    train(service, "part")
    assert service.runcast("replay", "p/part", "--speed", "1000", "--from", "35").returncode == 0
    (run,) = replays(service, "part")
    assert {row.step for row in seen(service, str(run["id"]))} == {35, 36, 37, 38, 39}


def test_a_replay_may_begin_at_a_time(service: Running) -> None:
    train(service, "late")
    rows = seen(service, "late")
    middle = (rows[-1].time - rows[0].time) / 2
    assert service.runcast("replay", "p/late", "--speed", "1000", "--from", f"{middle:.3f}s").returncode == 0
    (run,) = replays(service, "late")
    after = [row for row in rows if row.time - rows[0].time >= round(middle, 3)]
    assert [said(row) for row in seen(service, str(run["id"]))] == [said(row) for row in after]
    for given, words in (
        ("99:00", "there are no rows to replay 5940 s after its start"),
        ("soon", "--from is 'soon'; it is a"),
    ):
        done = service.runcast("replay", "p/late", "--from", given)
        assert done.returncode == 1
        assert words in done.stderr


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("0", Start()),
        ("2000", Start(step=2000)),
        ("90s", Start(seconds=90)),
        ("1:30", Start(seconds=90)),
        ("1:02:03.5", Start(seconds=3723.5)),
    ],
)
def test_where_a_replay_begins_is_read(text: str, start: Start) -> None:
    assert Start.parse(text) == start


def test_a_replay_is_what_was_seen_live(service: Running) -> None:
    """Whoever watched the training, and watches its replay, hears the same rows in the same order."""

    async def watched(begin: Callable[[], Any]) -> list[tuple[int, str, str]]:
        heard: list[tuple[int, str, str]] = []
        going = None
        async with (
            asyncio.timeout(90),
            aclosing(runcast.subscribe("live", url=service.api.url, from_now=True)) as updates,
        ):
            async for update in updates:
                if isinstance(update, CaughtUp):
                    going = asyncio.create_task(asyncio.to_thread(begin))
                elif isinstance(update, Row):
                    heard.append(said(update))
                elif update.state == "finished" and going is not None:
                    await going
                    return heard
        raise AssertionError("it did not end")

    program = TRAINING.replace('project="p"', 'project="live"')
    first = asyncio.run(watched(lambda: train(service, "seen", program)))
    assert len(first) == 44
    again = asyncio.run(watched(lambda: service.runcast("replay", "live/seen", "--speed", "1")))
    assert again == first


def test_a_replay_may_go_to_another_stream(service: Running, tmp_path: Path, redis_server: str) -> None:
    train(service, "away")
    done = service.runcast("replay", "p/away", "--speed", "1000", "--to", redis_server)
    assert "44 rows replayed" in done.stdout
    assert done.returncode == 1, "nobody stores what goes there"
    assert "not all of the replay has arrived" in done.stderr
    assert "runcast sync --url unix://****@" in done.stderr
    assert "runcast up" not in done.stderr
    client = redis.Redis.from_url(redis_server)
    assert sum(client.xlen(stream_key(shard)) for shard in range(SHARDS)) > 0


def test_a_replay_that_the_environment_would_switch_off_is_played_all_the_same(service: Running) -> None:
    train(service, "off")
    done = service.runcast("replay", "p/off", "--speed", "1000", WANDB_MODE="disabled")
    assert done.returncode == 0, done.stderr
    assert len(replays(service, "off")) == 1


def test_a_replay_is_a_run_of_its_own_whatever_the_environment_names(service: Running, tmp_path: Path) -> None:
    """It would write into another run, or take settings from a folder that it happens to be called in."""
    train(service, "named")
    (tmp_path / "config-defaults.yaml").write_text("lr: 5\nforeign: 1\n")
    done = subprocess.run(
        [sys.executable, "-m", "runcast.cli", "replay", "p/named", "--speed", "1000"],
        env=environment(
            RUNCAST_DIR=str(service.directory),
            RUNCAST_RUN_ID="named",
            WANDB_RESUME="must",
            WANDB_FORK_FROM="named?_step=3",
            RUNCAST_STRICT_STEPS="1",
            RUNCAST_PRIMARY="0",
        ),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (run,) = replays(service, "named")
    assert run["id"] != "named"
    assert run["config"] == {"lr": 0.1, "replay_of": "named"}
    assert [said(row) for row in seen(service, str(run["id"]))] == [said(row) for row in seen(service, "named")]
    assert len(seen(service, "named")) == 44


def test_flags_and_counts_are_replayed_as_such(service: Running) -> None:
    train(
        service,
        "kinds",
        "import runcast\nwith runcast.init(project='p', id='kinds') as run:\n"
        "    for n in range(3): run.log({'ok': n > 1, 'n': n + 54, 'x': 2.5, 'round': 1.0})",
    )
    assert service.runcast("replay", "p/kinds", "--speed", "1000").returncode == 0
    (run,) = replays(service, "kinds")
    for row in service.api.history("p", str(run["id"])):
        logged = {key: value for key, value in row.items() if key[0] != "_"}
        n = row["_step"]
        assert repr(logged) == repr({"ok": n > 1, "n": n + 54, "x": 2.5, "round": 1.0})
    assert as_logged(0.5, "i") == as_logged(0.5, "b") == 0.5


def test_a_replay_of_a_run_with_the_longest_of_names_has_one_too() -> None:
    assert renamed("run") == "run (replay)"
    assert check_name("run name", renamed("n" * 256)).endswith("nn (replay)")


def test_ctrl_c_ends_the_new_run_too(service: Running) -> None:
    train(service, "cut")
    process = subprocess.Popen(
        [sys.executable, "-m", "runcast.cli", "replay", "p/cut", "--speed", "0.05"],
        env=environment(RUNCAST_DIR=str(service.directory)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    run = wait_until(lambda: next(iter(replays(service, "cut")), None), 60)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    wait_until(lambda: state_of(service.api, "p", str(run["id"])) == "failed" or None, 60)


def test_what_cannot_be_replayed_is_said(service: Running) -> None:
    train(service, "empty", "import runcast, sys; runcast.init(project='p', id='empty').finish()")
    done = service.runcast("replay", "p/empty")
    assert (done.returncode, done.stderr.strip()) == (1, "runcast: there are no rows to replay")
    done = service.runcast("replay", "p/nothing")
    assert done.returncode == 1
    assert "nothing" in done.stderr
    with pytest.raises(UsageError, match=r"the speed is 0; it is from 0\.01 to 10000"):
        check_speed(0)
    assert ROWS_MAX > 100_000


class Track:
    """A run that notes when it is logged to."""

    def __init__(self) -> None:
        self.at: list[float] = []

    def log(self, values: dict[str, float], step: int, commit: bool) -> None:
        del values, step, commit
        self.at.append(time.monotonic())


@pytest.mark.parametrize("speed", [10.0, 600.0])
async def test_no_row_is_played_before_its_time(speed: float) -> None:
    rows = [Row("r", step, 1000.0 + step * 0.5, {"a": 1.0}) for step in range(20)]
    track, update = Track(), RunUpdate("r", "r", "finished", {}, {}, 0.0, 20)
    begun = time.monotonic()
    played = await play(Recording(update, rows), {"": track}, speed=speed)  # type: ignore[dict-item]
    for at, row in zip(track.at, rows, strict=True):
        assert at - begun >= (row.time - 1000.0) / speed - 0.001
    assert len(played.late) == played.rows == 20


async def test_rows_without_a_pause_between_them_can_be_interrupted() -> None:
    """A training of an hour at the highest speed is all work and no waiting."""
    track, update = Track(), RunUpdate("r", "r", "finished", {}, {}, 0.0, 0)
    recording = Recording(update, [Row("r", step, 1000.0, {"a": 1.0}) for step in range(100_000)])
    playing = asyncio.create_task(play(recording, {"": track}, speed=1.0))  # type: ignore[dict-item]
    while not track.at:  # noqa: ASYNC110  # It tells nobody that it has begun.
        await asyncio.sleep(0)
    playing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await playing
    assert len(track.at) < len(recording.rows)
