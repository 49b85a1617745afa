"""A stranger in front of a terminal: narrow, without colours, into a pipe, impatient."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.flow.running import Running, environment, python, runcast, up, wait_until
from tests.flow.terminal import look

from runcast import discovery
from runcast.cli import COMMANDS
from runcast.service import Refused, Service

LOG = """
import runcast
with runcast.init(project="walk", name="lonely", id="r1", config={"evil": "\\x1b[31mred"}) as run:
    for step in range(5000):
        run.log({"loss": step * 0.5})
for id in ("t1", "t2"):
    with runcast.init(project="walk", name="twin", id=id) as run:
        run.log({"loss": 1, "said": "\\x1b[2Jgone"})
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with up(tmp_path_factory.mktemp("service")) as running:
        done = python(LOG, RUNCAST_DIR=str(running.directory))
        assert done.returncode == 0, done.stderr
        yield running


@pytest.fixture
def _heard() -> Iterator[None]:
    """Let programs hear that their terminal is closed; where `nohup` began the tests, none would."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


# Help.


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_there_at_once(command: str) -> None:
    """Nothing that is only needed to do it is loaded to explain it."""
    heavy = "sklearn streamlit fastapi uvicorn pandas pyarrow"
    program = (
        f"import sys; sys.argv = ['runcast', {command!r}, '--help']\n"
        "from runcast.cli import main\n"
        "try: main()\n"
        f"finally: print('loaded:', *(name for name in {heavy!r}.split() if name in sys.modules))"
    )
    done = python(program)
    assert done.returncode == 0, done.stderr
    assert "INTEGER RANGE" not in done.stdout
    assert done.stdout.splitlines()[-1] == "loaded:"


def test_the_version_is_said_however_it_is_asked_for() -> None:
    said = {runcast(word).stdout for word in ("version", "--version", "-V")}
    assert len(said) == 1
    assert said.pop().startswith("runcast ")


# What is read.


def test_a_narrow_terminal_leaves_columns_out_and_says_which(service: Running) -> None:
    status, said = look("ls", "walk", columns=40, RUNCAST_DIR=str(service.directory))
    assert status == 0
    assert "lonely" in said
    assert "not shown for want of width: CREATED, DURATION" in said
    assert all(len(line) <= 40 + len("\x1b[1m\x1b[0m") for line in said.splitlines() if "not shown" not in line)


def test_colours_are_for_terminals_whose_owner_wants_them(service: Running) -> None:
    directory = str(service.directory)
    assert "\x1b[1m" in look("ls", RUNCAST_DIR=directory)[1]
    assert "\x1b" not in look("ls", RUNCAST_DIR=directory, NO_COLOR="1")[1]
    assert "\x1b" not in service.runcast("ls").stdout


def test_a_value_cannot_steer_the_terminal(service: Running) -> None:
    assert "·[31mred" in service.runcast("show", "walk/r1").stdout


def test_rows_that_are_exported_to_a_terminal_cannot_steer_it(service: Running) -> None:
    status, said = look("export", "walk/t1", RUNCAST_DIR=str(service.directory))
    assert status == 0
    assert "·[2Jgone" in said
    assert "\x1b[2J" in service.runcast("export", "walk/t1").stdout


@pytest.mark.parametrize(
    "command", ["export walk/r1", "export walk/r1 --format jsonl", "tail walk --all", "tail walk --all --json"]
)
def test_a_reader_who_has_seen_enough_is_no_error(service: Running, command: str) -> None:
    """`runcast export … | head -1`"""
    process = subprocess.Popen(
        [sys.executable, "-m", "runcast.cli", *command.split()],
        env=environment(RUNCAST_DIR=str(service.directory)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=30) == 0
    said = process.stderr.read()
    process.stderr.close()
    assert said in {"", "live; Ctrl-C ends it\n"}


# Runs by their names.


def test_a_run_is_found_by_its_name_where_one_run_alone_has_it(service: Running) -> None:
    assert "r1" in service.runcast("show", "walk/lonely").stdout
    assert service.runcast("export", "walk/lonely").stdout == service.runcast("export", "walk/r1").stdout


class Known(Service):
    """A service with a run that is called as another's id."""

    def __init__(self) -> None:
        super().__init__("http://known")

    def projects(self) -> list[Mapping[str, Any]]:
        return [{"name": "p"}, {"name": "a/b"}]

    def run(self, project: str, run: str) -> Mapping[str, Any]:
        if run != "r1":
            raise Refused(404, f"there is no run {run!r}")
        return {"id": run}

    def runs(self, project: str, *, limit: int | None = None, **_: Any) -> Iterator[Mapping[str, Any]]:
        yield from ({"id": "r1", "name": "first"}, {"id": "n1", "name": "r1"}, {"id": "n2", "name": "lonely"})


def test_an_id_goes_before_a_name_whatever_is_done_with_the_run() -> None:
    known = Known()
    assert known.split("p/r1") == known.locate("p/r1") == ("p", "r1")
    assert known.split("p/lonely") == known.locate("p/lonely") == ("p", "n2")
    assert (known.split("p"), known.split("a/b")) == (("p", None), ("a/b", None))
    assert known.split("later/run") == ("later", "run")
    for find in (known.split, known.locate):
        with pytest.raises(Refused, match="no run 'nothing'"):
            find("p/nothing")


@pytest.mark.parametrize("command", ["tail", "subscribe"])
def test_a_run_that_is_not_there_is_not_waited_for(service: Running, command: str) -> None:
    done = service.runcast(command, "walk/nothing")
    assert done.returncode == 1
    assert "there is no run 'nothing'" in done.stderr


def test_a_name_of_several_runs_asks_for_an_id(service: Running) -> None:
    done = service.runcast("show", "walk/twin")
    assert done.returncode == 1
    assert "t1" in done.stderr
    assert "t2" in done.stderr


def test_a_project_where_a_run_is_wanted_is_told_how_to_name_one(service: Running) -> None:
    done = service.runcast("export", "walk")
    assert done.returncode == 1
    assert "PROJECT/RUN" in done.stderr
    assert "runcast ls walk" in done.stderr


def test_tail_of_a_project_that_is_not_there_says_that_it_waits(service: Running) -> None:
    status, said = look("tail", "later", ctrl_c=lambda said: "live;" in said, RUNCAST_DIR=str(service.directory))
    assert status == 130
    assert "there is no project 'later' yet" in said


def test_tail_follows_a_service_that_comes_back_at_another_port(tmp_path: Path) -> None:
    log = "import runcast\nwith runcast.init(project='moved') as run: run.log({'x': %d})"
    with ExitStack() as stack:
        with up(tmp_path):
            process = subprocess.Popen(
                [sys.executable, "-m", "runcast.cli", "tail", "moved", "--all", "--json"],
                env=environment(RUNCAST_DIR=str(tmp_path)),
                stdout=subprocess.PIPE,
                text=True,
            )
            stack.callback(process.communicate, timeout=20)
            stack.callback(process.send_signal, signal.SIGINT)
            assert process.stdout is not None
            assert python(log % 1, RUNCAST_DIR=str(tmp_path)).returncode == 0
            assert json.loads(process.stdout.readline())["x"] == 1
        with up(tmp_path):
            assert python(log % 2, RUNCAST_DIR=str(tmp_path)).returncode == 0
            assert json.loads(process.stdout.readline())["x"] == 2


# Files.


def test_export_refuses_a_kind_of_file_that_it_cannot_write(service: Running, tmp_path: Path) -> None:
    done = service.runcast("export", "walk/r1", "-o", str(tmp_path / "rows.xlsx"))
    assert done.returncode == 1
    assert "csv, parquet, jsonl" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_export_to_a_folder_that_is_not_there_blames_the_file_and_not_the_service(service: Running) -> None:
    done = service.runcast("export", "walk/r1", "-o", "/nowhere/rows.csv")
    assert done.returncode == 1
    assert done.stderr == "runcast: cannot write /nowhere/rows.csv: No such file or directory\n"


def test_export_to_a_dash_is_stdout(service: Running) -> None:
    assert len(service.runcast("export", "walk/t1", "-o", "-").stdout.splitlines()) == 2


# No service, and the wrong one.


def test_nobody_at_an_address_is_one_sentence() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    done = runcast("ls", "--server", url)
    assert done.returncode == 1
    assert done.stderr == f"runcast: no answer from a service at {url}: Connection refused; is it running there?\n"


def test_a_token_that_is_missing_and_one_that_is_wrong_are_told_apart(tmp_path: Path) -> None:
    with up(tmp_path, token="right") as guarded:
        for command in ("ls", "show p/r", "tail p", "demo --exit"):
            without = guarded.runcast(*command.split())
            assert without.returncode == 1
            assert without.stderr.startswith("runcast: the service asks for its token; set RUNCAST_TOKEN"), command
        assert "has another token" in guarded.runcast("ls", RUNCAST_TOKEN="wrong").stderr
        assert guarded.runcast("ls", RUNCAST_TOKEN="right").returncode == 0


def test_a_directory_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for extra in ([], ["--detach"]):
        done = runcast("up", "--dir", str(tmp_path / "file" / "under"), "--port", "0", *extra)
        assert done.returncode == 1
        assert done.stderr.startswith(f"runcast: the directory {tmp_path}/file/under cannot be used:")
        assert len(done.stderr.splitlines()) == 1


def test_a_directory_that_is_named_is_known_to_every_command_about_one(tmp_path: Path) -> None:
    """Whoever says `up --dir X --detach` says `down --dir X`, and learns how trainings find it."""
    started = runcast("up", "--dir", str(tmp_path), "--detach", "--port", "0", "--no-dashboard")
    assert started.returncode == 0, started.stderr
    try:
        assert f"RUNCAST_DIR={tmp_path}" in started.stdout
        assert runcast("status", "--dir", str(tmp_path)).returncode == 0
        assert runcast("doctor", "--dir", str(tmp_path)).returncode == 0
        again = runcast("up", "--dir", str(tmp_path), "--detach", "--port", "0")
        assert "is served by" in again.stderr
        assert "is served by" not in (tmp_path / "service.log").read_text()
    finally:
        stopped = runcast("down", "--dir", str(tmp_path))
    assert stopped.stdout == f"stopped the service of {tmp_path}\n"
    assert runcast("status", "--dir", str(tmp_path)).returncode == 1


def test_sync_refuses_an_address_that_is_no_redis(tmp_path: Path) -> None:
    done = runcast("sync", "--url", "http://127.0.0.1:8484", RUNCAST_DIR=str(tmp_path))
    assert done.returncode == 1
    assert "redis://" in done.stderr


# Ctrl-C, a closed terminal, and SIGTERM.


def test_sync_that_is_interrupted_keeps_the_journal_and_says_that_it_is_left(service: Running, tmp_path: Path) -> None:
    """Here nobody stores what is sent, so that it would wait for a minute."""
    assert python(LOG, RUNCAST_DIR=str(tmp_path), RUNCAST_MODE="offline").returncode == 0
    status, said = look(
        "sync", "--url", "redis://127.0.0.1:1", ctrl_c=lambda said: "░ 0/" in said, RUNCAST_DIR=str(tmp_path)
    )
    assert status == 130
    assert "0 journals sent, 0 events; interrupted, 3 left" in said
    assert len(list((tmp_path / "journals").iterdir())) == 3


@pytest.mark.parametrize(
    ("command", "running", "status"),
    [
        ("up --port 0 --no-dashboard", "Ctrl-C stops it", 0),
        ("tail walk", "live; Ctrl-C ends it", 130),
        ("dashboard --port 0", "Ctrl-C stops it", 0),
        ("bench", "1 of 3", 130),
    ],
)
def test_ctrl_c_ends_a_command_without_a_traceback(
    service: Running, tmp_path: Path, command: str, running: str, status: int
) -> None:
    directory = tmp_path if command.startswith("up") else service.directory
    ended, said = look(*command.split(), ctrl_c=lambda said: running in said, RUNCAST_DIR=str(directory))
    assert ended == status, said
    assert "Traceback" not in said
    assert said.count("\n\n\n") == 0


@pytest.mark.usefixtures("_heard")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_service_whose_terminal_is_closed_ends_in_order(tmp_path: Path, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "runcast.cli", "up", "--port", "0", "--no-dashboard"],
        env=environment(RUNCAST_DIR=str(tmp_path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    wait_until(lambda: discovery.read(tmp_path), 60)
    process.send_signal(number)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert "Traceback" not in said
    assert "stopped;" in said


@pytest.mark.usefixtures("_heard")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_demo_that_is_told_to_end_ends_everything_that_it_started(tmp_path: Path, number: signal.Signals) -> None:
    """Its service and its eight trainings are in sessions of their own: nobody else would end them."""
    process = subprocess.Popen(
        [sys.executable, "-m", "runcast.cli", "demo", "--port", "0", "--no-open"],
        env=environment(RUNCAST_DIR=str(tmp_path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    wait_until(lambda: len(_trainings(tmp_path)) == 8 or None, 60)
    process.send_signal(number)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM, said
    assert "Traceback" not in said
    assert discovery.read(tmp_path) is None
    assert _processes(tmp_path) == []


def test_a_demo_that_is_told_to_end_while_its_service_starts_leaves_none(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "runcast.cli", "demo", "--port", "0", "--no-open"],
        env=environment(RUNCAST_DIR=str(tmp_path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    wait_until(lambda: len(_processes(tmp_path)) > 1 or None, 60)
    process.terminate()
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM, said
    assert _processes(tmp_path) == []


def _processes(directory: Path) -> list[str]:
    """The command lines of all processes that live in a directory, by their environment."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            try:
                environ = (process / "environ").read_bytes().split(b"\0")
                words = (process / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
            except OSError:
                continue
            if f"RUNCAST_DIR={directory}".encode() in environ:
                found.append(words)
    return found


def _trainings(directory: Path) -> list[str]:
    return [words for words in _processes(directory) if "runcast.cli.training" in words]
