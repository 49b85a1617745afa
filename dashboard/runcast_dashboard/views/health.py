"""Health: how the service is, and what is wrong in words."""

from __future__ import annotations

from runcast_dashboard.health import health

health()
