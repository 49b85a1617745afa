"""However a process ends, its journal says how, and holds every row whose `log` returned. No server needed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runcast.blocks import Block, Item, count
from runcast.drain import find_dead, journals
from runcast.events import Finish, Start
from runcast.reader import Reader

HEAD = "import runcast as wandb, os, sys, time, signal\nrun = wandb.init(project='p', config={'lr': 0.1})\n"


def start(directory: Path, body: str) -> subprocess.Popen[str]:
    env = {**os.environ, "RUNCAST_DIR": str(directory)}
    env.pop("RUNCAST_URL", None)
    return subprocess.Popen(
        [sys.executable, "-c", HEAD + body], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def read(directory: Path) -> list[Item]:
    reader = Reader(directory)
    items: list[Item] = []
    while found := reader.take()[1]:
        items += found
    reader.close()
    return items


def the_run(directory: Path) -> list[Item]:
    (journal,) = journals(directory)
    return read(journal)


@pytest.mark.parametrize(
    ("body", "status", "exit_code"),
    [
        ("wandb.log({'a': 1})", 0, 0),
        ("wandb.log({'a': 1}); wandb.finish(3)", 0, 3),
        ("wandb.log({'a': 1}); sys.exit(3)", 3, 3),
        ("wandb.log({'a': 1}); sys.exit('why')", 1, 1),
        ("wandb.log({'a': 1}); raise ValueError('no')", 1, 1),
        ("wandb.log({'a': 1}); raise KeyboardInterrupt", 130, 255),
        ("wandb.log({'a': 1}); os.kill(os.getpid(), signal.SIGTERM); time.sleep(5)", 143, 143),
        ("\nwith run:\n  wandb.log({'a': 1})\n  raise ValueError", 1, 1),
    ],
)
def test_the_last_word_is_the_exit_code(tmp_path: Path, body: str, status: int, exit_code: int) -> None:
    process = start(tmp_path, body)
    _, said = process.communicate(timeout=30)
    items = the_run(tmp_path)
    assert isinstance(items[0], Start)
    assert isinstance(items[-1], Finish)
    assert items[-1].exit_code == exit_code
    assert count(items) == 3
    assert process.returncode == status or (status == 130 and process.returncode != 0)
    assert "runcast sync" in said
    assert str(tmp_path) in said


def test_a_kill_right_after_log_returned_loses_nothing(tmp_path: Path) -> None:
    """The 1000th log() returned, and the next instruction is SIGKILL."""
    body = "for i in range(1000): wandb.log({'i': i, 'x': i / 3})\nos.kill(os.getpid(), signal.SIGKILL)"
    process = start(tmp_path, body)
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    (dead,) = find_dead(tmp_path)
    items = read(dead.directory)
    dead.release()
    rows = [item for item in items if isinstance(item, Block)]
    steps = [step for block in rows for step in memoryview(block.steps).cast("q")]
    assert steps == list(range(1000))
    # Who finds a journal that was never ended ends it, once.
    assert isinstance(items[-1], Finish)
    assert items[-1].exit_code is None
    (again,) = find_dead(tmp_path)
    assert again.events == dead.events == 1002
    again.release()


def test_a_living_process_is_left_alone(tmp_path: Path) -> None:
    process = start(tmp_path, "print('up', flush=True); time.sleep(30)")
    assert process.stdout is not None
    process.stdout.readline()
    assert list(find_dead(tmp_path)) == []
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 5
    while not (found := list(find_dead(tmp_path))):
        assert time.monotonic() < deadline
    found[0].release()


def test_a_forked_child_is_a_writer_of_its_own(tmp_path: Path) -> None:
    """Parent and children log to one run: each sequence has one owner, and no row is lost or doubled."""
    body = """
import multiprocessing
def work(k):
    for i in range(50): wandb.log({'who': k, 'i': i})
for i in range(50): wandb.log({'who': -1, 'i': i})
with multiprocessing.get_context('fork').Pool(3, maxtasksperchild=1) as pool:
    pool.map(work, range(3), chunksize=1)
    pool.close(); pool.join()
for i in range(50): wandb.log({'who': -1, 'i': 50 + i})
"""
    process = start(tmp_path, body)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    rows: list[tuple[int, int]] = []
    labels = set()
    for journal in journals(tmp_path):
        items = read(journal)
        assert isinstance(items[0], Start)
        assert isinstance(items[-1], Finish)
        assert items[-1].exit_code == 0
        labels.add(items[0].label.partition("-")[0])
        for block in items:
            if isinstance(block, Block):
                values = memoryview(block.values).cast("d").tolist()
                rows += [(int(values[i]), int(values[block.rows + i])) for i in range(block.rows)]
    assert labels == {"", "fork"}
    expected = [(who, i) for who in range(3) for i in range(50)] + [(-1, i) for i in range(100)]
    assert sorted(rows) == sorted(expected)


def test_a_child_that_does_not_log_says_nothing(tmp_path: Path) -> None:
    """DataLoader workers are silent."""
    body = """
wandb.log({'a': 1})
child = os.fork()
if child == 0: os._exit(0)
os.waitpid(child, 0)
"""
    process = start(tmp_path, body)
    process.communicate(timeout=30)
    assert len(journals(tmp_path)) == 1


def test_disabled_takes_every_call_and_keeps_nothing(tmp_path: Path) -> None:
    process = start(
        tmp_path,
        "wandb.finish()\nr = wandb.init(mode='disabled')\nwandb.log({'a': {'b': 1}, 'c': 'x'})\n"
        "print(dict(r.summary), r.step)\nr.finish()",
    )
    out, said = process.communicate(timeout=30)
    assert out == "{'a.b': 1, 'c': 'x'} 1\n", said
    assert len(journals(tmp_path)) == 1
