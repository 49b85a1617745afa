"""Where benchmarks run: a directory of their own, a service in it, and trainers that are processes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.flow.running import Running, environment, up

LOOP = 3_000_000


@contextmanager
def service(*arguments: str) -> Iterator[Running]:
    """Have `runcast up` in a fresh directory."""
    with (
        tempfile.TemporaryDirectory(prefix="rcb-", ignore_cleanup_errors=True) as folder,
        up(Path(folder), *arguments) as running,
    ):
        yield running


def start(module: str, *arguments: object, **environ: str) -> subprocess.Popen[str]:
    """Start a program of the benchmarks; what it prints can be read."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *map(str, arguments)],
        env=environment(RUNCAST_SILENT="1", **environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def run_python(program: str, *arguments: str, **environ: str) -> str:
    """Run a few lines of Python in a process of their own; what they print."""
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=environment(**environ),
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def resident_mb(pid: int) -> float:
    """Read how much memory a process holds."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def loop_ms() -> float:
    """Take the CPU time of a fixed loop: how fast this core is now, whatever else waits for it."""
    begun = time.thread_time()
    total = 0
    for number in range(LOOP):
        total += number
    return 1000 * (time.thread_time() - begun)


def browser_mb() -> float:
    """Read how much memory the browsers of this process hold; what their processes share is counted once."""
    parents: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # It has ended.
            parent = int(status.read_text().rpartition(")")[2].split()[1])
            parents.setdefault(parent, []).append(int(status.parent.name))
    ours, kilobytes = [os.getpid()], 0
    while ours:
        pid = ours.pop()
        ours += parents.get(pid, [])
        with suppress(OSError):
            if b"chrom" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]:
                told = Path(f"/proc/{pid}/smaps_rollup").read_text()
                kilobytes += next(int(line.split()[1]) for line in told.splitlines() if line.startswith("Pss:"))
    return kilobytes / 1024
