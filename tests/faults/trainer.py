"""A training that logs what `truth` says, until a file tells it to stop: `trainer.py NUMBER TRUTH_DIR ROWS_PER_SECOND`.

Where it publishes and where its journal lies, its environment says. Some fork a child that logs to the same run.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import time
from pathlib import Path

from tests.faults.truth import Count, row

import runcast

BURST = 20
FORK_EVERY = 3  # Each third trainer forks once.
FORK_AT = 400
CHILD = 1_000_000  # The child of trainer n is trainer n + CHILD.
CHILD_ROWS = 100


def main(number: int, truth: Path, rows_per_second: float) -> None:
    """Log bursts of rows."""
    run = runcast.init(project="faults", id=f"trainer-{number}", config={"trainer": number})
    count, logged, begun = Count(truth / f"{number}"), 0, time.monotonic()
    while not (truth / "stop").exists():
        for _ in range(BURST):
            logged += 1
            run.log(row(number, logged))
            count.set(logged)
        if number % FORK_EVERY == 0 and logged == FORK_AT and os.fork() == 0:
            log_as_child(number + CHILD, truth)
        time.sleep(max(0.0, begun + logged / rows_per_second - time.monotonic()))
    runcast.finish()


def log_as_child(number: int, truth: Path) -> None:
    """Log to the parent's run, as a writer of its own, and end."""
    count = Count(truth / f"{number}")
    for logged in range(1, CHILD_ROWS + 1):
        runcast.log(row(number, logged))
        count.set(logged)
    runcast.finish()
    os._exit(0)


if __name__ == "__main__":
    faulthandler.register(signal.SIGUSR1)
    main(int(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))
