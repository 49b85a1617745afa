"""What happened in runs beside their rows: consoles, alerts, and what stands out in their time."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from msgspec import structs
from starlette.responses import Response

from runcast.names import NAME_CHARS_MAX
from runcast_ingest.api import models
from runcast_ingest.api.answers import Trouble, find_run, moment, nanoseconds, say
from runcast_ingest.api.catalog import ProjectName, RunId
from runcast_ingest.api.models import TROUBLES
from runcast_ingest.store import Store
from runcast_ingest.store.happenings import LINES_PER_READ_MAX
from runcast_ingest.store.records import AlertRecord

ALERTS_MAX = 1000
RUNS_MAX = 200  # Whose marks are read at once.
MOMENT = "2026-03-01T09:30:00.5Z"


def routes(store: Store) -> APIRouter:
    """Make the routes."""
    router = APIRouter(tags=["runs"])

    @router.get(
        "/projects/{project:path}/runs/{run}/console",
        summary="Read what a run printed",
        response_model=models.ConsoleLines,
        responses=TROUBLES,
    )
    async def console(
        project: ProjectName,
        run: RunId,
        limit: Annotated[int, Query(ge=1, le=LINES_PER_READ_MAX)] = 1000,
        after: Annotated[
            int | None,
            Query(description="`next` of the answer before: what came since, about `limit` lines.", ge=0, le=2**62),
        ] = None,
        search: Annotated[str, Query(description="Only lines that contain this, in any case.", max_length=200)] = "",
        until: Annotated[
            datetime | None, Query(description="What had been printed by then, as it stood.", examples=[MOMENT])
        ] = None,
    ) -> Response:
        """The last lines of all writers, in the order in which they were begun.

        With `after` those that were written since, or over, in the order in which they were stored.
        """
        if after is not None and (search or until is not None):
            raise Trouble(422, "bad_value", "after goes on with all lines; it stands beside neither search nor until")
        record = await find_run(store, project, run)
        if after is not None:
            found, following = await store.console_since(record.key, after, limit=limit)
        else:
            by = None if until is None else nanoseconds(until)
            found, following = await store.console(record.key, limit=limit, search=search, until=by)
        return say(
            {
                "next": following,
                "lines": [
                    {
                        "writer": line.writer,
                        "label": line.label,
                        "number": line.number,
                        "begun": moment(line.begun),
                        "time": moment(line.time),
                        "error": line.error,
                        "text": line.text,
                    }
                    for line in found
                ],
            }
        )

    @router.get(
        "/projects/{project:path}/runs/{run}/alerts",
        summary="List a run's alerts",
        response_model=models.Alerts,
        responses=TROUBLES,
    )
    async def alerts(
        project: ProjectName, run: RunId, limit: Annotated[int, Query(ge=1, le=ALERTS_MAX)] = 100
    ) -> Response:
        """What the training, or a rule of its project, wanted somebody to know, the latest first."""
        record = await find_run(store, project, run)
        found = await store.alerts(record.key, limit)
        return say({"alerts": [_alert_told(alert) for alert in found]})

    # Behind the longer path: a project's name may have slashes in it.
    @router.get(
        "/projects/{project:path}/alerts",
        summary="List a project's latest alerts",
        response_model=models.ProjectAlerts,
        responses=TROUBLES,
    )
    async def recent(project: ProjectName, limit: Annotated[int, Query(ge=1, le=ALERTS_MAX)] = 100) -> Response:
        """Of all its runs but the deleted ones, the latest first."""
        found = await store.recent_alerts(project, limit)
        return say({"alerts": [{"run": run, "name": name, **_alert_told(alert)} for run, name, alert in found]})

    @router.get(
        "/projects/{project:path}/timeline",
        summary="List what stands out in the time of runs",
        response_model=models.Timeline,
        responses=TROUBLES,
    )
    async def timeline(
        project: ProjectName,
        id: Annotated[  # noqa: A002  # Repeated for each.
            list[Annotated[str, Query(max_length=NAME_CHARS_MAX)]],
            Query(description="Of a run; repeat it.", max_length=RUNS_MAX),
        ],
    ) -> Response:
        """Where a process began again, alerts, and models and checkpoints that were kept; of very many the latest."""
        found = await store.timeline(project, id)
        return say({"marks": [{**structs.asdict(mark), "time": moment(mark.time)} for mark in found]})

    return router


def _alert_told(alert: AlertRecord) -> dict[str, object]:
    return {
        "id": alert.key,
        "rule": alert.rule,
        "time": moment(alert.time),
        "step": alert.step,
        "level": alert.level,
        "title": alert.title,
        "text": alert.text,
        "label": alert.label,
    }
