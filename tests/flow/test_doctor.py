"""The doctor says at the end what is wrong, or that all is well, and its status says the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.flow.running import python, runcast
from tests.flow.terminal import look

LOG = "import runcast\nwith runcast.init(project='p') as run:\n  for step in range(300): run.log({'x': step})"


@pytest.fixture
def waiting(tmp_path: Path) -> Path:
    """A directory with a journal that nobody has stored yet."""
    assert python(LOG, RUNCAST_DIR=str(tmp_path)).returncode == 0
    return tmp_path


def test_a_directory_with_nothing_in_it_is_well(tmp_path: Path) -> None:
    done = runcast("doctor", RUNCAST_DIR=str(tmp_path))
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "all is well"


def test_journals_are_read_with_a_bar_that_says_how_far(waiting: Path) -> None:
    status, said = look("doctor", RUNCAST_DIR=str(waiting))
    assert status == 0, said
    assert "░ 0/1, " in said
    assert "1 waits to be stored with" in said
    assert "all is well" in said.splitlines()[-1]


def test_without_a_terminal_there_is_no_bar(waiting: Path) -> None:
    done = runcast("doctor", RUNCAST_DIR=str(waiting))
    assert done.stderr == ""
    assert "░" not in done.stdout


def test_a_database_that_is_none_is_named_and_the_journals_are_read_all_the_same(waiting: Path) -> None:
    (waiting / "runcast.db").write_bytes(b"no database" * 1000)
    done = runcast("doctor", RUNCAST_DIR=str(waiting))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "1 waits to be stored with" in done.stdout
    assert f"WRONG     the database at {waiting}/runcast.db cannot be read" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("1 thing is wrong")


def test_a_damaged_journal_is_named(waiting: Path) -> None:
    (segment,) = (path for path in (waiting / "journals").rglob("*") if path.is_file() and path.name != "lock")
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 0xFF
    segment.write_bytes(data)
    done = runcast("doctor", RUNCAST_DIR=str(waiting))
    assert done.returncode == 1, done.stdout
    assert "WRONG     journal" in done.stdout
    assert "wrong, listed above" in done.stdout.splitlines()[-1]
