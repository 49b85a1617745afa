"""What runs logged to be looked at: things one by one, and histograms by key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from runcast.names import NAME_CHARS_MAX
from runcast_ingest.api import models
from runcast_ingest.api.answers import find_run, moment, say
from runcast_ingest.api.catalog import ProjectName, RunId
from runcast_ingest.api.models import TROUBLES
from runcast_ingest.store import Store
from runcast_ingest.store.belongings import FILES_PER_READ_MAX, Medium

HISTOGRAMS_PER_READ_MAX = 2000
LABEL_CHARS_MAX = 4096


def routes(store: Store) -> APIRouter:
    """Make the routes."""
    router = APIRouter(tags=["files"])

    @router.get(
        "/projects/{project:path}/runs/{run}/media",
        summary="List what a run logged to be looked at",
        response_model=models.Media,
        responses=TROUBLES,
    )
    async def media(
        project: ProjectName,
        run: RunId,
        after: Annotated[int, Query(description="`next` of the answer before.", ge=0, le=2**62)] = 0,
        limit: Annotated[int, Query(ge=1, le=FILES_PER_READ_MAX)] = 1000,
    ) -> Response:
        """Images, sounds, films, pages, tables and charts in the order in which they were stored, as rows hold them."""
        record = await find_run(store, project, run)
        return _told(await store.media(record.key, after=after, limit=limit), after)

    @router.get(
        "/projects/{project:path}/runs/{run}/histograms",
        summary="List the keys of which a run logged histograms",
        response_model=models.Histograms,
        responses=TROUBLES,
    )
    async def histogram_keys(project: ProjectName, run: RunId) -> Response:
        """By name, each label apart, with how many there are."""
        record = await find_run(store, project, run)
        return say({"histograms": await store.histogram_keys(record.key)})

    @router.get(
        "/projects/{project:path}/runs/{run}/histogram",
        summary="Read the histograms of a key",
        response_model=models.Media,
        responses=TROUBLES,
    )
    async def histograms(
        project: ProjectName,
        run: RunId,
        key: Annotated[str, Query(max_length=NAME_CHARS_MAX, examples=["gradients/fc.weight"])],
        label: Annotated[str, Query(max_length=LABEL_CHARS_MAX)] = "",
        after: Annotated[int, Query(description="`next` of the answer before.", ge=0, le=2**62)] = 0,
        limit: Annotated[int, Query(ge=1, le=HISTOGRAMS_PER_READ_MAX)] = 500,
    ) -> Response:
        """In the order in which they were stored; of more than `limit` every n-th, the newest always."""
        record = await find_run(store, project, run)
        return _told(await store.histograms(record.key, key, label, after=after, limit=limit), after)

    return router


def _told(found: Sequence[Medium], after: int) -> Response:
    told = [
        {
            "key": item.name,
            "step": item.step,
            "time": moment(item.time),
            "writer": item.writer,
            "label": item.label,
            "value": item.value,
        }
        for item in found
    ]
    return say({"media": told, "next": found[-1].number if found else after})
