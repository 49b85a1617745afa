"""Runs side by side: Python keeps which and what is shown, the browser asks the service for them."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from runcast_dashboard.components import component, declare, ignored

VIEWS = ("diff", "charts", "scatter", "parallel", "importance")

_compare = component("compare")


def compare(project: str, *, runs: Sequence[str], show: str) -> Any:
    """Show runs of a project side by side, with one of VIEWS.

    The result has `show` as the reader set it, and for one rerun `open` (a run's id), `keep` (ids) or `table`.
    """
    declare()
    return _compare(
        key="compare-" + sha256(f"{project} {','.join(runs)}".encode()).hexdigest(),
        data={"project": project, "runs": list(runs), "show": show},
        on_show_change=ignored,
        on_open_change=ignored,
        on_keep_change=ignored,
        on_table_change=ignored,
        height="content",
        width="stretch",
    )
