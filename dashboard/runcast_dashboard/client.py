"""The service's REST API, as the pages ask it. Answers are plain values; what goes wrong becomes one sentence."""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import quote

import httpx

from runcast.errors import RuncastError
from runcast_dashboard.settings import DashboardSettings, current

TIMEOUT_SECONDS = 10.0  # Longer, and the reader has reloaded the page.

Json = dict[str, Any]


class Unanswered(RuncastError):
    """The service did not answer, or not with what was asked."""


@cache
def _client(settings: DashboardSettings) -> httpx.Client:
    headers = {"authorization": f"Bearer {settings.token}"} if settings.token else {}
    return httpx.Client(base_url=settings.server + "/api/v1", headers=headers, timeout=TIMEOUT_SECONDS, trust_env=False)


def _get(path: str, **query: str | int | None) -> Json | None:
    """Ask; None when there is no such thing. Raises Unanswered with a sentence for the reader."""
    settings = current()
    given = {name: value for name, value in query.items() if value is not None}
    try:
        answer = _client(settings).get(path, params=given)
    except httpx.HTTPError as error:
        raise Unanswered(f"no answer from the service at {settings.server}: {error or type(error).__name__}") from error
    if answer.status_code == httpx.codes.NOT_FOUND:
        return None
    try:
        body = answer.json()
    except ValueError as error:
        raise Unanswered(
            f"{settings.server} answered {answer.status_code} and no JSON; is it a Runcast service?"
        ) from error
    if answer.is_error or not isinstance(body, dict):
        raise Unanswered(f"the service answered {answer.status_code}: {_sentence(body)}")
    return body


def _sentence(body: object) -> str:
    """Find the sentence in an error answer."""
    error = body.get("error", body) if isinstance(body, dict) else body
    return str(error.get("message", error) if isinstance(error, dict) else error)[:500]


def projects() -> list[Json]:
    """List the projects, the last one written to first."""
    body = _get("/projects") or {}
    found: list[Json] = body.get("projects", [])
    return sorted(found, key=lambda project: str(project.get("updated") or ""), reverse=True)


def runs(
    project: str, *, state: str | None = None, limit: int = 100, cursor: str | None = None
) -> tuple[list[Json], str | None]:
    """List a project's runs, the newest first, and the cursor of the next page."""
    body = (
        _get(f"/projects/{quote(project, safe='')}/runs", state=state, sort="-created", limit=limit, cursor=cursor)
        or {}
    )
    return body.get("runs", []), body.get("next")


def ids(project: str, *, hidden: bool | None) -> list[str]:
    """List the ids of a project's runs: those that are put aside, or are not, or all."""
    asked = "" if hidden is None else str(hidden).lower()
    body = _get(f"/projects/{quote(project, safe='')}/order", hidden=asked or None) or {}
    found: list[str] = body.get("ids", [])
    return found


def run(project: str, run_id: str) -> Json | None:
    """Describe one run; None when there is none of this id."""
    return _get(f"/projects/{quote(project, safe='')}/runs/{quote(run_id, safe='')}")
