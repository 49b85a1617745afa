"""What a real program's run knows of its surroundings, and that the program does not notice."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from tests.flow.running import environment, python

from runcast import events
from runcast.blocks import Block, Item
from runcast.drain import journals
from runcast.reader import Reader

ON = {"RUNCAST_SYSTEM": "1", "RUNCAST_META": "1", "RUNCAST_GIT": "1", "RUNCAST_CONSOLE": "wrap"}


def items(directory: Path) -> list[Item]:
    """What the only writer said, last of all how it ended."""
    [journal] = journals(directory)
    reader, found = Reader(journal), list[Item]()
    while more := reader.take()[1]:
        found += more
    reader.close()
    return found


def console(directory: Path) -> list[str]:
    """The lines as they are in the end."""
    lines: dict[int, str] = {}
    for item in items(directory):
        if isinstance(item, events.Console):
            lines.update(enumerate(item.lines, item.first))
    assert sorted(lines) == list(range(len(lines)))
    return [lines[number] for number in sorted(lines) if not lines[number].startswith("runcast: ")]


def run(program: str, directory: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    done = python(program, RUNCAST_DIR=str(directory), **environ)
    assert done.returncode == 0, done.stderr
    assert isinstance(items(directory)[-1], events.Finish)
    return done


PRINTING = """
import ctypes, logging, os, subprocess, sys
early = logging.StreamHandler(sys.stderr)  # Made before the run begins.
out, write, same = sys.stdout, sys.stdout.write, (sys.stdout.isatty(), sys.stdout.encoding, sys.stdout.fileno())
import runcast
runcast.init(project="p")
print("printed")
logging.getLogger().addHandler(early)
logging.warning("logged")
sys.stderr.write("\\r10%\\r100%\\n")
sys.stdout.writelines(["two", " words\\n"])
sys.stdout.flush()
os.write(1, b"from C\\n")
subprocess.run(["echo", "from a child"])
assert sys.stdout is out
assert same == (sys.stdout.isatty(), sys.stdout.encoding, sys.stdout.fileno())
runcast.finish()
assert sys.stdout.write == write, "the stream was not given back"
assert "write" not in vars(sys.stdout)
print("after")
"""


@pytest.mark.parametrize("way", ["wrap", "redirect"])
def test_what_is_printed_goes_where_it_went_and_is_kept(way: str, tmp_path: Path) -> None:
    """Every byte, in order. What C and children print is heard by `redirect` alone."""
    done = run(PRINTING, tmp_path, RUNCAST_CONSOLE=way)
    quiet = run(PRINTING, tmp_path / "quiet", RUNCAST_CONSOLE="off")
    assert done.stdout == quiet.stdout
    theirs, ours = ([line for line in each.stderr.split("\n") if "runcast" not in line] for each in (quiet, done))
    assert ours == theirs
    kept = console(tmp_path)
    assert {"printed", "two words", "logged", "100%"} <= set(kept)
    assert ("from C" in kept, "from a child" in kept) == ((way == "redirect"),) * 2
    assert "after" not in kept
    assert "10%" not in kept


def test_a_run_that_keeps_no_console_hears_nothing(tmp_path: Path) -> None:
    run(PRINTING, tmp_path, RUNCAST_CONSOLE="off")
    assert console(tmp_path) == []


@pytest.mark.parametrize("way", ["wrap", "redirect"])
def test_a_terminal_stays_a_terminal(way: str, tmp_path: Path) -> None:
    """A program that asks whether somebody watches gets the answer it would get without us, and colours arrive."""
    program = """
import os, sys, runcast
size = os.get_terminal_size(1)
runcast.init(project="p")
print(sys.stdout.isatty(), os.isatty(1), os.get_terminal_size(1) == size)
print("\\033[31mred\\033[0m")
runcast.finish()
print(os.isatty(1), "end")
"""
    master, slave = pty.openpty()
    given = environment(RUNCAST_DIR=str(tmp_path), RUNCAST_CONSOLE=way, RUNCAST_SILENT="1")
    with subprocess.Popen([sys.executable, "-c", program], stdout=slave, stderr=slave, env=given) as process:
        os.close(slave)
        said = b""
        with suppress(OSError):
            while data := os.read(master, 1024):
                said += data
        assert process.wait(30) == 0
    os.close(master)
    assert said == b"True True True\r\n\x1b[31mred\x1b[0m\r\nTrue end\r\n"
    assert console(tmp_path) == ["True True True", "red"]


@pytest.mark.parametrize("way", ["off", "wrap", "redirect"])
def test_a_program_whose_reader_left_ends_as_ever(way: str, tmp_path: Path) -> None:
    """`python train.py | head -1`"""
    program = "import runcast\nruncast.init(project='p')\nfor n in range(10**6): print(n, '.' * 100)"
    given = environment(RUNCAST_DIR=str(tmp_path), RUNCAST_CONSOLE=way)
    with subprocess.Popen([sys.executable, "-c", program], stdout=-1, stderr=-1, text=True, env=given) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(30) != 0
        assert process.stderr is not None
        assert "BrokenPipeError" in process.stderr.read()


def test_what_is_printed_in_the_last_moment_before_an_exception_is_kept(tmp_path: Path) -> None:
    done = python(
        "import runcast\nruncast.init(project='p')\nprint('last words')\nraise ValueError('no')",
        RUNCAST_DIR=str(tmp_path),
        RUNCAST_CONSOLE="wrap",
    )
    assert done.returncode == 1
    kept = console(tmp_path)
    assert kept[0] == "last words"
    assert kept[-1] == "ValueError: no"


def test_a_program_that_closes_its_streams_is_left_alone(tmp_path: Path) -> None:
    program = """
import sys, runcast
{before}
runcast.init(project="p")
runcast.log({{"a": 1}})
{after}
runcast.finish()
"""
    for at, (before, after) in enumerate(
        [("sys.stdout = None", ""), ("sys.stderr.close()", ""), ("", "sys.stdout.close()"), ("", "sys.stdout = None")]
    ):
        for way in ("wrap", "redirect"):
            run(program.format(before=before, after=after), tmp_path / f"{at}{way}", RUNCAST_CONSOLE=way)


def test_samples_are_rows_of_their_own_and_no_summary_knows_them(tmp_path: Path) -> None:
    program = """
import time, runcast
run = runcast.init(project="p")
runcast.log({"loss": 1.0})
time.sleep(0.7)
print(dict(run.summary), run.step)
"""
    done = run(program, tmp_path, RUNCAST_SYSTEM="1", RUNCAST_SYSTEM_SECONDS="0.2")
    assert done.stdout == "{'loss': 1.0} 1\n"
    samples = [item for item in items(tmp_path) if isinstance(item, Block) and item.names[0].startswith("_system/")]
    steps = [step for block in samples for step in memoryview(block.steps).cast("q")]
    assert steps == list(range(len(steps)))
    assert 1 <= len(steps) <= 6  # A busy machine may be late with the others.
    assert {"_system/cpu", "_system/memory_percent", "_system/proc.memory.rssMB"} <= set(samples[0].names)


def test_the_end_does_not_wait_long_for_facts(tmp_path: Path) -> None:
    """A Git that hangs is left behind."""
    folder = tmp_path / "bin"
    folder.mkdir()
    slow = folder / "git"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    began = time.monotonic()
    run("import runcast; runcast.init(project='p')", tmp_path, **ON, PATH=f"{folder}:{os.environ['PATH']}")
    assert time.monotonic() - began < 30  # Not the minute that Git would take.


def test_a_run_of_a_moment_still_has_its_facts(tmp_path: Path) -> None:
    run("import runcast; runcast.init(project='p'); runcast.finish()", tmp_path, **ON)
    facts = {key for item in items(tmp_path) if isinstance(item, events.Describe) for key in item.values}
    assert {"command", "interpreter", "packages", "system"} <= facts


def test_a_forked_child_is_a_writer_of_its_own_and_hears_nothing(tmp_path: Path) -> None:
    """It does not sample, and what it prints is not in the parent's console twice."""
    program = """
import os, runcast
run = runcast.init(project="p", id="r")
if os.fork() == 0:
    print("child", flush=True)
    run.log({"a": 1})
    run.finish()
    os._exit(0)
os.wait()
print("parent")
"""
    done = python(program, RUNCAST_DIR=str(tmp_path), **ON, RUNCAST_SYSTEM_SECONDS="0.1")
    assert sorted(done.stdout.split()) == ["child", "parent"], done.stderr
    said: dict[str, list[Item]] = {}
    for journal in journals(tmp_path):
        reader = Reader(journal)
        _, found = reader.take()
        reader.close()
        assert isinstance(found[0], events.Start)
        said["child" if found[0].label else "parent"] = list(found)
    assert [type(item).__name__ for item in said["child"]] == ["Start", "Block", "Finish"]
    lines = [line for item in said["parent"] if isinstance(item, events.Console) for line in item.lines]
    assert "parent" in lines
    assert "child" not in lines


def test_a_child_does_not_wait_for_a_lock_that_a_thread_of_its_parent_held(tmp_path: Path) -> None:
    """A sample or a line may be on its way at the moment of the fork."""
    program = """
import os, threading, runcast
run = runcast.init(project="p", id="r")
held, free = threading.Event(), threading.Event()
def hold():
    with run._ending:
        held.set()
        free.wait()
threading.Thread(target=hold).start()
held.wait()
if (child := os.fork()) == 0:
    run.log({"a": 1})
    run.finish()
    os._exit(0)
free.set()
assert os.waitpid(child, 0)[1] == 0
"""
    done = python(program, RUNCAST_DIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert len(journals(tmp_path)) == 2


def test_a_fork_while_facts_are_collected_never_hangs(tmp_path: Path) -> None:
    """A child that imports what the thread was just importing would wait for it for ever."""
    program = """
import os, sys, time, runcast
runcast.init(project="p")
until, forks = time.monotonic() + 0.6, 0
while time.monotonic() < until:
    if (child := os.fork()) == 0:
        import platform, subprocess
        try:
            import psutil
        except ImportError:
            pass
        print("here", flush=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    forks += 1
print(forks)
"""
    for turn in range(5):
        done = run(program, tmp_path / str(turn), **ON)
        *children, forks = done.stdout.split()
        assert children == ["here"] * int(forks)
        assert int(forks) > 0


def test_a_program_that_prints_without_end_is_heard_as_far_as_the_bound_and_not_slowed(tmp_path: Path) -> None:
    program = """
import time, runcast
runcast.init(project="p")
began = time.monotonic()
for n in range(200_000):
    print(n, "." * 60)
print("end of it")
"""
    done = run(program, tmp_path, RUNCAST_CONSOLE="wrap")
    assert done.stdout.count("\n") == 200_001
    kept = console(tmp_path)
    assert kept[0].startswith("0 ...")
    assert 20_000 < len(kept) < 150_000
    assert any("lines are missing here" in line for line in kept[-3:])


COST = """
import resource, sys, time, runcast
runcast.init(project="p")
time.sleep(2)  # What is loaded and asked once.
def spent():
    return sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
began, at = spent(), time.monotonic()
for tick in range(int(sys.argv[1])):
    time.sleep(0.1)
    if len(sys.argv) > 2: sys.stderr.write(f"\\r{tick}%")
print((spent() - began) / (time.monotonic() - at))
"""


def test_what_surrounds_a_run_costs_next_to_nothing(tmp_path: Path) -> None:
    """Measured against the same program without; the sender's own thread is in both."""
    quiet = python(COST, "40", "bar", RUNCAST_DIR=str(tmp_path / "a"), RUNCAST_MODE="offline")
    whole = python(COST, "40", "bar", RUNCAST_DIR=str(tmp_path / "b"), RUNCAST_MODE="offline", **ON)
    shares = [float(re.sub(r"(?s).*\n(?=0|1)", "", done.stdout.strip())) for done in (quiet, whole)]
    print(f"\nshare of a core: {shares[0]:.2%} without, {shares[1]:.2%} with everything")
    # A short look at a busy machine: it sees a loop that spins. The figure itself is tests/bench/everything.py's.
    assert shares[1] - shares[0] < 0.02
