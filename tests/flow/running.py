"""A service to test against: a process like any user's, on a free port, in a directory of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from runcast import discovery
from runcast.errors import ServerMissing
from runcast.service import Refused, Service

READY_SECONDS_MAX = 60.0

T = TypeVar("T")

# A test of other things has exactly the events that its program made.
ALONE = {"RUNCAST_SYSTEM": "0", "RUNCAST_META": "0", "RUNCAST_GIT": "0", "RUNCAST_CONSOLE": "off"}


@dataclass(frozen=True)
class Running:
    """A service that runs: its directory, its process, and its API."""

    directory: Path
    process: subprocess.Popen[str]
    api: Service

    def runcast(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the command line against it."""
        return runcast(*arguments, RUNCAST_DIR=str(self.directory), **environ)


def environment(**given: str) -> dict[str, str]:
    """The environment of a test's processes: nothing of the machine's own settings."""
    return {key: value for key, value in os.environ.items() if not key.startswith("RUNCAST_")} | ALONE | given


def runcast(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the command line to its end."""
    return subprocess.run(
        [sys.executable, "-m", "runcast.cli", *arguments],
        env=environment(**environ),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def python(program: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a Python program to its end."""
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=environment(**environ),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@contextmanager
def up(directory: Path, *arguments: str, token: str | None = None, **environ: str) -> Iterator[Running]:
    """Have `runcast up` for as long as the block lasts; without the dashboard, unless it is asked for."""
    if "--dashboard" in arguments:
        arguments = tuple(word for word in arguments if word != "--dashboard")
    else:
        arguments = ("--no-dashboard", *arguments)
    given = dict(environ) | ({"RUNCAST_TOKEN": token} if token else {})
    process = subprocess.Popen(
        [sys.executable, "-m", "runcast.cli", "up", "--port", "0", "--no-open", *arguments],
        env=environment(RUNCAST_DIR=str(directory), **given),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        service = wait_until(lambda: _ready(directory, process, token), READY_SECONDS_MAX)
        yield Running(directory, process, service)
    finally:
        process.terminate()
        try:
            said, _ = process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
            raise AssertionError(f"the service did not end:\n{said}") from None
        sys.stdout.write(said)  # Shown by pytest when the test fails.


def wait_until(fact: Callable[[], T | None], seconds: float = 20.0) -> T:
    """Wait for something to be there, and return it; AssertionError after the deadline."""
    deadline = time.monotonic() + seconds
    while (found := fact()) is None:
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)
    return found


def state_of(service: Service, project: str, run: str) -> str | None:
    """A run's state, or None while the service does not know it."""
    try:
        return str(service.run(project, run)["state"])
    except Refused:
        return None


def rows_of(service: Service, project: str, run: str) -> list[Mapping[str, object]]:
    """A run's history."""
    return list(service.history(project, run))


def _ready(directory: Path, process: subprocess.Popen[str], token: str | None) -> Service | None:
    assert process.poll() is None, f"the service ended: {process.stdout.read() if process.stdout else ''}"
    found = discovery.read(directory)
    if found is None or found.pid != process.pid:
        return None
    service = Service(found.url, token)
    try:
        service.get("/readyz")
    except (Refused, ServerMissing):
        return None
    return service
