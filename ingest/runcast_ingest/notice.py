"""The discovery file, for as long as the service runs: it follows the private Redis when that moves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from runcast import discovery
from runcast.discovery import Discovery
from runcast_ingest.server_folder import StreamServer


class Notice:
    """Says to the machine's trainers where to publish."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._said: Discovery | None = None
        self._server: StreamServer | None = None

    @contextmanager
    def posted(self, found: Discovery) -> Iterator[Discovery]:
        """Have the file there for as long as the block lasts."""
        self._said = self._moved(found)
        discovery.write(self._directory, self._said)
        try:
            yield self._said
        finally:
            self._said = None
            discovery.remove(self._directory, found.pid)

    def moved(self, server: StreamServer) -> None:
        """Say where the private Redis is now: another may have taken its port while it was gone."""
        self._server = server
        if self._said is not None:
            self._said = self._moved(self._said)
            discovery.write(self._directory, self._said)

    def _moved(self, said: Discovery) -> Discovery:
        if self._server is None:
            return said
        return replace(said, redis=self._server.url, redis_tcp=self._server.tcp_url)
