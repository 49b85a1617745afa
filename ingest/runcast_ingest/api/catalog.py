"""Projects and runs: what there is."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from runcast.names import NAME_CHARS_MAX
from runcast_ingest.api import models
from runcast_ingest.api.answers import Trouble, find_project, find_run, moment, run_told, say
from runcast_ingest.api.models import TROUBLES
from runcast_ingest.roster import json_safe
from runcast_ingest.store import Store

RUNS_MAX = 1000  # Of one page.

ProjectName = Annotated[str, Path(description="The project; a slash in it may stand as it is, or as %2F.")]
RunId = Annotated[str, Path(description="The run's id.", max_length=NAME_CHARS_MAX)]
Sort = Annotated[
    str,
    Query(
        description="created, updated, name, id, state, steps or duration; with a minus the largest first.",
        examples=["-created"],
        max_length=40,
    ),
]
_WRITER = re.compile(r"[0-9a-f]{16}")


def routes(store: Store) -> APIRouter:
    """Make the routes."""
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
        state: Annotated[Literal["running", "finished", "failed", "crashed"] | None, Query()] = None,
        sort: Sort = "-created",
        limit: Annotated[int, Query(ge=1, le=RUNS_MAX)] = 100,
        cursor: Annotated[str | None, Query(description="`next` of the page before.", max_length=1000)] = None,
    ) -> Response:
        """A page of runs with config and summary. Pages do not overlap, however many runs begin meanwhile."""
        found, following = await store.runs(project, state=state, sort=sort, limit=limit, cursor=cursor)
        if not found:
            await find_project(store, project)
        return say({"runs": [run_told(run) for run in found], "next": following})

    @router.get(
        "/projects/{project:path}/runs/{run}",
        summary="Describe a run",
        response_model=models.RunDetail,
        responses=TROUBLES,
        tags=["runs"],
    )
    async def run(project: ProjectName, run: RunId) -> Response:
        """A run with its config, its summary, its keys and its writers."""
        record = await find_run(store, project, run)
        keys = await store.keys(record.key)
        told: dict[str, Any] = run_told(record)
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
