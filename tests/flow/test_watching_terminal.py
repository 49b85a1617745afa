"""Runs watched from a terminal: `top` with its keys, and `subscribe` as one program of a pipe."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from tests.flow.running import Running, environment, python, up, wait_until
from tests.flow.terminal import look

from runcast.cli.scoreboard import Scoreboard
from runcast.cli.top import _ENTER, _KEY, _LEAVE, _Top
from runcast.errors import UsageError
from runcast.expressions import parse
from runcast.service import Service
from runcast.subscription import Row, RunUpdate
from runcast.terminal import width

LOG = """
import runcast
with runcast.init(project="w", name="steep", id="r1", config={"lr": 0.5}) as run:
    for step in range(200):
        run.log({"acc": step, "loss": 200 - step, "odd name": step % 2, "ok": step > 197})
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
        ("ok == true and ok != false", [198, 199]),
    ],
)
def test_subscribe_gives_the_rows_that_fit(service: Running, where: str, steps: list[int]) -> None:
    assert [row["_step"] for row in rows(service, 2, "w", "--all", "--where", where)] == steps


def test_what_is_no_filter_is_refused_with_its_place() -> None:
    with pytest.raises(UsageError, match="at character 18"):
        parse("loss > __import__('os')", logged=True)
    with pytest.raises(UsageError):
        parse("loss >", logged=True)
    with pytest.raises(UsageError, match=r'"val/loss" is a text here; the key of that name is metric\."val/loss"'):
        parse('"val/loss" > 3', logged=True)
    with pytest.raises(UsageError, match=r'the key of that name is config\."val/loss" or summary\."val/loss"'):
        parse('"val/loss" > 3')


def test_top_shows_runs_until_q_and_leaves_the_terminal_as_it_was(service: Running) -> None:
    def seen(said: str) -> bool:
        return "steep" in said and "█" in said

    status, said = look(
        "top", "w", columns=100, press=[("nothing runs", b"a"), (seen, b"q")], RUNCAST_DIR=str(service.directory)
    )
    assert status == 0, said
    assert "\x1b[31m" not in said.replace("\x1b[31m✗", "")
    assert said.rstrip().endswith("\x1b[?1049l")


def test_keys_that_come_together_are_all_heard(service: Running) -> None:
    """As over a slow line: what has ended is shown, by its next metric."""

    def seen(said: str) -> bool:
        return "steep" in said and "odd name" in said.rpartition("rows/s")[2]

    status, said = look(
        "top", "w", columns=100, press=[("nothing runs", b"am"), (seen, b"jq")], RUNCAST_DIR=str(service.directory)
    )
    assert status == 0, said
    assert _KEY.findall(b"\x1b[A\x1b[1;2Bm\x1bOA\x1b") == [b"\x1b[A", b"\x1b[1;2B", b"m", b"\x1bOA", b"\x1b"]


def test_ctrl_z_gives_the_terminal_back_and_going_on_takes_it_again(service: Running) -> None:
    """Here no shell could bring it back, so that it goes on at once."""

    def again(said: str) -> bool:
        return "nothing runs" in said.partition(_LEAVE)[2].partition(_ENTER)[2]

    status, said = look(
        "top", "w", columns=100, press=[("nothing runs", b"\x1a"), (again, b"q")], RUNCAST_DIR=str(service.directory)
    )
    assert status == 0, said
    assert (said.count(_ENTER), said.count(_LEAVE)) == (2, 2)


def test_top_has_no_colours_where_none_are_wanted(service: Running) -> None:
    _, said = look(
        "top",
        "w",
        press=[("nothing runs", b"a"), ("✓", b"q")],
        RUNCAST_DIR=str(service.directory),
        NO_COLOR="1",
    )
    assert not re.search(r"\x1b\[[\d;]*m", said)


def test_top_of_a_project_that_is_not_there_is_refused_in_a_pipe(service: Running) -> None:
    done = service.runcast("top", "nosuch")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == service.runcast("ls", "nosuch").stderr


def test_courses_are_asked_of_the_service_where_it_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of this machine comes back at another port."""
    asked: list[str] = []

    def get(service: Service, path: str, **_: object) -> dict[str, list[object]]:
        asked.append(service.url)
        return {"runs": []}

    monkeypatch.setattr(Service, "get", get)
    monkeypatch.setattr(Service, "find", lambda: Service("http://now"))
    for elsewhere in (False, True):
        _Top(Service("http://then"), Scoreboard("p"), elsewhere=elsewhere, colours=True)._ask(["r"], "loss")
    assert asked == ["http://now", "http://then"]


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
        for away in ("", "no answer"):
            board.away = away
            lines = board.draw(columns, height, 0.0)
            assert len(lines) == height
            assert max(width(click.unstyle(line)) for line in lines) <= columns
            assert ("away" in lines[0]) == (bool(away) and columns > 40)
    board.turn(1)
    assert board.metric == "acc"


def test_a_course_that_comes_too_late_is_not_drawn_as_another_metrics() -> None:
    board = Scoreboard("p")
    board.hear(RunUpdate("r", "r", "running", {}, {"loss": 1.0, "acc": 0.5}, 0.0, 1))
    board.turn(1)
    board.preload("loss", "r", [1.0, 9.0])
    assert "█" not in "".join(board.draw(80, 24, 0.0))
    board.preload("acc", "r", [1.0, 9.0])
    assert "█" in "".join(board.draw(80, 24, 0.0))
