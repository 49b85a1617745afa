"""What a run prints, and what it does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.flow.running import Running, python, runcast, up

PROGRAM = """
import runcast
run = runcast.init(project="p", name="calm")
for step in range(8):
    runcast.log({"loss": step, "d": {"x": 1.5}})
runcast.termlog("from a library")
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with up(tmp_path_factory.mktemp("rc")) as running:
        yield running


def test_a_run_says_where_it_is_seen_and_how_it_went(service: Running) -> None:
    done = python(PROGRAM, RUNCAST_DIR=str(service.directory))
    lines = done.stderr.splitlines()
    assert lines[0].startswith(f"runcast: Tracking run calm at {service.api.url}/run?project=p&run=")
    assert lines[1:-1] == [
        "runcast: from a library",
        "runcast: Run history:",
        "runcast:    d.x ▁▁▁▁▁▁▁▁",
        "runcast:   loss ▁▂▃▄▅▆▇█",
        "runcast: Run summary:",
        "runcast:    d.x 1.5",
        "runcast:   loss 7",
    ]
    assert lines[-1].startswith(f"runcast: Synced calm: {service.api.url}/run?project=p&run=")


def test_nothing_that_a_program_names_or_logs_steers_the_terminal(service: Running) -> None:
    done = python(
        "import runcast\nrun = runcast.init(project='p', name='left \u202eright')\n"
        "run.log({'said': '\\x1b[2J\\x1b]0;title\\x07'})\n"
        "runcast.termlog('\\x1b[31mred\\x1b[0m\\ttab\\x1b[2J')",
        RUNCAST_DIR=str(service.directory),
    )
    assert not [char for char in done.stderr if not char.isprintable() and char != "\n"], done.stderr
    assert "Tracking run left ·right at" in done.stderr
    assert "runcast: red" in done.stderr
    assert "said ·[2J·]0;title·" in done.stderr


@pytest.mark.parametrize("variable", ["RUNCAST_QUIET", "WANDB_QUIET"])
def test_quiet_leaves_where_it_is_seen(service: Running, variable: str) -> None:
    done = python(PROGRAM, RUNCAST_DIR=str(service.directory), **{variable: "true"})
    assert [line.split(":")[1] for line in done.stderr.splitlines()] == [" from a library", " Synced calm"]


@pytest.mark.parametrize("variable", ["RUNCAST_SILENT", "WANDB_SILENT"])
def test_silence_is_complete(service: Running, variable: str) -> None:
    done = python(PROGRAM, RUNCAST_DIR=str(service.directory), **{variable: "true"})
    assert (done.stdout, done.stderr) == ("", "")


def test_status_says_where_each_setting_comes_from(tmp_path: Path) -> None:
    said = runcast(
        "status", RUNCAST_DIR=str(tmp_path), WANDB_PROJECT="p", RUNCAST_URL="redis://me:secret@h", WANDB_API_KEY="key"
    ).stdout
    assert "project    p  (WANDB_PROJECT)" in said
    assert "url        redis://****@h  (RUNCAST_URL)" in said
    assert "WANDB_API_KEY is of W&B's own server, and not looked at" in said
    assert "secret" not in said


def test_offline_and_online_are_remembered_by_the_directory(tmp_path: Path) -> None:
    program = "import runcast; print(runcast.init().offline)"
    (tmp_path / "settings.toml").write_text('project = "p"\n')
    for command, offline in (("offline", "True\n"), ("online", "False\n")):
        assert f"trainings begin {command} from now on" in runcast(command, RUNCAST_DIR=str(tmp_path)).stdout
        assert python(program, RUNCAST_DIR=str(tmp_path)).stdout == offline
        assert f"mode in {tmp_path}" in runcast("status", RUNCAST_DIR=str(tmp_path)).stdout
    assert (tmp_path / "settings.toml").read_text() == 'mode = "online"\nproject = "p"\n'
    said = runcast("online", RUNCAST_DIR=str(tmp_path), WANDB_MODE="offline").stdout
    assert "WANDB_MODE is set, and goes before it: they begin offline" in said


def test_a_token_is_kept_once_the_service_takes_it(tmp_path: Path) -> None:
    with up(tmp_path / "service", token="s3cret-token") as running:
        home = tmp_path / "home"
        there = {"RUNCAST_DIR": str(home), "RUNCAST_SERVER": running.api.url}
        wrong = runcast("login", "wrong", **there)
        assert wrong.returncode == 1
        assert not (home / "login").exists()
        assert "takes it" in runcast("login", "s3cret-token", **there).stdout
        assert (home / "login").stat().st_mode & 0o777 == 0o600
        assert runcast("ls", **there).returncode == 0
        assert "token      ****" in runcast("status", **there).stdout
        assert runcast("login", "--forget", **there).returncode == 0
        assert runcast("ls", **there).returncode == 1


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [
        ("status", {"RUNCAST_URL": "redis://u:x@h/0?password=sekret"}),
        ("status", {"RUNCAST_URL": "reds://:sekret@h"}),
        ("up --port 0 --no-dashboard", {"RUNCAST_URL": "reds://:sekret@h"}),
        ("sync --url reds://:sekret@h", {}),
        ("ls --server http://u:sekret@127.0.0.1:1", {}),
        ("ls --server ftp://u:sekret@127.0.0.1:1", {}),
        ("ls --server http://u:a/sekret@127.0.0.1:1", {}),
    ],
)
def test_no_password_of_an_address_is_repeated(tmp_path: Path, arguments: str, environ: dict[str, str]) -> None:
    done = runcast(*arguments.split(), RUNCAST_DIR=str(tmp_path), **environ)
    assert done.returncode == 1
    assert "://" in done.stdout + done.stderr
    assert "sekret" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
