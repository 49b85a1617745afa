"""The table of a project's runs: Python keeps the reader's place, the browser asks the service for rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from runcast_dashboard.components import component, declare, ignored

_table = component("table")


def table(project: str, *, projects: Sequence[str], place: Mapping[str, str], selected: Sequence[str]) -> Any:
    """Show the runs of a project, with the filter, order and grouping of `place`.

    The result has `place` and `selected` as the reader set them, and for one rerun `open` (a run's id), `compare` or
    `live` (ids), or `project`.
    """
    declare()
    return _table(
        key="table-" + sha256(project.encode()).hexdigest(),
        data={
            "project": project,
            "projects": list(projects),
            "filter": place.get("filter", ""),
            "sort": place.get("sort", ""),
            "group": place.get("group", ""),
            "selected": list(selected),
        },
        on_place_change=ignored,
        on_selected_change=ignored,
        on_open_change=ignored,
        on_compare_change=ignored,
        on_live_change=ignored,
        on_project_change=ignored,
        height="content",
        width="stretch",
    )
