"""The command line beside a real service: what it prints, what it stores, and how it says no."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet
import pytest
import redis
from tests.flow.running import Running, environment, python, rows_of, runcast, state_of, up, wait_until

from runcast import discovery
from runcast.cli.background import service_process
from runcast.cli.bench import _run
from runcast.cli.down import is_held
from runcast.service import Service
from runcast.transport import find_service

TUTORIAL = """\
import math
import random
import runcast as wandb

# Launch 5 simulated experiments
for run in range(5):
  wandb.init(
      project="basic-intro",
      config={
      "learning_rate": 0.02,
      "architecture": "CNN",
      "dataset": "CIFAR-100",})

  offset = random.random()
  for x in range(50):
      acc = 0.16 * (math.log(1 + x + random.random()) + random.random() + offset)
      loss = 1 - 0.16 * (math.log(1 + x + random.random()) + random.random() + offset)
      wandb.log({"acc":acc, "loss":loss})
  wandb.finish()
"""

KILLED = """\
import os, signal
import runcast
run = runcast.init(project="killed", id="victim")
for step in range(2000):
    run.log({"x": step, "y": step * 0.5})
    if step == 999:
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with up(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture(scope="module")
def logged(service: Running) -> Running:
    """The service after the tutorial's program ran beside it."""
    script = service.directory / "tutorial.py"
    script.write_text(TUTORIAL)
    done = subprocess.run(
        [sys.executable, str(script)],
        env=environment(RUNCAST_DIR=str(service.directory)),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr.count("Synced ") == 5, done.stderr
    return service


def test_the_tutorials_program_gives_five_finished_runs_of_fifty_rows(logged: Running) -> None:
    runs = list(logged.api.runs("basic-intro"))
    assert len(runs) == 5
    for run in runs:
        assert run["state"] == "finished"
        assert run["config"] == {"learning_rate": 0.02, "architecture": "CNN", "dataset": "CIFAR-100"}
        rows = rows_of(logged.api, "basic-intro", run["id"])
        assert [row["_step"] for row in rows] == list(range(50))
        assert all({"acc", "loss", "_timestamp", "_runtime"} <= row.keys() for row in rows)


def test_ls_lists_projects_and_runs(logged: Running) -> None:
    assert "basic-intro" in logged.runcast("ls").stdout
    listed = logged.runcast("ls", "basic-intro", "--json").stdout.splitlines()
    assert len(listed) == 5
    assert {json.loads(line)["state"] for line in listed} == {"finished"}
    assert logged.runcast("ls", "basic-intro").stdout.count("finished") == 5


def test_show_prints_config_and_summary(logged: Running) -> None:
    run = next(logged.api.runs("basic-intro"))
    said = logged.runcast("show", f"basic-intro/{run['id']}").stdout
    assert run["name"] in said
    assert "CIFAR-100" in said
    assert "acc" in said


def test_an_unknown_run_is_one_sentence_and_status_1(logged: Running) -> None:
    done = logged.runcast("show", "basic-intro/nothing")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_export_writes_every_row(logged: Running, tmp_path: Path, kind: str) -> None:
    run = next(logged.api.runs("basic-intro"))
    output = tmp_path / f"run.{kind}"
    done = logged.runcast("export", f"basic-intro/{run['id']}", "-o", str(output))
    assert done.returncode == 0, done.stderr
    if kind == "csv":
        assert len(output.read_text().splitlines()) == 51
    elif kind == "jsonl":
        assert len(output.read_text().splitlines()) == 50
    else:
        assert pyarrow.parquet.read_table(output).num_rows == 50


def test_doctor_finds_all_well_while_the_service_runs(logged: Running) -> None:
    done = logged.runcast("doctor")
    assert done.returncode == 0, done.stdout
    assert "all is well" in done.stdout


def test_status_says_where_it_runs(service: Running) -> None:
    done = service.runcast("status")
    assert done.returncode == 0, done.stdout + done.stderr
    assert service.api.url in done.stdout


def test_a_second_service_in_the_directory_is_told_of_the_first(service: Running) -> None:
    done = service.runcast("up", "--port", "0", "--no-dashboard", "--no-open")
    assert done.returncode == 1
    assert "is served by" in done.stderr
    assert str(service.process.pid) in done.stderr
    assert "runcast down" in done.stderr


def test_a_port_in_use_is_named_with_its_holder(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = runcast("up", "--port", str(port), "--no-dashboard", "--no-open", RUNCAST_DIR=str(tmp_path))
    assert done.returncode == 1
    assert f"port {port} is in use by" in done.stderr
    assert str(os.getpid()) in done.stderr
    assert "--port" in done.stderr


def test_another_address_than_loopback_demands_a_token(tmp_path: Path) -> None:
    done = runcast("up", "--host", "0.0.0.0", "--port", "0", "--no-dashboard", RUNCAST_DIR=str(tmp_path))
    assert done.returncode == 1
    assert "RUNCAST_TOKEN" in done.stderr


def test_up_prints_the_address_and_three_lines_to_paste_and_ends_by_ctrl_c(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "runcast.cli", "up", "--port", "0", "--no-dashboard", "--no-open"],
        env=environment(RUNCAST_DIR=str(tmp_path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    wait_until(lambda: discovery.read(tmp_path), 60)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert "http://127.0.0.1:" in said
    for line in ("import runcast as wandb", "wandb.init(", "wandb.log("):
        assert line in said
    assert "Traceback" not in said
    assert discovery.read(tmp_path) is None
    assert not (tmp_path / "server.json").exists()


def test_detach_leaves_a_service_and_down_stops_it(tmp_path: Path) -> None:
    environ = {"RUNCAST_DIR": str(tmp_path)}
    done = runcast("up", "--detach", "--port", "0", "--no-dashboard", **environ)
    assert done.returncode == 0, done.stderr
    try:
        found = discovery.read(tmp_path)
        assert found is not None
        assert found.url in done.stdout
    finally:
        stopped = runcast("down", **environ)
    assert "stopped" in stopped.stdout
    assert not is_held(tmp_path)
    assert "no service runs" in runcast("down", **environ).stdout


def test_a_killed_process_leaves_every_row_with_a_server(service: Running) -> None:
    assert python(KILLED, RUNCAST_DIR=str(service.directory)).returncode == -signal.SIGKILL
    wait_until(lambda: state_of(service.api, "killed", "victim") == "crashed" or None)
    rows = rows_of(service.api, "killed", "victim")
    assert [(row["_step"], row["x"], row["y"]) for row in rows] == [(n, n, n * 0.5) for n in range(1000)]


def test_a_killed_process_leaves_every_row_without_a_server_for_up(tmp_path: Path) -> None:
    assert python(KILLED, RUNCAST_DIR=str(tmp_path)).returncode == -signal.SIGKILL
    with up(tmp_path) as later:
        wait_until(lambda: state_of(later.api, "killed", "victim") == "crashed" or None)
        rows = rows_of(later.api, "killed", "victim")
        assert [(row["_step"], row["x"]) for row in rows] == [(n, n) for n in range(1000)]
        wait_until(lambda: not list((tmp_path / "journals").iterdir()) or None)


def test_sync_sends_a_dead_journal_elsewhere_and_again_does_nothing(service: Running, tmp_path: Path) -> None:
    program = KILLED.replace('"killed", id="victim"', '"synced", id="victim"')
    assert python(program, RUNCAST_DIR=str(tmp_path)).returncode == -signal.SIGKILL
    first = service.runcast("sync", str(tmp_path))
    assert first.returncode == 0, first.stdout + first.stderr
    assert "synced/victim" in first.stdout
    again = service.runcast("sync", str(tmp_path))
    assert again.returncode == 0
    assert "nothing to send" in again.stdout
    wait_until(lambda: state_of(service.api, "synced", "victim") == "crashed" or None)
    assert len(rows_of(service.api, "synced", "victim")) == 1000


def test_sync_without_a_server_says_what_to_do(tmp_path: Path) -> None:
    done = runcast("sync", RUNCAST_DIR=str(tmp_path))
    assert done.returncode == 1
    assert "runcast up" in done.stderr


def test_tail_prints_rows_as_they_are_logged(service: Running) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "runcast.cli", "tail", "tailed", "--all", "--json"],
        env=environment(RUNCAST_DIR=str(service.directory), PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        program = "import runcast; r = runcast.init(project='tailed'); [r.log({'x': n}) for n in range(20)]; r.finish()"
        assert python(program, RUNCAST_DIR=str(service.directory)).returncode == 0
        assert process.stdout is not None
        seen = [json.loads(process.stdout.readline()) for _ in range(20)]
        assert [row["x"] for row in seen] == list(range(20))
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


def test_doctor_reads_a_stopped_service_and_finds_a_flipped_bit(tmp_path: Path) -> None:
    with up(tmp_path):
        program = "import runcast; r = runcast.init(project='p'); [r.log({'x': n}) for n in range(50)]; r.finish()"
        assert python(program, RUNCAST_DIR=str(tmp_path)).returncode == 0
    assert runcast("doctor", RUNCAST_DIR=str(tmp_path)).returncode == 0
    flip = (
        "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); "
        "db.execute('UPDATE level0 SET crc = crc + 1'); db.execute('UPDATE chunk SET crc = crc + 1'); db.commit()"
    )
    assert python(flip, str(tmp_path / "runcast.db")).returncode == 0
    done = runcast("doctor", RUNCAST_DIR=str(tmp_path))
    assert done.returncode == 1
    assert "crc" in done.stdout


def test_help_teaches_by_examples() -> None:
    assert "runcast up" in runcast("--help").stdout
    for command in ("up", "sync", "ls", "show", "tail", "export", "demo", "doctor"):
        said = runcast(command, "--help")
        assert said.returncode == 0, said.stderr


def test_a_missing_extra_is_named_with_the_line_that_installs_it() -> None:
    program = (
        "import sys; sys.modules['uvicorn'] = None; sys.argv = ['runcast', 'up']; from runcast.cli import main; main()"
    )
    done = python(program)
    assert done.returncode == 1
    assert "pip install 'runcast[all]'" in done.stderr


def test_a_bench_leaves_your_own_redis_alone(
    tmp_path: Path, redis_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its service would tail your streams, store them in a folder that is thrown away, and trim them."""
    monkeypatch.setenv("RUNCAST_URL", redis_server)
    with service_process(tmp_path, "--port", "0", "--no-dashboard") as found:
        assert found is not None
        assert found.redis != redis_server
        _run(tmp_path, "import runcast; r = runcast.init(project='p', id='r'); r.log({'x': 1}); r.finish()")
        assert len(rows_of(Service(found.url), "p", "r")) == 1
    with redis.Redis.from_url(redis_server) as client:
        assert client.dbsize() == 0


def test_a_second_service_on_a_redis_is_told_of_the_first(tmp_path: Path, redis_server: str) -> None:
    """Both would take from the same streams, and each deletes what it has taken."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    with up(ours, RUNCAST_URL=redis_server) as first:
        wait_until(lambda: find_service(redis_server))
        second = runcast(
            "up", "--detach", "--port", "0", "--no-dashboard", RUNCAST_DIR=str(theirs), RUNCAST_URL=redis_server
        )
        assert second.returncode == 0, second.stderr
        runcast("down", RUNCAST_DIR=str(theirs))
    assert f"the service at {first.api.url} stores what goes to this Redis too" in (theirs / "service.log").read_text()
