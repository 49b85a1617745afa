"""Ask the service for a run that another one goes on with, once what its last process left here is stored."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from runcast.destination import Destination
from runcast.drain import drain
from runcast.errors import ServerMissing
from runcast.names import run_path
from runcast.settings import Settings

DRAIN_SECONDS_MAX = 5.0  # How long a run that goes on waits for what its last process left.


def look_up(settings: Settings, project: str, run_id: str) -> Mapping[str, Any] | None:
    """Give what the service knows of a run, None if it knows of none; raises RuncastError if it cannot be asked."""
    destination = Destination(settings)
    url = destination.service()
    if url is None:
        why = f"; the mode is {settings.mode}" if settings.mode != "online" else ""
        raise ServerMissing(f"no service is known here{why}")
    drain(
        settings.directory,
        destination.redis,
        find_service=destination.files,
        token=settings.token,
        wait_seconds=min(settings.init_seconds, DRAIN_SECONDS_MAX),
        only=run_path(project, run_id),
    )
    service = import_module("runcast.service")
    try:
        found: Mapping[str, Any] = service.Service(url, settings.token, seconds_max=settings.init_seconds).run(
            project, run_id
        )
    except service.Refused as error:
        if error.status == 404:
            return None
        raise
    return found
