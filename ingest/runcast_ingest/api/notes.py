"""Notes: what readers write to a run, in Markdown."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from runcast_ingest.api import models
from runcast_ingest.api.answers import Trouble, find_run, say
from runcast_ingest.api.catalog import ProjectName, RunId
from runcast_ingest.api.models import TROUBLES
from runcast_ingest.store import Store


def routes(store: Store) -> APIRouter:
    """Make the routes."""
    router = APIRouter(tags=["runs"])

    @router.post(
        "/projects/{project:path}/runs/{run}/notes",
        summary="Write a run's notes",
        response_model=models.Notes,
        responses=TROUBLES,
    )
    async def write(project: ProjectName, run: RunId, change: models.NotesChange) -> Response:
        """They stand in the place of those that the program gave, from now on.

        409: somebody wrote others meanwhile, and `error.notes` has them; nothing was changed.
        """
        record = await find_run(store, project, run)
        done, now = await store.annotate(project, record.id, change.notes, was=change.was)
        if not done:
            raise Trouble(409, "changed", "somebody changed the notes meanwhile; nothing was saved", notes=now)
        return say({"notes": now})

    return router
