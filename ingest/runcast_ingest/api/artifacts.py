"""Artifacts: what there is, in which versions, from which run, and the files that lie in one."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from runcast.artifact_names import NAME_CHARS_MAX
from runcast_ingest.api import models
from runcast_ingest.api.answers import Trouble, find_project, find_run, moment, say, unknown
from runcast_ingest.api.catalog import ProjectName, RunId
from runcast_ingest.api.files import serve
from runcast_ingest.api.models import TROUBLES
from runcast_ingest.files import Files
from runcast_ingest.roster import json_safe
from runcast_ingest.store import Store
from runcast_ingest.store.artifacts import Link, Version, choose

MANIFEST_BYTES_MAX = 256 * 1024 * 1024  # About a million files.

ArtifactName = Annotated[str, Path(description="The artifact's name.", max_length=NAME_CHARS_MAX)]
VersionName = Annotated[str, Path(description="v3, an alias such as `latest`, or a digest.", max_length=200)]


def routes(store: Store, files: Files) -> APIRouter:
    """Make the routes."""
    router = APIRouter(tags=["files"])

    # A project's name may have slashes in it: what names a run comes first.
    @router.get(
        "/projects/{project:path}/runs/{run}/artifacts",
        summary="List the artifacts that a run made and used",
        response_model=models.ArtifactLinks,
        responses=TROUBLES,
    )
    async def of_run(project: ProjectName, run: RunId) -> Response:
        """In the order in which it did."""
        record = await find_run(store, project, run)
        links = await store.artifacts_of(record.key)
        return say(
            {
                "made": [_link(each) for each in links if each.made],
                "used": [_link(each) for each in links if not each.made],
            }
        )

    @router.get(
        "/projects/{project:path}/artifacts",
        summary="List a project's artifacts",
        response_model=models.Artifacts,
        responses=TROUBLES,
    )
    async def collections(project: ProjectName) -> Response:
        """Names with their number of versions, the latest first."""
        found = await store.artifacts(project)
        if not found:
            await find_project(store, project)
        return say(
            {
                "artifacts": [
                    {
                        "name": each.name,
                        "type": each.kind,
                        "versions": each.versions,
                        "updated": moment(each.updated),
                        "size": each.size,
                    }
                    for each in found
                ]
            }
        )

    @router.get(
        "/projects/{project:path}/artifacts/{artifact}",
        summary="List the versions of an artifact",
        response_model=models.ArtifactVersions,
        responses=TROUBLES,
    )
    async def versions(project: ProjectName, artifact: ArtifactName) -> Response:
        """The newest first."""
        return say({"versions": [_version(each) for each in await _versions(store, project, artifact)]})

    @router.get(
        "/projects/{project:path}/artifacts/{artifact}/{version}",
        summary="Describe a version of an artifact",
        response_model=models.ArtifactVersion,
        responses=TROUBLES,
    )
    async def version(project: ProjectName, artifact: ArtifactName, version: VersionName) -> Response:
        """With the runs that used it."""
        found = await _find(store, project, artifact, version)
        users = await store.artifact_users(project, artifact, found.digest)
        used = [{"project": project, "run": run, "name": name} for project, run, name in users]
        return say({**_version(found), "used_by": used, "stored": files.find(found.digest) is not None})

    @router.get(
        "/projects/{project:path}/artifacts/{artifact}/{version}/files/{name:path}",
        summary="Get a file of an artifact",
        response_class=Response,
        responses=TROUBLES,
    )
    async def content(
        project: ProjectName,
        artifact: ArtifactName,
        version: VersionName,
        name: Annotated[str, Path(description="As the manifest says it.", max_length=4096)],
        request: Request,
    ) -> Response:
        """Its bytes; what a browser may not show is a download."""
        found = await _find(store, project, artifact, version)
        manifest = files.find(found.digest)
        if manifest is None or manifest.stat().st_size > MANIFEST_BYTES_MAX:
            raise Trouble(404, "not_here_yet", "the manifest of this version has not arrived")
        try:
            contents = json.loads(await asyncio.to_thread(manifest.read_bytes))["contents"]
            digest = contents[name]["digest"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise Trouble(404, "unknown_file", f"{artifact}:{version} has no file {name[:300]!r}") from None
        return serve(files, str(digest), name, request)

    return router


async def _versions(store: Store, project: str, name: str) -> list[Version]:
    found = await store.artifact_versions(project, name)
    if not found:
        await find_project(store, project)
        raise unknown("artifact", name, [each.name for each in await store.artifacts(project)])
    return found


async def _find(store: Store, project: str, name: str, wanted: str) -> Version:
    found = await _versions(store, project, name)
    chosen = choose(found, wanted)
    if chosen is None:
        known = [alias for each in found for alias in (f"v{each.version}", *each.aliases)]
        raise unknown("version", wanted, known, within=f" of artifact {name!r}")
    return chosen


def _version(each: Version) -> dict[str, Any]:
    return {
        "name": each.name,
        "type": each.kind,
        "version": f"v{each.version}",
        "aliases": list(each.aliases),
        "digest": each.digest,
        "size": each.size,
        "files": each.files,
        "description": each.description,
        "metadata": json_safe(each.metadata),
        "created": moment(each.created),
        "run": each.run,
    }


def _link(each: Link) -> dict[str, Any]:
    return {
        "project": each.project,
        "name": each.name,
        "type": each.kind,
        "version": f"v{each.version}" if each.version is not None else None,
        "digest": each.digest,
    }
