"""`runcast down`: stop the service of this directory."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import click

from runcast import discovery
from runcast.cli.place import directory_option
from runcast.errors import RuncastError

WAIT_SECONDS = 30.0


@click.command()
@directory_option
def down(directory: Path) -> None:
    """Stop the service of a directory.

    Trainings go on: they write their journals, and the next `runcast up` gets what was logged meanwhile.
    """
    found = discovery.read(directory)
    elsewhere = found is not None and found.host not in {"", os.uname().nodename}
    if found is None or not (elsewhere or is_held(directory)):
        click.echo(f"no service runs in {directory}")
        return
    if elsewhere:
        raise RuncastError(f"the service of {directory} runs on {found.host}; stop it there")
    try:
        with suppress(ProcessLookupError):
            os.kill(found.pid, signal.SIGTERM)
    except PermissionError as error:
        raise RuncastError(f"the service (process {found.pid}) is another user's; stop it as that user") from error
    deadline = time.monotonic() + WAIT_SECONDS
    while is_held(directory):
        if time.monotonic() > deadline:
            raise RuncastError(f"the service (process {found.pid}) does not end; see {directory / 'service.log'}")
        time.sleep(0.02)
    click.echo(f"stopped the service of {directory}")


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
