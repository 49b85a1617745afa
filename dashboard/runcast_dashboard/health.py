"""The Health page's component: the browser asks the service how it is, and Python is not asked again."""

from __future__ import annotations

from runcast_dashboard.components import component, declare

_health = component("health")


def health() -> None:
    """Show how the service is, for as long as somebody looks."""
    declare()
    _health(key="health", height="content", width="stretch")
