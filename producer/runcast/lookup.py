"""Find out what there is of a run that another one goes on with: from the service, and from journals on this machine.

What its last process left here is sent first, so that the service knows its last step.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from runcast.destination import Destination
from runcast.drain import drain, is_of, journals
from runcast.errors import RuncastError, ServerMissing
from runcast.left import read_left
from runcast.names import run_path
from runcast.settings import Settings

DRAIN_SECONDS_MAX = 5.0  # How long a run that goes on waits for what its last process left.


def look_up(settings: Settings, project: str, run_id: str) -> Mapping[str, Any] | None:
    """Say what there is of a run, as the service does; None if there is none.

    Where the service cannot be asked, what waits here to be sent has to do. Raises RuncastError when there is
    nothing of that either.
    """
    path = run_path(project, run_id)
    try:
        known = _ask(settings, project, run_id)
    except RuncastError:
        left = read_left(settings.directory, path)
        if left is None:
            raise
        return left
    left = read_left(settings.directory, path)
    if known is None or left is None:
        return known or left
    return {**known, "steps": max(known["steps"], left["steps"])}


def send_left(settings: Settings, project: str, run_id: str) -> None:
    """Send what a killed process left here of a run that begins anew: else it would still be taken to live."""
    path, destination = run_path(project, run_id), Destination(settings)
    if any(is_of(journal, path) for journal in journals(settings.directory)) and destination.redis() is not None:
        _drain(settings, destination, path)


def _drain(settings: Settings, destination: Destination, path: str) -> None:
    drain(
        settings.directory,
        destination.redis,
        find_service=destination.files,
        token=settings.token,
        wait_seconds=min(settings.init_seconds, DRAIN_SECONDS_MAX),
        only=path,
    )


def _ask(settings: Settings, project: str, run_id: str) -> Mapping[str, Any] | None:
    destination = Destination(settings)
    url = destination.service()
    if url is None:
        why = f"; the mode is {settings.mode}" if settings.mode != "online" else ""
        raise ServerMissing(f"no service is known here{why}")
    _drain(settings, destination, run_path(project, run_id))
    service, reading = import_module("runcast.service"), import_module("runcast.apis.about")
    try:
        found: Mapping[str, Any] = service.Service(url, settings.token, seconds_max=settings.init_seconds).run(
            project, run_id
        )
    except service.Refused as error:
        if error.status == 404:
            return None
        raise
    return {**found, "config": reading.numbers(found["config"]), "summary": reading.numbers(found["summary"])}
