"""A table of thousands of runs: their order, the rows that are in view, the columns there are, and what readers change.

Order and rows are two questions, so that whoever looks at a table can have what stands in it live and where it stands
unmoved.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from runcast.conditions import within
from runcast.names import NAME_CHARS_MAX
from runcast_ingest.api import models
from runcast_ingest.api.answers import find_project, run_told, say
from runcast_ingest.api.catalog import Deleted, Filter, Hidden, ProjectName, Sort, condition_of
from runcast_ingest.api.models import TROUBLES
from runcast_ingest.roster import json_safe
from runcast_ingest.store import Store
from runcast_ingest.store.catalog import Asked
from runcast_ingest.store.curation import Change

ORDER_MAX = 50_000  # Ids of one answer: a megabyte.
ROWS_MAX = 200  # Of one answer: a few screens, or all that are compared.
KEY_CHARS_MAX = 2000
EXTREMES_MAX = 20  # Metrics of one answer.

Keys = Annotated[list[Annotated[str, Query(max_length=KEY_CHARS_MAX)]] | None, Query(max_length=500)]


def routes(
    store: Store,
    is_stopping: Callable[[str], bool],
    on_curated: Callable[[str, Sequence[str]], Awaitable[None]],
) -> APIRouter:
    """Make the routes; `is_stopping` tells of a path whether somebody asked the run to stop.

    `on_curated` hears of a project which of its runs readers changed.
    """
    router = APIRouter(tags=["runs"])

    @router.get(
        "/projects/{project:path}/order",
        summary="Put a project's runs in order",
        response_model=models.Order,
        responses=TROUBLES,
    )
    async def order(
        project: ProjectName,
        filter: Filter = None,  # noqa: A002  # As with the list of runs.
        sort: Sort = "-created",
        group: Annotated[str | None, Query(description="A field, as for sort.", max_length=KEY_CHARS_MAX)] = None,
        hidden: Hidden = None,
        deleted: Deleted = False,
    ) -> Response:
        """The ids of all runs that fit, in order; with `group` in parts of the same value."""
        asked = Asked(project, condition_of(filter), sort, group or None, hidden, deleted)
        found = await store.ordered(asked, ORDER_MAX + 1)
        if not found:
            await find_project(store, project)
        more, found = len(found) > ORDER_MAX, found[:ORDER_MAX]
        groups = None
        if group:
            parts = [(value, sum(1 for _ in each)) for value, each in groupby(found, key=lambda pair: pair[1])]
            groups = [{"value": json_safe(value), "runs": count} for value, count in parts]
        return say({"ids": [id_ for id_, _ in found], "groups": groups, "more": more})

    @router.get(
        "/projects/{project:path}/rows",
        summary="Describe runs as rows",
        response_model=models.Rows,
        responses=TROUBLES,
    )
    async def rows(
        project: ProjectName,
        id: Annotated[  # noqa: A002  # Repeated for each.
            list[Annotated[str, Query(max_length=NAME_CHARS_MAX)]],
            Query(description="Of a run; repeat it.", max_length=ROWS_MAX),
        ],
        config: Keys = None,
        summary: Keys = None,
        curve: Annotated[
            str | None, Query(description="A metric whose curve is wanted.", max_length=KEY_CHARS_MAX)
        ] = None,
        extremes: Annotated[
            list[Annotated[str, Query(max_length=KEY_CHARS_MAX)]] | None,
            Query(description="Metrics whose lowest and highest values are wanted.", max_length=EXTREMES_MAX),
        ] = None,
        whole: Annotated[bool, Query(description="All of config and summary, as they are.")] = False,
    ) -> Response:
        """Runs by their ids, in that order, with what is asked for; those that there are not are left out."""
        records = await store.runs_of_ids(project, id)
        keys = [record.key for record in records]
        sketches = {
            metric: await store.sketches(project, metric, keys) for metric in {*(extremes or ()), curve} - {None}
        }
        told = []
        for record in records:
            row = run_told(record, stopping=is_stopping(record.path))
            if not whole:
                row["config"] = _picked(row["config"], config or ())
                row["summary"] = _picked(row["summary"], summary or ())
                del row["metrics"]
            if curve:
                row["curve"] = sketches[curve][record.key].values
            row["extremes"] = {
                metric: [json_safe(sketches[metric][record.key].low), json_safe(sketches[metric][record.key].high)]
                for metric in extremes or ()
            }
            told.append(row)
        return say({"runs": told})

    @router.get(
        "/projects/{project:path}/columns",
        summary="List what a project's runs have",
        response_model=models.Columns,
        responses=TROUBLES,
    )
    async def columns(project: ProjectName) -> Response:
        """The keys of configs and summaries, under dotted names, those that most runs have first."""
        config, summary = await store.columns(project)
        if not config and not summary:
            await find_project(store, project)
        return say({"config": config, "summary": summary})

    @router.post(
        "/projects/{project:path}/curate",
        summary="Tag, hide or delete runs",
        response_model=models.RunsChanged,
        responses=TROUBLES,
    )
    async def curate(project: ProjectName, change: models.RunChange) -> Response:
        """Make a change to runs, and say what takes it back. A deleted run is kept, and only left out of lists."""
        made = Change(tuple(change.runs), tuple(change.tag), tuple(change.untag), change.hidden, change.deleted)
        done = await store.curate(project, made)
        if not done.changed:
            await find_project(store, project)
        await on_curated(project, done.changed)
        return say({"changed": done.changed, "undo": done.undo})

    return router


def _picked(values: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    return {key: value for key in keys if (value := within(values, key)) is not None}
