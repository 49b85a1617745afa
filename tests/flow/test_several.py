"""Several runs in one process, and one run in several processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.flow.running import environment, python

from runcast.blocks import Block
from runcast.drain import journals
from runcast.events import JOIN, Alert, Config, Describe, Finish, Start, Summary
from runcast.reader import Reader, read_header, segments


def events_of(directory: Path) -> dict[str, list[object]]:
    """Every journal's events, by the writer's label and its run's path."""
    found: dict[str, list[object]] = {}
    for journal in journals(directory):
        header = read_header(segments(journal)[0][1])
        reader = Reader(journal)
        events: list[object] = []
        while more := reader.take()[1]:
            events += more
        reader.close()
        found[f"{header.path} {header.label}".strip()] = events
    return found


def test_runs_beside_each_other_end_with_the_process(tmp_path: Path) -> None:
    done = python(
        """
import sys, runcast
first = runcast.init(project="p", id="a")
second = runcast.init(project="p", id="b", reinit="create_new")
runcast.log({"x": 1})
second.log({"x": 2})
sys.exit(3)
""",
        RUNCAST_DIR=str(tmp_path),
    )
    assert done.returncode == 3
    found = events_of(tmp_path)
    for path, value in (("p/a", 1.0), ("p/b", 2.0)):
        _, row, last = found[path]
        assert isinstance(row, Block)
        assert memoryview(row.values).cast("d").tolist() == [value]
        assert isinstance(last, Finish)
        assert last.exit_code == 3


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_run_that_is_handed_to_another_process_is_joined_when_it_logs(method: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        """
import multiprocessing, sys
import runcast

def work(run, log):
    if log:
        run.log({"child": 1})

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    run = runcast.init(project="p", id="r", name="n")
    run.log({"parent": 1})
    for log in (True, False):
        child = context.Process(target=work, args=(run, log))
        child.start()
        child.join()
        assert child.exitcode == 0
"""
    )
    done = subprocess.run(
        [sys.executable, str(program), method],
        env=environment(RUNCAST_DIR=str(tmp_path / "home")),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = events_of(tmp_path / "home")
    assert len(found) == 2
    [joined] = [events for path, events in found.items() if path.startswith("p/r process-")]
    start, row, last = joined
    assert isinstance(start, Start)
    assert isinstance(row, Block)
    assert isinstance(last, Finish)
    assert (start.name, start.begin, row.names) == ("n", JOIN, ("child",))


def test_a_writer_of_a_shared_run_says_only_what_it_is_asked_for(tmp_path: Path) -> None:
    """Its config and summary are not the run's, and neither is its exit code."""
    done = python(
        """
import sys, runcast
run = runcast.init(
    project="p", id="r", mode="shared", config={"lr": 1},
    settings=runcast.Settings(x_label="worker", x_primary=False, x_update_finish_state=False),
)
run.log({"a": 1})
run.config.more = 2
run.summary["best"] = 3
sys.exit(5)
""",
        RUNCAST_DIR=str(tmp_path),
    )
    assert done.returncode == 5, done.stderr
    events = events_of(tmp_path)["p/r worker"]
    start, last = events[0], events[-1]
    assert isinstance(start, Start)
    assert isinstance(last, Finish)
    assert (start.label, start.config, last.exit_code) == ("worker", {}, 0)
    assert not any(isinstance(event, Config | Summary) for event in events)


def test_what_is_told_of_a_run_while_it_goes_on_is_in_its_journal(tmp_path: Path) -> None:
    done = python(
        """
import runcast
run = runcast.init(project="p", id="r", tags=["a"])
run.tags += ("b",)
run.notes = "n"
run.mark_preempting()
run.pin_config_keys(["lr"])
for _ in range(3):
    runcast.alert("loss is NaN", "look", level="ERROR")
runcast.alert("another", wait_duration=0)
runcast.alert("another", wait_duration=0)
""",
        RUNCAST_DIR=str(tmp_path),
    )
    assert done.returncode == 0, done.stderr
    events = events_of(tmp_path)["p/r"]
    assert [event.values for event in events if isinstance(event, Describe)] == [
        {"tags": ["a", "b"]},
        {"notes": "n"},
        {"preempting": True},
        {"pinned_config": ["lr"]},
    ]
    assert [(event.title, event.text, event.level) for event in events if isinstance(event, Alert)] == [
        ("loss is NaN", "look", "ERROR"),
        ("another", "", "INFO"),
        ("another", "", "INFO"),
    ]


def test_config_comes_from_files_too_and_keys_can_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "defaults.yaml").write_text("lr: {value: 1, desc: null}\nepochs: 5\n")
    done = python(
        """
import argparse, runcast
run = runcast.init(config=argparse.Namespace(lr=2, secret=3), config_exclude_keys=["secret"])
print(dict(run.config))
""",
        RUNCAST_DIR=str(tmp_path),
        WANDB_CONFIG_PATHS=str(tmp_path / "defaults.yaml"),
    )
    assert done.stdout == "{'lr': 2, 'epochs': 5}\n", done.stderr


def test_a_copy_of_a_run_that_is_over_is_that_run(tmp_path: Path) -> None:
    """Trainers copy what they hold; that must not begin anything."""
    done = python(
        """
import copy, pickle, runcast
run = runcast.init()
run.finish()
print(copy.deepcopy(run) is run, pickle.loads(pickle.dumps(run)) is run, runcast.run)
""",
        RUNCAST_DIR=str(tmp_path),
    )
    assert done.stdout == "True True None\n", done.stderr
