"""Projects and runs: what there is."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from runcast.conditions import Condition
from runcast.expressions import CHARS_MAX, FilterError, parse
from runcast.names import NAME_CHARS_MAX
from runcast_ingest.api import models
from runcast_ingest.api.answers import Trouble, find_project, find_run, moment, run_told, say
from runcast_ingest.api.models import TROUBLES
from runcast_ingest.roster import json_safe
from runcast_ingest.states import RUNNING
from runcast_ingest.store import Store

RUNS_MAX = 1000  # Of one page.

ProjectName = Annotated[str, Path(description="The project; a slash in it may stand as it is, or as %2F.")]
RunId = Annotated[str, Path(description="The run's id.", max_length=NAME_CHARS_MAX)]
Sort = Annotated[
    str,
    Query(
        description="A field: created, updated, name, state, steps, duration, config.KEY, summary.KEY, min.METRIC "
        "or max.METRIC …; with a minus the largest first. What has no value comes last.",
        examples=["-created", "-summary.accuracy", "min.loss"],
        max_length=1000,
    ),
]
Filter = Annotated[
    str | None,
    Query(
        description="Only runs that fit. Fields are name, id, state, tags, created, updated, finished, duration, "
        "steps, rows, exit_code, host, program, group, job_type, notes, hidden, `config.KEY`, `summary.KEY`, and a "
        "metric's "
        'extremes `min.METRIC` and `max.METRIC`; a key with odd characters stands in quotes: `config."a key"`. '
        "They are compared by ==, !=, <, <=, >, >=, `in (a, b)` and ~ (has a part, in any case; with * and ? as a "
        "whole), joined by and, or, not and parentheses. A field alone: it is there. Values are numbers, words, texts "
        "in quotes, true, false, null, nan, durations as 90s or 2h, times as 2026-03-01 or now - 7d (UTC).",
        examples=['config.lr < 0.01 and summary.acc > .9 and "best" in tags and state == finished'],
        max_length=CHARS_MAX,
    ),
]
Hidden = Annotated[
    bool | None, Query(description="true: only runs that were put aside; false: only others; left out: all.")
]
Deleted = Annotated[bool, Query(description="Only deleted runs, instead of those that are not.")]
_WRITER = re.compile(r"[0-9a-f]{16}")


def condition_of(text: str | None) -> Condition | None:
    """Read a filter; raises Trouble 422 that says where it cannot be read."""
    if text is None or not text.strip():
        return None
    try:
        return parse(text, now=time.time())
    except FilterError as error:
        raise Trouble(422, "bad_filter", str(error), at=error.at, length=error.length) from error


def routes(store: Store, is_stopping: Callable[[str], bool]) -> APIRouter:
    """Make the routes; `is_stopping` tells of a path whether somebody asked the run to stop."""
    router = APIRouter()

    @router.get("/projects", summary="List projects", response_model=models.Projects, tags=["runs"])
    async def projects() -> Response:
        """All projects, the one that was written to last first."""
        found = await store.projects()
        return say(
            {
                "projects": [
                    {
                        "name": project.name,
                        "runs": project.runs,
                        "created": moment(project.created),
                        "updated": moment(project.updated),
                    }
                    for project in found
                ]
            }
        )

    @router.get(
        "/projects/{project:path}/runs",
        summary="List a project's runs",
        response_model=models.Runs,
        responses=TROUBLES,
        tags=["runs"],
    )
    async def runs(
        project: ProjectName,
        filter: Filter = None,  # noqa: A002  # The name that readers expect.
        state: Annotated[Literal["running", "finished", "failed", "crashed"] | None, Query()] = None,
        sort: Sort = "-created",
        hidden: Hidden = None,
        deleted: Deleted = False,
        limit: Annotated[int, Query(ge=1, le=RUNS_MAX)] = 100,
        cursor: Annotated[str | None, Query(description="`next` of the page before.", max_length=1000)] = None,
    ) -> Response:
        """A page of runs with config and summary. Pages do not overlap, however many runs begin meanwhile."""
        found, following = await store.runs(
            project,
            condition=condition_of(filter),
            state=state,
            sort=sort,
            hidden=hidden,
            deleted=deleted,
            limit=limit,
            cursor=cursor,
        )
        if not found:
            await find_project(store, project)
        return say({"runs": [run_told(run, stopping=is_stopping(run.path)) for run in found], "next": following})

    @router.get(
        "/projects/{project:path}/runs/{run}",
        summary="Describe a run",
        response_model=models.RunDetail,
        responses=TROUBLES,
        tags=["runs"],
    )
    async def run(project: ProjectName, run: RunId) -> Response:
        """A run with its config, its summary, its keys and its writers."""
        stopping = is_stopping(f"{project}/{run}")  # Asked first: what ends meanwhile was not begun again.
        record = await find_run(store, project, run)
        keys = await store.keys(record.key)
        told: dict[str, Any] = run_told(record, stopping=stopping and record.state == RUNNING)
        told["facts"] = json_safe(record.facts)
        told["keys"] = [{"key": key.key, "kind": key.kind, "points": key.points} for key in keys]
        told["writers"] = [
            {
                "id": writer.id,
                "label": writer.label,
                "stored": writer.mark,
                "exit_code": writer.exit_code,
                "started": moment(writer.first_time),
                "finished": moment(writer.finished),
            }
            for writer in record.writers
        ]
        return say(told)

    @router.get(
        "/writers/{writer}/stored",
        summary="Say how far a writer is stored",
        response_model=models.Stored,
        responses=TROUBLES,
        tags=["health"],
    )
    async def stored(writer: Annotated[str, Path(description="16 hexadecimal digits.")]) -> Response:
        """The highest sequence of a writer that is on disk, every one before it too."""
        if not _WRITER.fullmatch(writer):
            raise Trouble(422, "bad_value", f"writer is {writer[:80]!r}; it is 16 hexadecimal digits")
        return say({"writer": writer, "stored": (await store.marks([writer])).get(writer, 0)})

    return router
