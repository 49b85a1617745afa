"""Runs watched from a terminal: `top` with its keys, and `subscribe` as one program of a pipe."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from tests.flow.running import Running, environment, python, up, wait_until
from tests.flow.terminal import look

from runcast.cli.scoreboard import Scoreboard
from runcast.errors import UsageError
from runcast.expressions import parse
from runcast.subscription import Row, RunUpdate

LOG = """
import runcast
with runcast.init(project="w", name="steep", id="r1", config={"lr": 0.5}) as run:
    for step in range(200):
        run.log({"acc": step, "loss": 200 - step, "odd name": step % 2})
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with up(tmp_path_factory.mktemp("service")) as running:
        done = python(LOG, RUNCAST_DIR=str(running.directory))
        assert done.returncode == 0, done.stderr
        wait_until(lambda: running.api.get("/api/v1/projects/w/runs/r1")["state"] == "finished" or None)
        yield running


def rows(service: Running, wanted: int, *arguments: str) -> list[dict[str, object]]:
    """What `subscribe` gives first, read as the next program of a pipe would, which then ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "runcast.cli", "subscribe", *arguments],
        env=environment(RUNCAST_DIR=str(service.directory)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stderr
    found = [json.loads(process.stdout.readline()) for _ in range(wanted)]
    process.send_signal(signal.SIGINT)
    said = process.stderr.read()
    process.wait(30)
    process.stdout.close()
    process.stderr.close()
    assert "Traceback" not in said
    return found


@pytest.mark.parametrize(
    ("where", "steps"),
    [
        ("loss <= 2", [198, 199]),
        ("acc > 196.5 and not loss == 2", [197, 199]),
        ('metric."odd name" == 1 and _step > 196', [197, 199]),
        ("config.lr == 0.5 and acc in (3, 7)", [3, 7]),
    ],
)
def test_subscribe_gives_the_rows_that_fit(service: Running, where: str, steps: list[int]) -> None:
    assert [row["_step"] for row in rows(service, 2, "w", "--all", "--where", where)] == steps


def test_what_is_no_filter_is_refused_with_its_place() -> None:
    with pytest.raises(UsageError, match="at character 18"):
        parse("loss > __import__('os')", logged=True)
    with pytest.raises(UsageError):
        parse("loss >", logged=True)


def test_top_shows_runs_until_q_and_leaves_the_terminal_as_it_was(service: Running) -> None:
    def seen(said: str) -> bool:
        return "steep" in said and "█" in said

    status, said = look(
        "top", "w", columns=100, press=[("nothing runs", b"a"), (seen, b"q")], RUNCAST_DIR=str(service.directory)
    )
    assert status == 0, said
    assert "\x1b[31m" not in said.replace("\x1b[31m✗", "")
    assert said.rstrip().endswith("\x1b[?1049l")


def test_top_into_a_pipe_writes_the_list_once(service: Running) -> None:
    done = service.runcast("top", "w", "-m", "acc")
    assert (done.returncode, done.stderr) == (0, "")
    assert "steep" in done.stdout
    assert "▁" in done.stdout
    assert "\x1b" not in done.stdout


def test_a_scoreboard_fits_any_terminal() -> None:
    board = Scoreboard("p")
    for at in range(30):
        board.hear(RunUpdate(f"r{at}", f"run {at} 漢字" * 9, "running", {}, {"loss": 1.0}, at, at))
        board.take(Row(f"r{at}", at, 0.0, {"loss": float("nan"), "acc": 1.0}), 0.0)
    for columns, height in ((200, 50), (80, 24), (40, 10), (20, 5)):
        lines = board.draw(columns, height, 0.0)
        assert len(lines) == height
    board.turn(1)
    assert board.metric == "acc"
