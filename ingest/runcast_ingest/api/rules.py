"""What projects want to be told of: their rules."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from msgspec import structs
from starlette.responses import Response

from runcast import rules
from runcast.rules import DEFAULTS, NAME_CHARS_MAX, Rule
from runcast_ingest.api import models
from runcast_ingest.api.answers import Trouble, say
from runcast_ingest.api.catalog import ProjectName
from runcast_ingest.api.models import TROUBLES
from runcast_ingest.store import Store


def routes(store: Store) -> APIRouter:
    """Make the routes."""
    router = APIRouter(tags=["runs"])

    @router.get(
        "/projects/{project:path}/rules",
        summary="List a project's alert rules",
        response_model=models.Rules,
        responses=TROUBLES,
    )
    async def listed(project: ProjectName) -> Response:
        """Those that every project has until they are taken away, and its own. A project may have rules before runs."""
        return say({"rules": [_told(rule) for rule in await store.rules(project)]})

    @router.post(
        "/projects/{project:path}/rules",
        summary="Add an alert rule",
        response_model=models.AddedRule,
        responses=TROUBLES,
        status_code=201,
    )
    async def add(project: ProjectName, given: models.NewRule) -> Response:
        """A rule in words, such as `loss > 3 for 1m`; one that has the given name goes. It counts from now on."""
        rule = rules.parse(given.text, name=given.name, level=given.level)
        added, before = await store.set_rule(project, rule, replace=bool(given.name))
        return say(_told(added) | {"replaced": before.text if before else None}, status=201)

    @router.delete(
        "/projects/{project:path}/rules/{name}",
        summary="Remove an alert rule",
        response_model=models.Rules,
        responses=TROUBLES,
    )
    async def remove(project: ProjectName, name: Annotated[str, Path(max_length=NAME_CHARS_MAX)]) -> Response:
        """Alerts that it gave stay. Answers with the rules that are left."""
        if not await store.drop_rule(project, name):
            raise Trouble(404, "unknown_rule", f"project {project!r} has no rule {name!r}")
        return say({"rules": [_told(rule) for rule in await store.rules(project)]})

    return router


def _told(rule: Rule) -> dict[str, object]:
    return {
        "name": rule.name,
        "text": rule.text,
        "level": rule.level,
        "built_in": structs.replace(rule, since=0) in DEFAULTS,
    }
