"""Projects, runs and keys: what is read by plain queries."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

import aiosqlite
import msgspec
from msgspec import Struct

from runcast.blocks import FLOAT
from runcast.conditions import Condition, Field
from runcast.errors import MalformedEntry, UsageError
from runcast.expressions import FilterError, parse_field
from runcast_ingest.store.codec import crc, pack_document, unpack_document
from runcast_ingest.store.finding import Sql, metrics_of, order, tags_of, value_of, where
from runcast_ingest.store.reader import Fetched, chain, fetch
from runcast_ingest.store.records import Base, KeyRecord, Living, QuarantineRecord, RunRecord, WriterRecord
from runcast_ingest.store.standing import AGGREGATES, METRICS

RUNS_PER_PAGE_MAX = 1000
OWN_FACTS = frozenset(("host", "program", "python", "notes", "group", "job_type", "tags", METRICS, AGGREGATES))
OTHER = "x"  # The kind of a key whose values are no numbers.

PROJECTS = """
SELECT project.name, count(run.key) FILTER (WHERE curation.deleted IS NULL), project.created,
    coalesce(max(run.updated), project.updated) AS latest
FROM project LEFT JOIN run ON run.project = project.key AND run.aside = 0
LEFT JOIN curation ON curation.run = run.key
GROUP BY project.key ORDER BY latest DESC, project.name
"""
RUN_IDS = """
SELECT run.id FROM run JOIN project ON project.key = run.project WHERE project.name = ? AND run.aside = 0
ORDER BY run.created DESC
"""
RUN = """
SELECT run.key, project.name, run.id, run.name, run.state, run.config, run.summary, run.created, run.started,
    run.updated, run.finished, run.exit_code, run.steps, run.rows, run.lost, run.details, run.crc, run.base,
    run.base_step, run.aside, run.beginning, curation.added, curation.removed, curation.hidden, curation.deleted,
    curation.notes
FROM run JOIN project ON project.key = run.project LEFT JOIN curation ON curation.run = run.key
"""
WRITERS = """
SELECT run, id, label, mark, first_time, last_time, exit_code, finished, seen FROM writer
"""
LIVING = """
SELECT project.name, run.id, run.state, writer.id, writer.label, writer.seen FROM run
JOIN project ON project.key = run.project JOIN writer ON writer.run = run.key
WHERE writer.finished IS NULL AND (run.state = 'running' OR run.state = 'crashed' AND writer.seen > ?)
ORDER BY writer.key
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
    count(*), coalesce(sum(last - first + 1), 0), coalesce(sum(length(data)), 0), (SELECT count(*) FROM part),
    (SELECT count(*) FROM delivery), (SELECT min(since) FROM delivery)
FROM level0
"""
COUNTED = (
    "runs", "writers", "events", "level0_rows", "level0_events", "level0_bytes", "parts", "deliveries", "delivery_since"
)  # fmt: skip

SORTS = ("created", "updated", "name", "id", "state", "steps", "duration")  # And config.KEY, summary.KEY …
ORDER = """
SELECT run.key, run.id, {columns} FROM run JOIN project ON project.key = run.project
LEFT JOIN curation ON curation.run = run.key WHERE {conditions} ORDER BY {order}
"""
DOCUMENTS = """
SELECT run.{document} FROM run JOIN project ON project.key = run.project
LEFT JOIN curation ON curation.run = run.key WHERE project.name = ? AND run.aside = 0
AND curation.deleted IS NULL ORDER BY run.created DESC LIMIT ?
"""


class Asked(Struct, frozen=True):
    """Which runs of a project, and in which order: by a field, with a minus the largest first."""

    project: str
    condition: Condition | None = None
    sort: str = "-created"
    group: str | None = None  # A field: runs with the same value of it stand together.
    hidden: bool | None = None  # Only those that are, or are not.
    deleted: bool = False  # Only those that are, instead of those that are not.


def sort_of(text: str) -> tuple[Field, bool]:
    """Read an order: its field, and whether the largest come first. Raises UsageError."""
    name = text.lstrip("+-")
    try:
        return parse_field(name), text.startswith("-")
    except FilterError as error:
        several = ", ".join([*SORTS, "config.KEY", "summary.KEY"])
        raise UsageError(
            f"runs cannot be sorted by {text[:80]!r}; use one of {several}, with - for descending"
        ) from error


def metrics_asked(asked: Asked) -> set[str]:
    """Name the metrics whose extremes have to be known before the question can be answered."""
    fields = [sort_of(asked.sort)[0], *([sort_of(asked.group)[0]] if asked.group else [])]
    return metrics_of(asked.condition, *fields)


def _conditions(asked: Asked) -> Sql:
    sql = ["project.name = ?", "run.aside = 0"]
    values: list[Any] = [asked.project]
    sql.append("curation.deleted IS NOT NULL" if asked.deleted else "curation.deleted IS NULL")
    if asked.hidden is not None:
        sql.append("coalesce(curation.hidden, 0) = ?")
        values.append(int(asked.hidden))
    if asked.condition is not None:
        more, given = where(asked.condition)
        sql.append(more)
        values += given
    return " AND ".join(sql), values


async def runs(
    db: aiosqlite.Connection, asked: Asked, *, limit: int, cursor: str | None
) -> tuple[list[RunRecord], str | None]:
    """Read a page of a project's runs, and the cursor of the next page."""
    field, descending = sort_of(asked.sort)
    limit = min(max(1, limit), RUNS_PER_PAGE_MAX)
    conditions, values = _conditions(asked)
    columns, given = order(field)
    direction, beyond = ("DESC", "<") if descending else ("ASC", ">")
    # The key makes the order total, so that a page never repeats a run.
    sql = ORDER.format(columns=columns, conditions=conditions, order=f"rank, value {direction}, run.key {direction}")
    values = [*given, *values]
    if cursor is not None:
        rank, value, key = _read_cursor(cursor)
        sql = f"SELECT * FROM ({sql}) WHERE rank > ? OR (rank = ? AND (value, key) {beyond} (?, ?))"
        values += [rank, rank, value, key]
    found = await fetch(db, f"{sql} LIMIT ?", [*values, limit + 1])
    page = found[:limit]
    wanted = ",".join(str(row[0]) for row in page)
    rows = {row[0]: row for row in await fetch(db, f"{RUN} WHERE run.key IN ({wanted})")}
    records = await _complete(db, [rows[row[0]] for row in page])
    if len(found) <= limit:
        return records, None
    key, _, rank, value = page[-1]
    return records, urlsafe_b64encode(pack_document([rank, value, key])).decode()


async def ordered(db: aiosqlite.Connection, asked: Asked, limit: int) -> list[tuple[str, Any]]:
    """Read the ids of all runs that are asked for, in order, each with the value that it is grouped by."""
    field, descending = sort_of(asked.sort)
    conditions, values = _conditions(asked)
    columns, given = order(field)
    direction = "DESC" if descending else "ASC"
    by = f"rank, value {direction}, run.key {direction}"
    if asked.group is None:
        sql = ORDER.format(columns=f"NULL, {columns}", conditions=conditions, order=by)
    else:
        grouped, more = value_of(sort_of(asked.group)[0])
        sql = ORDER.format(
            columns=f"{grouped} AS grouped, {columns}", conditions=conditions, order=f"grouped IS NULL, grouped, {by}"
        )
        given = [*more, *given]
    return [(row[1], row[2]) for row in await fetch(db, f"{sql} LIMIT ?", [*given, *values, limit])]


async def of_ids(db: aiosqlite.Connection, project: str, ids: Sequence[str]) -> list[RunRecord]:
    """Read runs by their ids, in that order, deleted ones too; those that there are not are left out."""
    wanted = msgspec.json.encode(list(ids)).decode()
    sql = f"{RUN} WHERE project.name = ? AND run.id IN (SELECT value FROM json_each(?))"
    found = {record.id: record for record in await _complete(db, await fetch(db, sql, (project, wanted)))}
    return [found[id_] for id_ in dict.fromkeys(ids) if id_ in found]


async def documents(db: aiosqlite.Connection, project: str, document: str, limit: int) -> list[bytes]:
    """Read the configs or summaries of a project's newest runs, as they are packed."""
    sql = DOCUMENTS.format(document={"config": "config", "summary": "summary"}[document])
    return [row[0] for row in await fetch(db, sql, (project, limit))]


async def run(db: aiosqlite.Connection, project: str, id_: str) -> RunRecord | None:
    """Read one run."""
    found = await _complete(db, await fetch(db, f"{RUN} WHERE project.name = ? AND run.id = ?", (project, id_)))
    return found[0] if found else None


async def living(db: aiosqlite.Connection, silent_since: int) -> list[Living]:
    """Read the runs that run, or that fell silent after that time (ns since 1970)."""
    found: dict[str, Living] = {}
    for project, id_, state, writer, label, seen in await fetch(db, LIVING, (silent_since,)):
        one = found.setdefault(f"{project}/{id_}", Living(f"{project}/{id_}", state))
        one.writers[writer] = label
        one.seen = max(one.seen, seen)
    return list(found.values())


async def keys(db: aiosqlite.Connection, heads: Fetched, run_key: int) -> list[KeyRecord]:
    """Count the points of each key of a run, over all of its writers; of a base, all that it has."""
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
    return [_record(row, writers[row[0]], *await _past(db, row[17], row[18])) for row in rows]


async def _past(db: aiosqlite.Connection, base: int, step: int) -> tuple[Base | None, list[WriterRecord]]:
    """Read what comes before a run's own rows."""
    if not base:
        return None, []
    keys = [key for key, _ in await chain(db, base)]
    found = await fetch(db, f"{WRITERS} WHERE run IN ({','.join(map(str, keys))}) ORDER BY key")
    names = await fetch(db, "SELECT id FROM run WHERE key = ?", (base,))
    return Base(names[0][0] if names else "", step), [WriterRecord(*fields) for _, *fields in found]


def _record(
    row: tuple[Any, ...], writers: list[WriterRecord], base: Base | None, elders: list[WriterRecord]
) -> RunRecord:
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
        notes=row[25] if row[25] is not None else about.get("notes", ""),
        group=about.get("group", ""),
        job_type=about.get("job_type", ""),
        tags=tuple(tags_of(about.get("tags", ()), row[21], row[22])),
        writers=writers,
        base=base,
        elders=elders,
        aside=bool(row[19]),
        beginning=row[20],
        facts={key: value for key, value in about.items() if key not in OWN_FACTS},
        metrics=about.get(METRICS, {}),
        damaged=damaged,
        hidden=bool(row[23]),
        deleted=row[24],
    )


def _read_cursor(cursor: str) -> list[Any]:
    try:
        rank, value, key = unpack_document(urlsafe_b64decode(cursor))
    except (ValueError, TypeError, binascii.Error, MalformedEntry) as error:
        raise UsageError(f"{cursor[:40]!r} is no cursor; use the `next` of the page before") from error
    return [rank, value, key]
