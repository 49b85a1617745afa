"""A service in the background: `up --detach` leaves it there, the demo takes it away again."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import webbrowser
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from runcast import discovery, settings
from runcast.discovery import Discovery
from runcast.errors import RuncastError, ServerMissing
from runcast.service import Refused, Service

LOG = "service.log"
START_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 30.0


def launch(directory: Path, arguments: Sequence[str], environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start `runcast up` in a session of its own, its words going to the directory's log, and wait until it is ready.

    `environ` are its settings, all but the directory. Raises RuncastError with its last words when it ends instead.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = directory / LOG
    with log.open("ab") as file:
        begun = file.tell()
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "runcast.cli", "up", "--no-open", *arguments],
            env={**environ, settings.DIR: str(directory)},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS_MAX
    try:
        while not _is_ready(directory, process.pid):
            if process.poll() is not None:
                raise RuncastError(_last_words(log, begun))
            if time.monotonic() > deadline:
                raise RuncastError(f"the service is not ready after {START_SECONDS_MAX:.0f} s; see {log}")
            time.sleep(0.02)
    except BaseException:
        # Ctrl-C while it starts, too: nobody would know of it.
        end(process)
        raise
    return process


@contextmanager
def service_process(directory: Path, *arguments: str) -> Iterator[Discovery | None]:
    """Have a service for as long as the block lasts, with a stream server of its own, whatever trainings here use."""
    process = launch(directory, arguments, settings.alone(os.environ, directory))
    try:
        yield discovery.read(directory)
    finally:
        end(process)


def end(*processes: subprocess.Popen[Any]) -> None:
    """End processes in order: all are asked, and who has not ended after a while is killed."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + STOP_SECONDS_MAX
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def open_page(url: str, *, always: bool = False) -> None:
    """Open a page in the reader's browser, where there is one to open it in."""
    if always or sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        with suppress(webbrowser.Error):
            webbrowser.open(url)


def _is_ready(directory: Path, pid: int) -> bool:
    found = discovery.read(directory)
    if found is None or found.pid != pid:
        return False
    try:
        Service(found.url, settings.read_token(os.environ)).get("/readyz")
    except (Refused, ServerMissing):
        return False
    return True


def _last_words(log: Path, begun: int) -> str:
    with log.open("rb") as file:
        file.seek(begun)
        lines = file.read().decode(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("runcast: ") if lines else f"the service ended without a word; see {log}"
