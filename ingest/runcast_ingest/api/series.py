"""One curve of a run, at the resolution that a chart needs."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from runcast.names import NAME_CHARS_MAX
from runcast_ingest.api import models
from runcast_ingest.api.answers import Trouble, find_run, say, unknown
from runcast_ingest.api.catalog import ProjectName, RunId
from runcast_ingest.api.models import TROUBLES
from runcast_ingest.store import Series, Store

POINTS_MAX = 20_000  # Wider than any screen.
X_MAX = 2.0**62

_End = Query(description="A step, or with x=time seconds since 1970.")


def routes(store: Store) -> APIRouter:
    """Make the routes."""
    router = APIRouter(tags=["points"])

    @router.get(
        "/projects/{project:path}/runs/{run}/series",
        summary="Read a curve at any resolution",
        response_model=models.Series,
        responses=TROUBLES,
    )
    async def series(
        project: ProjectName,
        run: RunId,
        key: Annotated[str, Query(description="The metric.", max_length=NAME_CHARS_MAX, examples=["loss"])],
        points: Annotated[int, Query(ge=1, le=POINTS_MAX, description="At most about so many.")] = 1000,
        x: Annotated[Literal["step", "time"], Query()] = "step",
        from_: Annotated[float | None, Query(alias="from", description=_End.description)] = None,
        to: Annotated[float | None, Query(description=_End.description)] = None,
        writer: Annotated[str | None, Query(description="Only of this writer.", max_length=16)] = None,
    ) -> Response:
        """Every point when there are at most `points`, else lowest, mean and highest of so many columns.

        `exact` says which. However long the run, a bounded number of rows is read. NaN and infinities are null here.
        """
        lo, hi = _end("from", from_, x), _end("to", to, x)
        if lo is not None and hi is not None and lo > hi:
            raise Trouble(422, "bad_value", f"from is {from_:g} and to is {to:g}; from comes first")
        record = await find_run(store, project, run)
        found = await store.envelope(record.key, key, points=points, axis=x, lo=lo, hi=hi, writer=writer)
        if not found.total:
            keys = [each.key for each in await store.keys(record.key)]
            if key not in keys:
                raise unknown("key", key, keys, within=f" in run {run!r}")
        return say(_told(found, x))

    return router


def _end(name: str, value: float | None, x: str) -> int | None:
    if value is None:
        return None
    if not math.isfinite(value) or abs(value) > (X_MAX / 1e9 if x == "time" else X_MAX):
        raise Trouble(422, "bad_value", f"{name} is {value}; it is a step, or with x=time seconds since 1970")
    # Times are kept to the microsecond, and a float of seconds is no finer.
    return round(value * 1e6) * 1000 if x == "time" else round(value)


def _told(found: Series, x: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "key": found.key,
        "x": x,
        "exact": found.exact,
        "total": found.total,
        "steps": found.steps.tolist(),
        "times": (found.times / 1e9).tolist(),
    }
    if found.exact:
        told["values"] = found.values.tolist()
    else:
        told |= {
            "low": found.low.tolist(),
            "mean": found.mean.tolist(),
            "high": found.high.tolist(),
            "count": found.count.tolist(),
        }
    return told
