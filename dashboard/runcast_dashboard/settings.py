"""Where the dashboard finds its service, and how it shows itself there.

Streamlit runs one script per process and gives it no arguments: what the script needs is set here
once, before the pages are served.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit


@dataclass(frozen=True)
class DashboardSettings:
    """What the pages have to know of their service."""

    server: str  # The service's base address, as this process reaches it.
    token: str = ""  # The shared secret, when the service asks for one.
    live: str = "/live"  # Where a browser opens the websocket; a path means: where the page came from.

    @classmethod
    def apart(cls, server: str, token: str = "") -> DashboardSettings:
        """Describe a dashboard that is served apart from its service: browsers go there for the live websocket."""
        parts = urlsplit(server.rstrip("/"))
        scheme = "wss" if parts.scheme == "https" else "ws"
        return cls(server.rstrip("/"), token, urlunsplit((scheme, parts.netloc, parts.path + "/live", "", "")))


_current: list[DashboardSettings] = []


def use(settings: DashboardSettings) -> None:
    """Set what the pages of this process are to use."""
    _current[:] = [settings]


def current() -> DashboardSettings:
    """Return what was set; raises RuntimeError when a page runs without the dashboard around it."""
    if not _current:
        raise RuntimeError(
            "the dashboard's pages have no settings; serve them with `runcast up` or `runcast dashboard`"
        )
    return _current[0]
