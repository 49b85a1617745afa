"""Whether the service lives, whether it does its work, and what it could not store."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from runcast_ingest.api import models
from runcast_ingest.api.answers import moment, say
from runcast_ingest.api.models import TROUBLES
from runcast_ingest.health import Health

QUARANTINE_MAX = 1000


def probes(health: Health) -> APIRouter:
    """Make the routes that stand at the root, for whoever supervises the service."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz", summary="Say that the process lives")
    async def healthz() -> Response:
        """Open to all: it says nothing but `ok`."""
        return say({"status": "ok"})

    @router.get("/readyz", summary="Say whether events arrive and are stored")
    async def readyz() -> Response:
        """200 when Redis answers and the store stores; else 503, and `status` says what is wrong."""
        ready, told = health.ready()
        return say(told, status=200 if ready else 503)

    @router.get("/metrics", summary="Give Prometheus its figures", response_class=Response)
    async def metrics() -> Response:
        """Prometheus' text format."""
        return Response(await health.report(), media_type=CONTENT_TYPE_LATEST)

    return router


def routes(health: Health) -> APIRouter:
    """Make the routes of the API."""
    router = APIRouter(tags=["health"])

    @router.get("/health", summary="Describe the service's health", response_model=models.Health, responses=TROUBLES)
    async def describe(limit: Annotated[int, Query(ge=0, le=QUARANTINE_MAX)] = 100) -> Response:
        """What `/readyz` says, and the latest entries that could not be stored, each with its reason."""
        _, told = health.ready()
        stats = await health.store.stats()
        told |= await health.measures(stats)
        told["troubles"] = health.troubles(told, stats)
        told["quarantined"] = stats.quarantine
        told["quarantine"] = [
            {
                "kind": record.kind,
                "reason": record.reason,
                "shard": record.shard,
                "entry": f"{record.entry[0]}-{record.entry[1]}",
                "path": record.path,
                "writer": record.writer,
                "first": record.first,
                "last": record.last,
                "received": moment(record.received),
                "size": record.size,
            }
            for record in await health.store.quarantine(limit)
        ]
        return say(told)

    return router
