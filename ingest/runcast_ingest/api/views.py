"""Saved views: links to a project's board that have a name."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from runcast.names import NAME_CHARS_MAX
from runcast_ingest.api import models
from runcast_ingest.api.answers import Trouble, moment, say
from runcast_ingest.api.catalog import ProjectName
from runcast_ingest.api.models import TROUBLES
from runcast_ingest.store import Store


def routes(store: Store) -> APIRouter:
    """Make the routes."""
    router = APIRouter(tags=["projects"])

    async def told(project: str, status: int = 200) -> Response:
        views = [
            {"name": view.name, "query": view.query, "updated": moment(view.updated)}
            for view in await store.views(project)
        ]
        return say({"views": views}, status=status)

    @router.get(
        "/projects/{project:path}/views",
        summary="List a project's saved views",
        response_model=models.Views,
        responses=TROUBLES,
    )
    async def listed(project: ProjectName) -> Response:
        """The latest first. A view is what stands behind the `?` of a link to the board."""
        return await told(project)

    @router.post(
        "/projects/{project:path}/views",
        summary="Save a view",
        response_model=models.Views,
        responses=TROUBLES,
        status_code=201,
    )
    async def save(project: ProjectName, given: models.NewView) -> Response:
        """In the place of one with its name. Answers with all that there are."""
        await store.save_view(project, given.name, given.query)
        return await told(project, 201)

    @router.delete(
        "/projects/{project:path}/views",
        summary="Delete a view",
        response_model=models.Views,
        responses=TROUBLES,
    )
    async def drop(project: ProjectName, name: Annotated[str, Query(max_length=NAME_CHARS_MAX)]) -> Response:
        """Links that were copied from it go on working. Answers with those that are left."""
        if not await store.drop_view(project, name):
            raise Trouble(404, "unknown_view", f"project {project!r} has no view {name!r}")
        return await told(project)

    return router
