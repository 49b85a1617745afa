"""The real thing for the browser to look at: a service on a free port, and trainings that log to it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import textwrap
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.flow.running import ALONE

START_SECONDS_MAX = 40.0
END_SECONDS_MAX = 20.0


@dataclass
class Stage:
    """A running service, in a directory of its own."""

    directory: Path
    url: str
    given: dict[str, str] = field(default_factory=dict)  # Settings beside the directory.
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What a program that logs here has to be given."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("RUNCAST_")}
        return clean | ALONE | {"RUNCAST_DIR": str(self.directory), "RUNCAST_SILENT": "true"} | self.given

    def start(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a training; it reads `sys.argv[1:]`."""
        command = [sys.executable, "-c", "import sys, time, math, runcast\n" + textwrap.dedent(program), *arguments]
        process = subprocess.Popen(command, env=self.environment, stdin=subprocess.PIPE)
        self.processes.append(process)
        return process

    def train(self, program: str, *arguments: str) -> None:
        """Run a training to its end."""
        assert self.start(program, *arguments).wait(60) == 0

    def get(self, path: str) -> Any:
        """Ask the REST API."""
        with urllib.request.urlopen(f"{self.url}/api/v1{path}", timeout=10) as answer:
            return json.load(answer)

    def history(self, project: str, run: str) -> list[dict[str, Any]]:
        """Read every row of a run."""
        with urllib.request.urlopen(f"{self.url}/api/v1/projects/{quote(project)}/runs/{run}/history") as answer:
            return [json.loads(line) for line in answer]

    def end(self) -> None:
        """Stop the trainings that still run."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            if process.stdin:
                process.stdin.close()


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def service(directory: Path, *options: str, **given: str) -> Iterator[Stage]:
    """Run `runcast up` in a directory, until its health is good and as long as it is needed."""
    port = free_port()
    stage = Stage(directory, f"http://127.0.0.1:{port}", given)
    with command(stage, "up", "--port", str(port), "--no-open", *options, health=f"{stage.url}/healthz"):
        try:
            yield stage
        finally:
            stage.end()


@contextlib.contextmanager
def command(stage: Stage, *words: str, health: str) -> Iterator[None]:
    """Run one of Runcast's commands, until an address answers and as long as it is needed."""
    said = stage.directory / f"{words[0]}.log"
    with said.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "runcast.cli", *words],
            env=stage.environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait(process, health, said)
            yield
        finally:
            process.terminate()
            try:
                process.wait(END_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], health: str, said: Path) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(health, timeout=2):
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    pytest.fail(f"`runcast {said.stem}` did not come up:\n{said.read_text(errors='replace')[-3000:]}", pytrace=False)
