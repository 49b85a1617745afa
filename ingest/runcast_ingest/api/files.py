"""Files: how their bytes come here, in parts, and how a browser gets them back.

What a run calls a file is looked up in a table, as it is written; it is never joined to a path.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse, Response

from runcast.paths import PART_BYTES
from runcast_ingest.api import models, serving
from runcast_ingest.api.answers import Trouble, find_run, moment, say
from runcast_ingest.api.catalog import ProjectName, RunId
from runcast_ingest.api.models import TROUBLES
from runcast_ingest.files import Files, NotTaken
from runcast_ingest.store import Store
from runcast_ingest.store.belongings import FILES_PER_READ_MAX

OFFSET = "X-Runcast-Offset"
READ_ON_SECONDS_MAX = 10.0
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")
_EMPTY = re.compile(r"bytes \*/0")

Digest = Annotated[str, Path(description="The SHA-256 of the bytes, in 64 hexadecimal digits.", max_length=80)]


def routes(store: Store, files: Files) -> APIRouter:
    """Make the routes."""
    router = APIRouter(tags=["files"])

    @router.put(
        "/files/{digest}",
        summary="Send a file, or the next part of one",
        response_model=models.FileArrival,
        responses={202: {"model": models.FileArrival, "description": "More of it is to come."}, **TROUBLES},
        status_code=201,
    )
    async def put(digest: Digest, request: Request) -> Response:
        """The body is what `Content-Range: bytes FIRST-LAST/TOTAL` says; the first part begins at 0, an empty file is
        `bytes */0`.

        201: the file is whole, and its bytes have that digest. 202: the next part begins at `offset`. 409: it begins
        elsewhere, `X-Runcast-Offset` says where. 413: too large. 422: the bytes have another digest. 507: no room.
        """
        first, total = _range(request.headers.get("content-range", ""))
        body = request.stream()
        try:
            here = await files.take(digest, first, total, body)
        except ClientDisconnect:
            return Response(status_code=400)  # Nobody hears it.
        except NotTaken as error:
            await _read_on(body)
            trouble = Trouble(error.status, error.code, str(error)).answer()
            trouble.headers[OFFSET] = str(error.offset)
            return trouble
        return say({"digest": digest, "offset": here, "stored": here == total}, status=201 if here == total else 202)

    @router.head("/files/{digest}", summary="Ask whether a file is here", response_class=Response, responses=TROUBLES)
    async def head(digest: Digest) -> Response:
        """200: it is. 404: it is not; its next part begins at `X-Runcast-Offset`."""
        found = _find(files, digest)
        if found is None:
            return Response(status_code=404, headers={OFFSET: str(files.offset(digest))})
        return Response(headers={"content-length": str(found.stat().st_size), "content-type": serving.DOWNLOAD})

    @router.get("/files/{digest}", summary="Get a file by its digest", response_class=Response, responses=TROUBLES)
    async def get(digest: Digest, request: Request) -> Response:
        """Its bytes, always as a download."""
        return serve(files, digest, digest, request, lasting=True)

    @router.get(
        "/projects/{project:path}/runs/{run}/files",
        summary="List a run's files",
        response_model=models.RunFiles,
        responses=TROUBLES,
    )
    async def listed(
        project: ProjectName,
        run: RunId,
        limit: Annotated[int, Query(ge=1, le=FILES_PER_READ_MAX)] = 1000,
        after: Annotated[str, Query(description="Only names behind this one.", max_length=4096)] = "",
        prefix: Annotated[str, Query(description="Only names that begin so.", max_length=4096)] = "",
    ) -> Response:
        """Names in alphabetical order, with digests and sizes; `stored` is false while the bytes are on their way."""
        record = await find_run(store, project, run)
        found = await store.files(record.key, after=after, prefix=prefix, limit=limit)
        told: list[dict[str, Any]] = [
            {
                "name": file.name,
                "digest": file.digest,
                "size": file.size,
                "time": moment(file.time),
                "stored": files.find(file.digest) is not None,
            }
            for file in found
        ]
        return say({"files": told, "next": found[-1].name if len(found) == limit else None})

    @router.get(
        "/projects/{project:path}/runs/{run}/files/{name:path}",
        summary="Get a run's file",
        response_class=Response,
        responses=TROUBLES,
    )
    async def content(
        project: ProjectName,
        run: RunId,
        name: Annotated[str, Path(description="As the list of files says it.", max_length=4096)],
        request: Request,
        v: Annotated[str, Query(description="The beginning of its digest: then it may be kept for ever.")] = "",
    ) -> Response:
        """The bytes of the file. What a browser may show has its type; everything else is a download."""
        record = await find_run(store, project, run)
        file = await store.file(record.key, name)
        if file is None:
            raise Trouble(404, "unknown_file", f"run {run!r} has no file {name[:300]!r}")
        return serve(files, file.digest, name, request, lasting=len(v) >= 8 and file.digest.startswith(v))

    return router


async def _read_on(body: AsyncIterator[bytes]) -> None:
    """Read the rest of a part that is not taken: whoever is still sending would not hear the answer."""
    read = 0
    with suppress(ClientDisconnect, TimeoutError):
        async with asyncio.timeout(READ_ON_SECONDS_MAX):
            async for chunk in body:
                read += len(chunk)
                if read > PART_BYTES:
                    return


def _range(text: str) -> tuple[int, int]:
    if _EMPTY.fullmatch(text):
        return 0, 0
    match = _RANGE.fullmatch(text)
    first, last, total = map(int, match.groups()) if match else (0, -1, 0)
    if match is None or not first <= last < total:
        raise Trouble(422, "bad_range", f"Content-Range is {text[:80]!r}; it is bytes FIRST-LAST/TOTAL")
    return first, total


def _find(files: Files, digest: str) -> Any:
    try:
        return files.find(digest)
    except NotTaken as error:
        raise Trouble(error.status, error.code, str(error)) from error


def serve(files: Files, digest: str, name: str, request: Request, *, lasting: bool = False) -> Response:
    """Answer with the bytes of a digest, as a browser may have them under that name; raises Trouble 404."""
    path = _find(files, digest)
    if path is None:
        raise Trouble(404, "not_here_yet", "the bytes of this file have not arrived; its trainer has them, or is gone")
    told = serving.headers(name, digest, lasting=lasting)
    if request.headers.get("if-none-match") == told["etag"]:
        return Response(status_code=304, headers=told)
    return FileResponse(path, media_type=serving.content_type(name), headers=told)
