"""Projects, runs and keys: what is read by plain queries."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

import aiosqlite

from runcast.blocks import FLOAT
from runcast.errors import MalformedEntry, UsageError
from runcast_ingest.store.codec import crc, pack_document, unpack_document
from runcast_ingest.store.reader import Fetched, fetch
from runcast_ingest.store.records import STATES, KeyRecord, QuarantineRecord, RunRecord, WriterRecord
from runcast_ingest.store.standing import AGGREGATES, METRICS

RUNS_PER_PAGE_MAX = 1000
OWN_FACTS = frozenset(("host", "program", "python", "notes", "group", "job_type", "tags", METRICS, AGGREGATES))
OTHER = "x"  # The kind of a key whose values are no numbers.

PROJECTS = """
SELECT project.name, count(run.key), project.created, coalesce(max(run.updated), project.updated) AS latest
FROM project LEFT JOIN run ON run.project = project.key GROUP BY project.key ORDER BY latest DESC, project.name
"""
RUN_IDS = """
SELECT run.id FROM run JOIN project ON project.key = run.project WHERE project.name = ? ORDER BY run.created DESC
"""
RUN = """
SELECT run.key, project.name, run.id, run.name, run.state, run.config, run.summary, run.created, run.started,
    run.updated, run.finished, run.exit_code, run.steps, run.rows, run.lost, run.details, run.crc
FROM run JOIN project ON project.key = run.project
"""
WRITERS = """
SELECT run, id, label, mark, first_time, last_time, exit_code, finished, seen FROM writer
"""
LIVING = """
SELECT project.name, run.id, writer.id, writer.label FROM run JOIN project ON project.key = run.project
JOIN writer ON writer.run = run.key WHERE run.state = 'running' AND writer.finished IS NULL ORDER BY writer.key
"""
PROJECT_KEYSETS = """
SELECT DISTINCT axis.keyset FROM axis JOIN run ON run.key = axis.run JOIN project ON project.key = run.project
WHERE project.name = ?
"""
QUARANTINE = """
SELECT kind, shard, entry_ms, entry_seq, path, writer, first, last, reason, received, size, data FROM quarantine
ORDER BY key DESC LIMIT ?
"""
COUNTS = """
SELECT (SELECT count(*) FROM run), (SELECT count(*) FROM writer), (SELECT coalesce(sum(mark), 0) FROM writer),
    count(*), coalesce(sum(last - first + 1), 0), coalesce(sum(length(data)), 0), (SELECT count(*) FROM part)
FROM level0
"""
COUNTED = ("runs", "writers", "events", "level0_rows", "level0_events", "level0_bytes", "parts")

# What runs can be sorted by. The key makes the order total, so that a page never repeats a run.
SORTS = {
    "created": "run.created",
    "updated": "run.updated",
    "name": "run.name",
    "id": "run.id",
    "state": "run.state",
    "steps": "run.steps",
    "duration": "run.updated - run.created",
}


async def runs(
    db: aiosqlite.Connection, project: str, *, state: str | None, sort: str, limit: int, cursor: str | None
) -> tuple[list[RunRecord], str | None]:
    """Read a page of a project's runs, and the cursor of the next page."""
    descending, column = sort.startswith("-"), SORTS.get(sort.lstrip("-"))
    if column is None:
        raise UsageError(f"runs cannot be sorted by {sort!r}; use one of {', '.join(SORTS)}, with - for descending")
    if state is not None and state not in STATES:
        raise UsageError(f"{state!r} is no state of a run; use one of {', '.join(STATES)}")
    limit = min(max(1, limit), RUNS_PER_PAGE_MAX)
    conditions, values = ["project.name = ?"], [project]
    if state is not None:
        conditions.append("run.state = ?")
        values.append(state)
    if cursor is not None:
        conditions.append(f"({column}, run.key) {'<' if descending else '>'} (?, ?)")
        values += _read_cursor(cursor)
    order = "DESC" if descending else "ASC"
    sql = f"{RUN} WHERE {' AND '.join(conditions)} ORDER BY {column} {order}, run.key {order} LIMIT ?"
    rows = await fetch(db, sql, [*values, limit + 1])
    found = await _complete(db, rows[:limit])
    if len(rows) <= limit:
        return found, None
    last = (await fetch(db, f"SELECT {column}, run.key FROM run WHERE run.key = ?", (found[-1].key,)))[0]
    return found, urlsafe_b64encode(pack_document(last)).decode()


async def run(db: aiosqlite.Connection, project: str, id_: str) -> RunRecord | None:
    """Read one run."""
    found = await _complete(db, await fetch(db, f"{RUN} WHERE project.name = ? AND run.id = ?", (project, id_)))
    return found[0] if found else None


async def living(db: aiosqlite.Connection) -> dict[str, dict[str, str]]:
    """Read the paths of the runs that run, each with its writers that have not ended and their labels."""
    found: dict[str, dict[str, str]] = {}
    for project, id_, writer, label in await fetch(db, LIVING):
        found.setdefault(f"{project}/{id_}", {})[writer] = label
    return found


async def created(db: aiosqlite.Connection, run_key: int) -> int:
    """Read when a run was made; 0 when there is none."""
    rows = await fetch(db, "SELECT created FROM run WHERE key = ?", (run_key,))
    return int(rows[0][0]) if rows else 0


async def keys(db: aiosqlite.Connection, heads: Fetched, run_key: int) -> list[KeyRecord]:
    """Count the points of each key of a run, over all of its writers."""
    rows = await fetch(db, f"{RUN} WHERE run.key = ?", (run_key,))
    if not rows:
        return []
    summary = (await _complete(db, rows))[0].summary
    points: dict[str, int] = {}
    kinds: dict[str, set[str]] = {}
    for axis in heads.axes:
        for name, kind in zip(axis.names, axis.kinds, strict=True):
            points[name] = points.get(name, 0) + axis.rows
            kinds.setdefault(name, set()).add(kind)
        for name in axis.extras:
            points.setdefault(name, 0)
    found = []
    for name in sorted(points):
        seen = kinds.get(name, {OTHER})
        found.append(KeyRecord(name, next(iter(seen)) if len(seen) == 1 else FLOAT, points[name], summary.get(name)))
    return found


def quarantined(row: tuple[Any, ...]) -> QuarantineRecord:
    """Read a row of QUARANTINE."""
    kind, shard, ms, seq, path, writer, first, last, reason, received, size, data = row
    return QuarantineRecord(kind, shard, (ms, seq), path, writer, first, last, reason, received, size, data)


async def _complete(db: aiosqlite.Connection, rows: Sequence[tuple[Any, ...]]) -> list[RunRecord]:
    writers: dict[int, list[WriterRecord]] = {row[0]: [] for row in rows}
    wanted = ",".join(str(key) for key in writers)
    for key, *fields in await fetch(db, f"{WRITERS} WHERE run IN ({wanted}) ORDER BY key"):
        writers[key].append(WriterRecord(*fields))
    return [_record(row, writers[row[0]]) for row in rows]


def _record(row: tuple[Any, ...], writers: list[WriterRecord]) -> RunRecord:
    config, summary, details, expected = row[5], row[6], row[15], row[16]
    # One damaged row, or one nested without end, must not take a project's list and live page from everybody.
    about, settings, last = {}, {}, {}
    damaged = crc(details, config, summary) != expected
    if not damaged:
        try:
            about, settings, last = map(unpack_document, (details, config, summary))
        except RecursionError:
            damaged = True
    return RunRecord(
        key=row[0],
        project=row[1],
        id=row[2],
        name=row[3],
        state=row[4],
        config=settings,
        summary=last,
        created=row[7],
        started=row[8],
        updated=row[9],
        finished=row[10],
        exit_code=row[11],
        steps=row[12],
        rows=row[13],
        lost=row[14],
        host=about.get("host", ""),
        program=about.get("program", ""),
        python=about.get("python", ""),
        notes=about.get("notes", ""),
        group=about.get("group", ""),
        job_type=about.get("job_type", ""),
        tags=tuple(about.get("tags", ())),
        writers=writers,
        facts={key: value for key, value in about.items() if key not in OWN_FACTS},
        metrics=about.get(METRICS, {}),
        damaged=damaged,
    )


def _read_cursor(cursor: str) -> list[Any]:
    try:
        value, key = unpack_document(urlsafe_b64decode(cursor))
    except (ValueError, TypeError, binascii.Error, MalformedEntry) as error:
        raise UsageError(f"{cursor[:40]!r} is no cursor; use the `next` of the page before") from error
    return [value, key]
