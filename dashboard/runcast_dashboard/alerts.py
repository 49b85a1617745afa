"""The Alerts page's component: the browser asks the service, and changes rules there."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from runcast_dashboard.components import component, declare, ignored

_alerts = component("alerts")


def alerts(project: str, *, projects: Sequence[str]) -> Any:
    """Show a project's alerts and rules; the result has, for one rerun, `open` (a run's id) or `project`."""
    declare()
    return _alerts(
        key="alerts-" + sha256(project.encode()).hexdigest(),
        data={"project": project, "projects": list(projects)},
        on_open_change=ignored,
        on_project_change=ignored,
        height="content",
        width="stretch",
    )
