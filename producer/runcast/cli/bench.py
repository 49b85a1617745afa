"""`runcast bench`: what this machine does, in half a minute: a call of log(), throughput to the disk, and latency."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from runcast import discovery, settings
from runcast.cli import table
from runcast.cli.background import end, service_process
from runcast.cli.progress import Progress
from runcast.cli.watch import Watch
from runcast.errors import RuncastError
from runcast.service import Service

PROJECT = "bench"
ROWS = 50_000
PACED_ROWS, ROWS_PER_SECOND = 200, 20

_LOG = """
import json, time, runcast
run = runcast.init(project="bench", id="cost", mode="offline")
took = []
for step in range(50_000):
    begun = time.perf_counter_ns()
    run.log({"loss": 0.5, "acc": step})
    took.append(time.perf_counter_ns() - begun)
took.sort()
print(json.dumps([took[len(took) * part // 1000] / 1000 for part in (500, 990, 999)]))
"""
_FLOOD = """
import sys, time, runcast
run = runcast.init(project="bench", id=sys.argv[1])
begun = time.perf_counter()
for step in range(int(sys.argv[2])):
    run.log({"loss": 0.5, "acc": step})
run.finish()
print(time.perf_counter() - begun)
"""
_PACED = """
import sys, time, runcast
run = runcast.init(project="bench", id="paced")
time.sleep(1)
for step in range(int(sys.argv[1])):
    run.log({"loss": 0.5, "acc": step})
    time.sleep(1 / int(sys.argv[2]))
run.finish()
"""


@click.command()
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    default=2,
    metavar="N",
    show_default=True,
    help="So many log at full speed.",
)
def bench(processes: int) -> None:
    """Measure this machine: log(), throughput, latency.

    It takes half a minute, uses a service and a directory of its own, and leaves nothing behind.
    """
    with tempfile.TemporaryDirectory(prefix="runcast-bench-") as folder, Progress() as progress:
        directory = Path(folder)
        progress.show("1 of 3: calls of log() …")
        cost = json.loads(_run(directory, _LOG))
        progress.show("2 of 3: from many rows to the disk …")
        with service_process(directory, "--port", "0", "--no-dashboard"):
            found = discovery.read(directory)
            if found is None:
                raise RuncastError("the service of the bench is gone")
            service = Service(found.url, settings.read_token(os.environ))
            seconds = _flood(directory, processes)
            progress.show("3 of 3: from log() to a subscriber …")
            with Watch(service, PROJECT) as watch:
                _run(directory, _PACED, str(PACED_ROWS), str(ROWS_PER_SECOND))
                time.sleep(0.5)
                p50, p99 = watch.percentiles("paced")
    points = processes * ROWS * 2
    table.print_table(
        ["FIGURE", "HERE"],
        [
            ("log() of 2 metrics, p50 / p99 / p99.9", " / ".join(f"{each:.1f}" for each in cost) + " µs"),
            (f"logged to stored, {processes} processes", f"{points / seconds:,.0f} points/s"),
            (f"log to a subscriber, p50 / p99, {ROWS_PER_SECOND} rows/s", f"{p50} / {p99} ms"),
        ],
    )


def _flood(directory: Path, processes: int) -> float:
    """Log at full speed in several processes; return the seconds until the last of them is stored."""
    with ExitStack() as stack:
        started = [
            stack.enter_context(_started(directory, _FLOOD, f"flood{number}", str(ROWS))) for number in range(processes)
        ]
        return max(float(_said(process)) for process in started)


def _run(directory: Path, program: str, *arguments: str) -> str:
    with _started(directory, program, *arguments) as process:
        return _said(process)


@contextmanager
def _started(directory: Path, program: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run one of our own programs for no longer than the block."""
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", program, *arguments],
        env=settings.alone(os.environ, directory) | {settings.SILENT: "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,  # Of one that is ended in the middle, nobody wants to read a traceback.
        text=True,
        start_new_session=True,  # Ctrl-C is for the bench; it tells them itself.
    )
    try:
        yield process
    finally:
        end(process)


def _said(process: subprocess.Popen[str]) -> str:
    said, complaint = process.communicate()
    if process.returncode:
        raise RuncastError(f"a program of the bench ended with status {process.returncode}: {complaint.strip()[-500:]}")
    return said
