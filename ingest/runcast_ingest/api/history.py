"""A run's rows as they were logged, one JSON object a line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from runcast.names import NAME_CHARS_MAX
from runcast_ingest.api.answers import Trouble, find_run
from runcast_ingest.api.catalog import ProjectName, RunId
from runcast_ingest.api.models import TROUBLES
from runcast_ingest.roster import json_safe
from runcast_ingest.store import Store

KEYS_MAX = 1000
NDJSON = "application/x-ndjson"

Keys = Annotated[
    list[str] | None,
    Query(
        description=(
            "Only these keys, and only rows that have all of them, as W&B's `scan_history(keys=…)`; rows of one step "
            "are merged before that. `_step`, `_timestamp` and `_runtime` are in every row. Repeat it, or divide by "
            "commas; without it, every key of every row."
        ),
        examples=[["loss", "accuracy"]],
    ),
]
Row = dict[str, Any]


def routes(store: Store) -> APIRouter:
    """Make the routes."""
    router = APIRouter(tags=["points"])

    @router.get(
        "/projects/{project:path}/runs/{run}/history",
        summary="Read a run's rows",
        response_class=Response,
        responses={
            200: {
                "content": {
                    NDJSON: {"example": '{"loss": 0.31, "_step": 7, "_timestamp": 1764000000.5, "_runtime": 7.1}\n'}
                }
            },
            **TROUBLES,
        },
    )
    async def history(
        project: ProjectName,
        run: RunId,
        keys: Keys = None,
        strict: Annotated[bool, Query(description='NaN and infinities as strings: "NaN", "Infinity".')] = False,
        stream: Annotated[
            Literal["default", "system"], Query(description="`system`: what the machine did, in the order of time.")
        ] = "default",
    ) -> Response:
        """Newline-delimited JSON in order of step, a row each: its keys as logged, `_step`, `_timestamp`, `_runtime`.

        Rows of one step are merged, the last value of a key wins. NaN, Infinity and -Infinity are bare tokens, as in
        W&B's files and as Python reads them; with `strict=1` they are strings. It streams: memory stays bounded.
        """
        record = await find_run(store, project, run)
        pages = store.history(record.key, keys=split_keys(keys), whole=True, system=stream == "system")
        return StreamingResponse(_lines(pages, strict=strict), media_type=NDJSON)

    return router


def split_keys(keys: Sequence[str] | None) -> list[str] | None:
    """Read `keys=a,b` and `keys=a&keys=b`, None when that names none; raises Trouble on too many, or too long a one."""
    if keys is None:
        return None
    found = [key for each in keys for key in each.split(",") if key]
    if len(found) > KEYS_MAX:
        raise Trouble(422, "bad_value", f"keys names {len(found)} keys; at most {KEYS_MAX}, or leave it out for all")
    if long := [key for key in found if len(key) > NAME_CHARS_MAX]:
        raise Trouble(
            422, "bad_value", f"keys has {long[0][:40] + '…'!r}; a key has at most {NAME_CHARS_MAX} characters"
        )
    return found or None


def lines(rows: Sequence[Row], *, strict: bool) -> bytes:
    """Write rows as lines of JSON."""
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    return "".join([encode(json_safe(row) if strict else row) + "\n" for row in rows]).encode("utf-8", "replace")


async def _lines(pages: AsyncIterator[list[Row]], *, strict: bool) -> AsyncIterator[bytes]:
    async for page in pages:
        # A page is thousands of rows: written in a thread, it does not hold up live viewers.
        yield await asyncio.to_thread(lines, page, strict=strict)
