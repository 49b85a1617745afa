"""The dashboard as `runcast up` mounts it: under the service's own address, sharing its token and its live socket."""

from __future__ import annotations

import socket

from starlette.types import ASGIApp

from runcast_dashboard.mount import Lifespan, pages
from runcast_dashboard.settings import DashboardSettings
from runcast_ingest.service import address
from runcast_ingest.settings import Settings


def mounted(settings: Settings, line: socket.socket) -> tuple[ASGIApp, Lifespan]:
    """Make the pages for a service that will listen on `line`."""
    return pages(DashboardSettings(address(line), settings.token or ""))
