"""How the API answers: JSON without NaN, times in ISO 8601, and errors as a code and a sentence."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from starlette.responses import Response

from runcast_ingest.roster import json_safe
from runcast_ingest.store import RunRecord, Store
from runcast_ingest.store.codec import fit

NEAREST_MAX = 5


class Trouble(Exception):
    """What becomes an error answer: `{"error": {"code", "message"}}`."""

    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        self.status, self.code, self.message, self.more = status, code, message, more
        super().__init__(message)

    def answer(self) -> Response:
        """Write it."""
        return say({"error": {"code": self.code, "message": self.message, **self.more}}, status=self.status)


def say(value: Any, *, status: int = 200) -> Response:
    """Answer with JSON."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def nanoseconds(at: datetime) -> int:
    """Read a point of time, as the end of its microsecond: `moment` cuts what is behind it. Without a zone it is UTC.

    In ns since 1970, within what a database holds.
    """
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    since = (aware - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)
    return fit(1000 * since + 999)


def moment(ns: int | None) -> str | None:
    """Write a point of time as ISO 8601, in UTC, to the microsecond."""
    if ns is None:
        return None
    seconds, rest = divmod(ns, 1_000_000_000)
    try:
        at = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)
    except (ValueError, OverflowError, OSError):
        return None  # A clock that said the year 30000.
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def run_told(run: RunRecord, *, stopping: bool = False) -> dict[str, Any]:
    """Write a run as the API shows it; `stopping`: somebody asked it to stop."""
    end = run.finished if run.finished is not None else run.updated
    return {
        "id": run.id,
        "project": run.project,
        "name": run.name,
        "state": run.state,
        "stopping": stopping,
        "config": json_safe(run.config),
        "summary": json_safe(run.summary),
        "created": moment(run.created),
        "updated": moment(run.updated),
        "finished": moment(run.finished),
        "duration": max(0, end - run.created) / 1e9,
        "exit_code": run.exit_code,
        "steps": run.steps,
        "rows": run.rows,
        "host": run.host,
        "program": run.program,
        "python": run.python,
        "notes": run.notes,
        "group": run.group,
        "job_type": run.job_type,
        "tags": list(run.tags),
        "lost": run.lost,
        "base": run.base and {"run": run.base.run, "step": run.base.step},
        "aside": run.aside,
        "metrics": run.metrics,
        "damaged": run.damaged,
        "hidden": run.hidden,
        "deleted": moment(run.deleted),
    }


async def find_run(store: Store, project: str, run: str) -> RunRecord:
    """Return a run; raises Trouble 404 with the nearest names."""
    record = await store.run(project, run)
    if record is not None:
        return record
    await find_project(store, project)
    raise unknown("run", run, await store.names(project), within=f" in project {project!r}")


async def find_project(store: Store, project: str) -> None:
    """Check that a project exists; raises Trouble 404 with the nearest names."""
    names = await store.names()
    if project not in names:
        raise unknown("project", project, names)


def unknown(what: str, name: str, names: Iterable[str], *, within: str = "") -> Trouble:
    """Make a 404 that lists the names nearest to the one asked for."""
    folded = {each.lower(): each for each in names}
    near = [folded[each] for each in difflib.get_close_matches(name.lower(), folded, NEAREST_MAX, cutoff=0.5)]
    hint = f"; the nearest: {', '.join(near)}" if near else ""
    return Trouble(404, f"unknown_{what}", f"there is no {what} {name[:300]!r}{within}{hint}", nearest=near)
