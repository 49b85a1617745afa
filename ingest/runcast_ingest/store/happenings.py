"""What happens in a run beside its rows, in tables of its own: lines of its console, and alerts.

The event itself is kept with all others; these tables are how it is found. A line that is written again, as a
progress bar is, replaces what it said. Who writes alerts down is `sentry`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

import aiosqlite
from msgspec import Struct

from runcast.events import Console, Event
from runcast_ingest.store.codec import INT64_MAX, crc, fit, pack_document, unpack_document, verify
from runcast_ingest.store.reader import fetch
from runcast_ingest.store.records import AlertRecord

LINES_PER_READ_MAX = 10_000

ADD_CONSOLE = "INSERT INTO console(run, writer, first, last, time, error, crc, data) VALUES(?, ?, ?, ?, ?, ?, ?, ?)"
LINES = """
SELECT first, last, time, error, crc, data FROM console
WHERE run = ? AND writer = ? AND last >= ? AND time <= ? ORDER BY key
"""
ENDS = """
SELECT writer.key, writer.id, writer.label, max(console.last), max(console.key) FROM console
JOIN writer ON writer.key = console.writer WHERE console.run = ? AND console.time <= ?
GROUP BY writer.key ORDER BY writer.key
"""
COUNTS_SINCE = "SELECT key, last - first + 1 FROM console WHERE run = ? AND key > ? ORDER BY key LIMIT ?"
LINES_SINCE = """
SELECT writer.id, writer.label, console.first, console.time, console.error, console.crc, console.data
FROM console JOIN writer ON writer.key = console.writer
WHERE console.run = ? AND console.key > ? AND console.key <= ? ORDER BY console.key
"""
RECENT_ALERTS = """
SELECT run.id, run.name, alert.time, alert.step, alert.level, alert.title, alert.text, coalesce(writer.label, ''),
    alert.rule, alert.key
FROM alert JOIN run ON run.key = alert.run
LEFT JOIN writer ON writer.key = alert.writer LEFT JOIN curation ON curation.run = run.key
WHERE alert.project = (SELECT key FROM project WHERE name = ?)
    AND run.aside = 0 AND curation.deleted IS NULL ORDER BY alert.key DESC LIMIT ?
"""
ALERTS = """
SELECT alert.time, alert.step, alert.level, alert.title, alert.text, writer.label, alert.rule, alert.key FROM alert
JOIN writer ON writer.key = alert.writer WHERE alert.run = ? ORDER BY alert.key DESC LIMIT ?
"""


class Line(Struct, frozen=True):
    """A line of a writer's output; `begun` and `time` are when it was first and last written, in ns."""

    writer: str
    label: str
    number: int
    begun: int
    time: int
    error: bool
    text: str


def add(db: sqlite3.Connection, run: int, writer: int, event: Event) -> None:
    """Note what an event says, if it is one of these."""
    match event:
        case Console(lines=lines) if lines and 0 <= event.first <= INT64_MAX - len(lines):
            data = pack_document(lines)
            last = event.first + len(lines) - 1
            row = (run, writer, event.first, last, fit(event.time), event.error, crc(data), data)
            db.execute(ADD_CONSOLE, row)


async def lines(
    db: aiosqlite.Connection,
    run: int,
    *,
    limit: int,
    search: str = "",
    until: int | None = None,
) -> tuple[list[Line], int]:
    """Read the last lines of a run's console as it was begun, and the number behind which what comes later stands.

    Lines of one writer stand in the order of their numbers: a progress bar stays where it is.

    With `search`, only lines that contain it, in any case; with `until`, in ns, what had been printed by then, as it
    stood then. Raises Damaged.
    """
    until = INT64_MAX if until is None else until
    found: list[tuple[int, Line]] = []
    number = 0
    for key, id_, label, last, newest in await fetch(db, ENDS, (run, until)):
        begin = 0 if search else max(0, last - limit + 1)
        rows = await fetch(db, LINES, (run, key, begin, until))
        found += _lines(id_, label, rows, begin, search.lower())
        number = max(number, newest)
    found.sort(key=lambda one: (one[0], one[1].writer, one[1].number))
    return [line for _, line in found][-limit:], number


async def lines_since(db: aiosqlite.Connection, run: int, *, after: int, limit: int) -> tuple[list[Line], int]:
    """Read what was printed behind a number, or written over: about `limit` lines, and the number to go on from.

    They come in the order in which they were stored, each once with its last text. Raises Damaged.
    """
    following, count = after, 0
    for key, lines_of in await fetch(db, COUNTS_SINCE, (run, after, limit)):
        following, count = key, count + lines_of
        if count >= limit:
            break
    told: dict[tuple[str, int], Line] = {}
    for id_, label, first, time, error, expected, data in await fetch(db, LINES_SINCE, (run, after, following)):
        verify("console lines", expected, data)
        for at, text in enumerate(unpack_document(data), first):
            before = told.get((id_, at))
            told[id_, at] = Line(id_, label, at, before.begun if before else time, time, bool(error), text)
    return list(told.values()), following


def _lines(
    writer: str, label: str, rows: Iterable[tuple[Any, ...]], begin: int, wanted: str
) -> Iterator[tuple[int, Line]]:
    """Give lines in the order of their numbers, each with a time that never goes back: of when it was begun."""
    texts: dict[int, Line] = {}
    begun: dict[int, int] = {}
    for first, _, time, error, expected, data in rows:
        verify("console lines", expected, data)
        for number, text in enumerate(unpack_document(data), first):
            if number >= begin:
                texts[number] = Line(writer, label, number, begun.setdefault(number, time), time, bool(error), text)
    latest = 0
    for number in sorted(texts):
        latest = max(latest, begun[number])
        if wanted in texts[number].text.lower():
            yield latest, texts[number]


async def alerts(db: aiosqlite.Connection, run: int, limit: int) -> list[AlertRecord]:
    """Read a run's alerts, the latest first."""
    return [AlertRecord(*row) for row in await fetch(db, ALERTS, (run, limit))]


async def recent_alerts(db: aiosqlite.Connection, project: str, limit: int) -> list[tuple[str, str, AlertRecord]]:
    """Read the latest alerts of a project, each with its run's id and name."""
    rows = await fetch(db, RECENT_ALERTS, (project, limit))
    return [(run, name, AlertRecord(*alert)) for run, name, *alert in rows]
