"""`runcast down`: stop the service of this directory."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from pathlib import Path

import click

from runcast import discovery, settings
from runcast.errors import RuncastError

WAIT_SECONDS = 30.0


@click.command()
def down() -> None:
    """Stop the service of this directory (RUNCAST_DIR).

    Trainings go on: they write their journals, and the next `runcast up` gets what was logged meanwhile.
    """
    directory = settings.directory(os.environ)
    found = discovery.read(directory)
    if found is None or not is_held(directory):
        click.echo(f"no service runs in {directory}")
        return
    if found.host and found.host != os.uname().nodename:
        raise RuncastError(f"the service of {directory} runs on {found.host}; stop it there")
    os.kill(found.pid, signal.SIGTERM)
    deadline = time.monotonic() + WAIT_SECONDS
    while is_held(directory):
        if time.monotonic() > deadline:
            raise RuncastError(f"the service (process {found.pid}) does not end; see {directory / 'service.log'}")
        time.sleep(0.02)
    click.echo("stopped")


def is_held(directory: Path) -> bool:
    """Whether a living service holds the directory; its lock tells, where a pid could be another's by now."""
    try:
        fd = os.open(directory / "service.lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False
