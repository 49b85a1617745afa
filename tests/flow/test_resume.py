"""A run that goes on where another process left it, goes back, branches off, or begins anew: the client's side."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.flow.running import Running, python, rows_of, state_of, up, wait_until

from runcast import transport
from runcast.drain import journals
from runcast.events import FRESH, JOIN, REWIND, Start
from runcast.left import read_left
from runcast.reader import Reader

FIRST = """
import runcast
run = runcast.init(project="p", id={id!r}, name="first", config={{"lr": 1}}, tags=["t"], notes="n")
for step in range(5):
    runcast.log({{"a": step}})
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with up(tmp_path_factory.mktemp("rc")) as running:
        yield running


def begin(service: Running, program: str) -> str:
    """Run a program to its end, and give what it printed."""
    done = python(program, RUNCAST_DIR=str(service.directory))
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def refused(program: str, directory: Path) -> str:
    done = python(program, RUNCAST_DIR=str(directory))
    assert done.returncode == 1
    return done.stderr.strip().splitlines()[-1]


def start_of(directory: Path) -> Start:
    """The first event of the one journal in a directory without a service."""
    [journal] = journals(directory)
    reader = Reader(journal)
    first = reader.take()[1][0]
    reader.close()
    assert isinstance(first, Start)
    return first


@pytest.mark.parametrize("resume", ["'allow'", "'must'"])
def test_a_run_goes_on_with_its_step_its_config_and_its_summary(service: Running, resume: str) -> None:
    run_id = f"on-{resume.strip(chr(39))}"
    begin(service, FIRST.format(id=run_id))
    said = begin(
        service,
        f"""
import runcast
run = runcast.init(project="p", id={run_id!r}, resume={resume})
print(run.resumed, run.starting_step, run.step, run.name, dict(run.config), run.summary["a"], run.tags, run.notes)
runcast.log({{"a": 10}})
""",
    )
    assert "True 5 5 first {'lr': 1} 4 ('t',) n" in said
    assert "Resuming run first, step 5, at http://" in said
    assert [(row["_step"], row["a"]) for row in rows_of(service.api, "p", run_id)] == [
        (0, 0),
        (1, 1),
        (2, 2),
        (3, 3),
        (4, 4),
        (5, 10),
    ]


def test_what_a_killed_process_left_is_behind_the_run_that_goes_on(service: Running, tmp_path: Path) -> None:
    """Its rows were not even sent; the next process knows its last step all the same."""
    killed = "import os, signal\n" + FIRST.format(id="killed") + "os.kill(os.getpid(), signal.SIGKILL)"
    done = python(killed, RUNCAST_DIR=str(service.directory), RUNCAST_MODE="offline")
    assert done.returncode == -9
    said = begin(service, "import runcast; print(runcast.init(project='p', id='killed', resume='must').step)")
    assert "5" in said.splitlines()


def test_the_config_of_a_run_that_goes_on_is_locked(service: Running) -> None:
    begin(service, FIRST.format(id="locked"))
    said = begin(
        service,
        """
import runcast
run = runcast.init(project="p", id="locked", resume="must", config={"more": 2})
try:
    run.config.lr = 2
except runcast.ConfigError as error:
    print(error, dict(run.config))
""",
    )
    assert 'Attempted to change value of key "lr" from 1 to 2' in said
    assert "{'lr': 1, 'more': 2}" in said


def test_a_run_that_is_not_there_begins_or_is_missed(service: Running) -> None:
    assert "0 False" in begin(
        service,
        "import runcast; run = runcast.init(project='p', id='new', resume='allow'); print(run.step, run.resumed)",
    )
    error = refused("import runcast; runcast.init(project='p', id='gone', resume='must')", service.directory)
    assert error.endswith("UsageError: resume is 'must', but there is no run 'gone' in 'p'; resume='allow' begins one")


def test_never_refuses_a_run_that_is_there(service: Running) -> None:
    begin(service, FIRST.format(id="there"))
    error = refused("import runcast; runcast.init(project='p', id='there', resume='never')", service.directory)
    assert error.endswith("resume is 'never', but there is a run 'there' in 'p'; leave id out, or resume it")
    begin(service, "import runcast; runcast.init(project='p', id='not-there', resume='never')")


def test_without_a_service_must_is_refused_and_allow_begins_with_a_warning(tmp_path: Path) -> None:
    error = refused("import runcast; runcast.init(id='x', resume='must')", tmp_path)
    assert "no service is known here" in error
    done = python("import runcast; runcast.init(id='x', resume='allow')", RUNCAST_DIR=str(tmp_path))
    assert "cannot be asked: no service is known here; it begins at step 0" in done.stderr
    assert start_of(tmp_path).begin == JOIN


def test_auto_goes_on_with_what_did_not_end_well_in_this_folder(service: Running, tmp_path: Path) -> None:
    program = """
import os, sys, runcast
os.chdir(sys.argv[1])
run = runcast.init(project="auto", resume="auto")
runcast.log({"a": 1})
print("id", run.id, run.resumed)
os.chdir("/")
sys.exit(int(sys.argv[2]))
"""

    def run(status: str) -> tuple[str, str]:
        done = python(program, str(tmp_path), status, RUNCAST_DIR=str(service.directory))
        assert done.returncode == int(status), done.stderr
        _, run_id, resumed = done.stdout.split()
        return run_id, resumed

    first, _ = run("1")
    assert run("3") == (first, "True")
    assert run("0") == (first, "True")
    assert run("0")[0] != first


@pytest.mark.parametrize(
    ("asked", "begin_as", "base"),
    [
        ("id='r'", FRESH, ("", 0)),
        ("id='r', mode='shared'", JOIN, ("", 0)),
        ("", JOIN, ("", 0)),
        ("resume_from='r?_step=7'", REWIND, ("p/r", 7)),
        ("fork_from='r?_step=7', id='s'", FRESH, ("p/r", 7)),
    ],
)
def test_the_first_event_says_what_becomes_of_what_was_there(
    asked: str, begin_as: str, base: tuple[str, int], tmp_path: Path
) -> None:
    done = python(f"import runcast; print(runcast.init(project='p', {asked}).step)", RUNCAST_DIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    start = start_of(tmp_path)
    assert (start.begin, (start.base, start.base_step)) == (begin_as, base)
    assert done.stdout == ("8\n" if base[0] else "0\n")


def test_an_id_from_the_environment_is_of_a_run_to_join(tmp_path: Path) -> None:
    """W&B's variable is of a run of its own, as its keyword."""
    for variable, begin_as in (("RUNCAST_RUN_ID", JOIN), ("WANDB_RUN_ID", FRESH)):
        directory = tmp_path / variable
        python("import runcast; runcast.init()", RUNCAST_DIR=str(directory), **{variable: "r"})
        assert start_of(directory).begin == begin_as


def test_a_fork_has_the_config_of_what_it_branches_off(service: Running) -> None:
    begin(service, FIRST.format(id="trunk"))
    said = begin(
        service,
        """
import runcast
run = runcast.init(project="p", fork_from="trunk?_step=2", config={"more": 2})
print(run.id != "trunk", run.step, run.config["lr"], run.config["more"], run.resumed)
""",
    )
    assert "True 3 1 2 False" in said
    error = refused("import runcast; runcast.init(project='p', fork_from='gone?_step=2')", service.directory)
    assert error.endswith("fork_from branches off 'gone', which is no run of 'p'")


def test_a_trainer_that_knows_only_a_redis_finds_the_service_there(redis_server: str, tmp_path: Path) -> None:
    with up(tmp_path / "service", RUNCAST_URL=redis_server) as running:
        there = {"RUNCAST_DIR": str(tmp_path / "trainer"), "RUNCAST_URL": redis_server}
        done = python(FIRST.format(id="far"), **there)
        assert "Synced first" in done.stderr
        wait_until(lambda: (transport.find_service(redis_server) == running.api.url) or None)
        done = python("import runcast; print(runcast.init(project='p', id='far', resume='must').step)", **there)
        assert done.stdout == "5\n", done.stderr


def test_offline_a_run_goes_on_where_its_journals_on_this_machine_end(tmp_path: Path) -> None:
    """Nodes without a network train in turns; each turn is a process of its own."""
    program = """
import runcast
run = runcast.init(project="p", id="r", name="first", resume="must" if MUST else "allow", config={"lr": 1} | MORE)
for _ in range(3):
    runcast.log({"a": run.step, "note": "x"})
print(run.starting_step, run.resumed, run.name, dict(run.config), run.summary.get("a"), end="; ")
run.tags = ["t"]
"""
    said = [
        python(f"MUST, MORE = {must}, {more}\n{program}", RUNCAST_DIR=str(tmp_path), RUNCAST_MODE="offline").stdout
        for must, more in ((False, {}), (True, {"more": 2}), (True, {}))
    ]
    assert said == [
        "0 False first {'lr': 1} 2; ",
        "3 True first {'lr': 1, 'more': 2} 5; ",
        "6 True first {'lr': 1, 'more': 2} 8; ",
    ]
    with up(tmp_path) as running:
        wait_until(
            lambda: (len(rows_of(running.api, "p", "r")) == 9 if state_of(running.api, "p", "r") else None) or None
        )
        assert [row["a"] for row in rows_of(running.api, "p", "r")] == list(range(9))


def test_a_fresh_run_of_the_id_leaves_nothing_of_the_old_one(tmp_path: Path) -> None:
    for program in (
        "run = runcast.init(project='p', id='r', config={'old': 1}); run.log({'a': 1}); run.log({'a': 2})",
        "run = runcast.init(project='p', id='r', config={'new': 1}); run.log({'a': 1})",
    ):
        python(f"import runcast; {program}", RUNCAST_DIR=str(tmp_path), RUNCAST_MODE="offline")
    left = read_left(tmp_path, "p/r")
    assert left is not None
    assert (left["steps"], left["config"], left["summary"]) == (1, {"new": 1}, {"a": 1})
    assert read_left(tmp_path, "p/other") is None
