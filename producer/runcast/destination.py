"""Where a run's events go, and where people see them: as set, or at the service that runs on this machine."""

from __future__ import annotations

import time
from urllib.parse import quote

from runcast import discovery, lazy
from runcast.settings import Settings

LOOK_SECONDS = 1.0  # How long what was found counts: a service may come, go, or move to another port.


class Destination:
    """What one run's settings come to, now."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._found: discovery.Discovery | None = None
        self._found_at = 0.0

    def redis(self) -> str | None:
        """Say where to publish; None for nowhere."""
        if self._settings.mode != "online":
            return None
        if self._settings.url is not None:
            return self._settings.url
        found = self._discover()
        return found.redis if found is not None else None

    def service(self) -> str | None:
        """Say where the service is asked over HTTP; None while none is known, or none is to be asked.

        A trainer that knows only a Redis asks that one: it may take as long as Redis takes to answer.
        """
        if self._settings.mode != "online":
            return None
        if (known := self.pages()) is not None or self._settings.url is None:
            return known
        transport = lazy.transport()
        try:
            found: str | None = transport.find_service(self._settings.url)
        except transport.TROUBLE:
            return None
        return found

    def files(self) -> str | None:
        """Say which service keeps the files of what goes to that Redis, which may be asked: so only a thread does."""
        delivery = lazy.load("runcast.delivery")
        found: str | None = delivery.locate(
            self.redis(), page_url=self._settings.page_url, directories=[self._settings.directory]
        )
        return found

    def pages(self) -> str | None:
        """Say where the pages are; None while no service is known."""
        if self._settings.page_url is not None:
            return self._settings.page_url
        found = self._discover()
        return found.url if found is not None else None

    def run_page(self, project: str, run_id: str) -> str | None:
        """Name the page with a run's curves."""
        base = self.pages()
        return f"{base}/run?project={quote(project, safe='')}&run={quote(run_id)}" if base else None

    def project_page(self, project: str) -> str | None:
        """Name the page with a project's runs."""
        base = self.pages()
        return f"{base}/runs?project={quote(project, safe='')}" if base else None

    def _discover(self) -> discovery.Discovery | None:
        now = time.monotonic()
        if self._found is None or now - self._found_at > LOOK_SECONDS:
            self._found, self._found_at = discovery.read(self._settings.directory), now
        return self._found
