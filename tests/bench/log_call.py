"""What a call of `log()` costs the training: with 2 metrics and with 1000, while a service takes everything."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from time import perf_counter_ns, sleep
from typing import Any

from tests.bench.figure import Figure, percentile, table
from tests.bench.place import run_python, service

CALLS = {"narrow": 50_000, "wide": 1_000}
PACED_CALLS = 5_000

PROGRAM = """
import sys, time, json
from time import perf_counter_ns
import runcast
keys, calls, pause = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
run = runcast.init(project="bench")
row = {f"metric/{n}": n * 0.1 for n in range(keys)}
for n in range(min(calls // 10, 2000)):
    run.log(row)
time.sleep(1)  # The way to Redis loads in the background for the first 0.1 s.
taken = []
for n in range(calls):
    row["metric/0"] = n * 0.5
    begun = perf_counter_ns()
    run.log(row)
    taken.append(perf_counter_ns() - begun)
    if pause: time.sleep(pause)
run.finish()
print(json.dumps(taken))
"""


def calls(directory: Path, keys: int, count: int, *, pause: float = 0.0) -> list[float]:
    """Time calls in a process of their own, in µs."""
    said = run_python(PROGRAM, str(keys), str(count), str(pause), RUNCAST_DIR=str(directory), RUNCAST_SILENT="1")
    return [float(ns) / 1000 for ns in said.strip()[1:-1].split(",")]


def raw_writes(size: int, count: int, *, pause: float = 0.0) -> list[float]:
    """Time a bare `os.write` of as many bytes to a file that grows, in µs."""
    with tempfile.TemporaryDirectory(prefix="rcb-") as folder:
        fd = os.open(Path(folder) / "raw", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        data, taken = bytes(size), []
        for _ in range(count):
            begun = perf_counter_ns()
            os.write(fd, data)
            taken.append((perf_counter_ns() - begun) / 1000)
            if pause:
                sleep(pause)
        os.close(fd)
    return taken


def measure(*, quick: bool) -> list[Figure]:
    """Measure."""
    narrow_calls, wide_calls = (count // (10 if quick else 1) for count in CALLS.values())
    with service() as running:
        narrow = calls(running.directory, 2, narrow_calls)
        wide = calls(running.directory, 1000, wide_calls)
        paced = calls(running.directory, 2, PACED_CALLS, pause=0.001)
    small, large = raw_writes(48, narrow_calls), raw_writes(8 * 1000 + 32, wide_calls)
    rested = raw_writes(48, PACED_CALLS, pause=0.001)  # A core that slept is slower for a while.
    what: dict[str, Any] = {"unit": "µs", "limit_name": "os.write"}
    return [
        Figure(
            "log() of 2 metrics, p50",
            percentile(narrow, 0.5),
            target=3,
            limit=percentile(small, 0.5),
            **what,
            note=f"{narrow_calls} calls at full speed, a service taking them",
        ),
        Figure(
            "log() of 2 metrics, p99.9", percentile(narrow, 0.999), target=100, limit=percentile(small, 0.999), **what
        ),
        Figure(
            "log() of 2 metrics, p99.9 at 1 kHz",
            percentile(paced, 0.999),
            target=100,
            limit=percentile(rested, 0.999),
            **what,
            note="as a training would",
        ),
        Figure(
            "log() of 1000 metrics, p50",
            percentile(wide, 0.5),
            target=60,
            limit=percentile(large, 0.5),
            **what,
            note=f"{wide_calls} calls at full speed",
        ),
    ]


if __name__ == "__main__":
    print(table(measure(quick=False)))
