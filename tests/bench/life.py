"""How long `runcast up` takes until it is ready, and how long after a SIGKILL everything is stored again."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

from tests.bench.crowd import stored_rows
from tests.bench.figure import Figure, percentile, table
from tests.bench.place import start
from tests.flow.running import up, wait_until

from runcast import discovery

TRAINERS = 4


def ready_ms(*arguments: str) -> float:
    """Start a service in a fresh directory and time it until it answers that it is ready."""
    with tempfile.TemporaryDirectory(prefix="rcb-", ignore_cleanup_errors=True) as folder:
        begun = time.perf_counter()
        with up(Path(folder), *arguments):
            return 1000 * (time.perf_counter() - begun)


def page_ms() -> float:
    """Start a service in a fresh directory and time it until a browser that asks at once has the first page."""
    with tempfile.TemporaryDirectory(prefix="rcb-", ignore_cleanup_errors=True) as folder:
        begun = time.perf_counter()
        with up(Path(folder), "--dashboard") as running, urlopen(running.api.url, timeout=60) as page:
            page.read()
            return 1000 * (time.perf_counter() - begun)


def recovery_seconds(seconds: float) -> float:
    """Kill the service under four trainers, start it again, and time it until every row logged so far is stored."""
    with tempfile.TemporaryDirectory(prefix="rcb-", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        trainers = []
        with up(place) as running:
            for number in range(TRAINERS):
                process = start("tests.bench.crowd", "--trainer", f"run-{number}", seconds, RUNCAST_DIR=folder)
                assert process.stdout is not None
                assert process.stdin is not None
                process.stdout.readline()
                process.stdin.write("go\n")
                process.stdin.flush()
                trainers.append(process)
            time.sleep(seconds / 2)
            found = discovery.read(place)
            assert found is not None
            os.kill(found.pid, signal.SIGKILL)
            running.process.wait()
        begun = time.perf_counter()
        before = stored_rows(place / "runcast.db")
        with up(place):
            wait_until(lambda: True if stored_rows(place / "runcast.db") > before else None, 30)
            taken = time.perf_counter() - begun
            for process in trainers:
                process.communicate()
        return taken


def measure(*, quick: bool) -> list[Figure]:
    """Measure."""
    times = 2 if quick else 5
    bare = [ready_ms() for _ in range(times)]
    whole = [ready_ms("--dashboard") for _ in range(times)]
    return [
        Figure("runcast up to ready", percentile(whole, 0.5), "ms", 2000, note="service, dashboard and private Redis"),
        Figure("runcast up --no-dashboard to ready", percentile(bare, 0.5), "ms", 2000),
        Figure("runcast up to the first page", page_ms(), "ms", note="it loads behind the service"),
        Figure(
            "stored again after SIGKILL of the service",
            recovery_seconds(6.0),
            "s",
            5,
            note="with the start of the new one",
        ),
    ]


if __name__ == "__main__":
    print(table(measure(quick=False)))
