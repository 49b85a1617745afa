"""A run's rows as a file for another program: CSV, Parquet or JSON lines."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import tempfile
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from fastapi import APIRouter, Query
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, Response, StreamingResponse

from runcast.names import SYSTEM
from runcast_ingest.api.answers import find_run
from runcast_ingest.api.catalog import ProjectName, RunId
from runcast_ingest.api.history import NDJSON, Row, lines, split_keys
from runcast_ingest.api.models import TROUBLES
from runcast_ingest.store import KeyRecord, Store

# What a spreadsheet would take for a formula (CWE-1236).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_TYPES = {"f": pa.float64(), "i": pa.int64(), "b": pa.bool_(), "x": pa.string()}
_PLAIN = {"f": (float, int), "i": (int,), "b": (bool,), "x": (str,)}
EXTRA = "_extra"


def routes(store: Store) -> APIRouter:
    """Make the routes."""
    router = APIRouter(tags=["points"])

    @router.get(
        "/projects/{project:path}/runs/{run}/export",
        summary="Export a run's rows",
        response_class=Response,
        responses={200: {"content": {"text/csv": {}, "application/vnd.apache.parquet": {}, NDJSON: {}}}, **TROUBLES},
    )
    async def export(
        project: ProjectName,
        run: RunId,
        format_: Annotated[Literal["csv", "parquet", "jsonl"], Query(alias="format")] = "csv",
        keys: Annotated[
            list[str] | None,
            Query(description="Only these columns, and rows that have one of them; repeat it, or divide by commas."),
        ] = None,
    ) -> Response:
        """A file with a column for each key, and `_step`, `_timestamp`, `_runtime`; rows of one step are merged.

        In CSV, a text that a spreadsheet would take for a formula gets a leading apostrophe. In Parquet, a value that
        does not fit its column's type stands in `_extra`, as JSON.
        """
        wanted = split_keys(keys)
        record = await find_run(store, project, run)
        known = [key for key in await store.keys(record.key) if not key.key.startswith(SYSTEM)]
        found = [key for key in known if wanted is None or key.key in wanted]
        labelled = any(writer.label for writer in record.writers)
        pages = store.history(record.key, keys=wanted)
        name = f'attachment; filename="{record.id}.{format_}"'  # A run id is safe in a header.
        headers = {"content-disposition": name}
        if format_ == "jsonl":
            return StreamingResponse(_json_lines(pages), media_type=NDJSON, headers=headers)
        if format_ == "csv":
            columns = [
                "_step",
                "_timestamp",
                "_runtime",
                *(["_label"] if labelled else []),
                *[key.key for key in found],
            ]
            return StreamingResponse(_csv(pages, columns), media_type="text/csv; charset=utf-8", headers=headers)
        path = await _parquet(pages, found)
        return FileResponse(
            path,
            media_type="application/vnd.apache.parquet",
            headers=headers,
            background=BackgroundTask(os.unlink, path),
        )

    return router


def cell(value: Any) -> Any:
    """Write a value for CSV so that no spreadsheet computes it; numbers are left alone."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, int | float):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if text.startswith(_FORMULA) else text


def csv_lines(rows: Sequence[Row], columns: Sequence[str]) -> bytes:
    """Write rows as CSV."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerows([[cell(row.get(column)) for column in columns] for row in rows])
    return out.getvalue().encode("utf-8", "replace")


def schema(keys: Sequence[KeyRecord]) -> pa.Schema:
    """Say which columns a Parquet file has."""
    own = [("_step", pa.int64()), ("_timestamp", pa.float64()), ("_runtime", pa.float64()), ("_label", pa.string())]
    return pa.schema([*own, *[(key.key, _TYPES[key.kind]) for key in keys], (EXTRA, pa.string())])


def table(rows: Sequence[Row], keys: Sequence[KeyRecord]) -> pa.Table:
    """Make rows into columns; what does not fit its column goes to `_extra`."""
    columns: dict[str, list[Any]] = {name: [] for name in schema(keys).names}
    for row in rows:
        extra: dict[str, Any] = {}
        for name in ("_step", "_timestamp", "_runtime", "_label"):
            columns[name].append(row.get(name))
        for key in keys:
            value = row.get(key.key)
            fits = type(value) in _PLAIN[key.kind]
            columns[key.key].append(value if fits else None)
            if value is not None and not fits:
                extra[key.key] = value
        columns[EXTRA].append(json.dumps(extra, ensure_ascii=False) if extra else None)
    return pa.table(columns, schema=schema(keys))


async def _json_lines(pages: AsyncIterator[list[Row]]) -> AsyncIterator[bytes]:
    async for page in pages:
        yield await asyncio.to_thread(lines, page, strict=False)


async def _csv(pages: AsyncIterator[list[Row]], columns: Sequence[str]) -> AsyncIterator[bytes]:
    head = io.StringIO()
    csv.writer(head).writerow([cell(column) for column in columns])
    yield head.getvalue().encode()
    async for page in pages:
        yield await asyncio.to_thread(csv_lines, page, columns)


async def _parquet(pages: AsyncIterator[list[Row]], keys: Sequence[KeyRecord]) -> str:
    # The format's table of contents stands at its end, so the file is made before it is sent.
    handle, path = await asyncio.to_thread(tempfile.mkstemp, prefix="runcast-", suffix=".parquet")
    try:
        with os.fdopen(handle, "wb") as file, pq.ParquetWriter(file, schema(keys), compression="zstd") as writer:
            async for page in pages:
                writer.write_table(await asyncio.to_thread(table, page, keys))
    except BaseException:
        os.unlink(path)
        raise
    return path
