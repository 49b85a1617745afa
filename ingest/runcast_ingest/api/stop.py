"""Stop: ask a training to end, as Ctrl-C would."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from runcast_ingest.api import models
from runcast_ingest.api.answers import Trouble, find_run, say
from runcast_ingest.api.catalog import ProjectName, RunId
from runcast_ingest.api.models import TROUBLES
from runcast_ingest.states import RUNNING
from runcast_ingest.stops import Stops
from runcast_ingest.store import Store


def routes(store: Store, stops: Stops) -> APIRouter:
    """Make the routes."""
    router = APIRouter(tags=["runs"])

    @router.post(
        "/projects/{project:path}/runs/{run}/stop",
        summary="Ask a run to stop",
        response_model=models.Stopping,
        responses=TROUBLES,
        status_code=202,
    )
    async def stop(project: ProjectName, run: RunId) -> Response:
        """Each process that writes to the run gets a KeyboardInterrupt in its main thread, within about a second.

        Until they have ended the run is `stopping`; asked again, they are interrupted again. One that was started with
        `RUNCAST_STOP=0` goes on. 409: the run does not run.
        """
        record = await find_run(store, project, run)
        writers = stops.ask(record.path) if record.state == RUNNING else 0
        if writers is None:
            raise Trouble(503, "elsewhere", "another service stores this run, or none does now; ask that one, or later")
        if not writers:
            raise Trouble(409, "not_running", f"run {run!r} does not run: it is {record.state}")
        return say({"id": record.id, "project": record.project, "stopping": True, "writers": writers}, status=202)

    return router
