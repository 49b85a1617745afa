"""What belongs to a run beside its numbers: the names of its files, and what it logged to be looked at.

A file's bytes lie elsewhere, under their digest. What is to be looked at stands in its row as ever; here is how it is
found again without reading the rows.
"""

from __future__ import annotations

import sqlite3
import struct
from typing import Any

import aiosqlite
from msgspec import Struct

from runcast.blocks import Block, Item
from runcast.events import File, Plain
from runcast.paths import is_digest, is_safe_path
from runcast_ingest.store.codec import crc, fit, pack_document, unpack_document, verify
from runcast_ingest.store.reader import fetch

FILES_PER_READ_MAX = 10_000
HISTOGRAM = "histogram"  # A curve of numbers rather than a thing: there are thousands of them, and a list of their own.
HISTOGRAM_KEYS_MAX = 5000
HISTOGRAM_BYTES_MAX = 64 * 1024  # Some hundred times what the client makes; a larger one stands in its row alone.

ADD_FILE = """
INSERT INTO file(run, name, digest, size, time) VALUES(?, ?, ?, ?, ?) ON CONFLICT(run, name)
DO UPDATE SET digest = excluded.digest, size = excluded.size, time = excluded.time WHERE excluded.time >= file.time
"""
ADD_MEDIUM, ADD_HISTOGRAM = (
    f"INSERT INTO {table}(run, writer, name, step, time, crc, data) VALUES(?, ?, ?, ?, ?, ?, ?)"
    for table in ("medium", "histogram")
)
FILES = """
SELECT name, digest, size, time FROM file
WHERE run = ? AND name > ? AND substr(name, 1, length(?)) = ? ORDER BY name LIMIT ?
"""
FILE = "SELECT name, digest, size, time FROM file WHERE run = ? AND name = ?"
MEDIA = """
SELECT medium.key, medium.name, medium.step, medium.time, writer.id, writer.label, medium.crc, medium.data FROM medium
JOIN writer ON writer.key = medium.writer WHERE medium.run = ? AND medium.key > ? ORDER BY medium.key LIMIT ?
"""
HISTOGRAM_KEYS = """
SELECT each.name, writer.label, sum(each.count) FROM (
    SELECT name, writer, count(*) AS count FROM histogram WHERE run = ? GROUP BY name, writer
) AS each JOIN writer ON writer.key = each.writer GROUP BY each.name, writer.label
ORDER BY each.name, writer.label LIMIT ?
"""
_OF_HISTOGRAM = """
FROM histogram WHERE run = ? AND name = ? AND writer IN (SELECT key FROM writer WHERE run = ? AND label = ?) AND key > ?
"""
HISTOGRAM_COUNT = f"SELECT count(*) {_OF_HISTOGRAM}"
# Every n-th, counted from the newest: that one is always among them.
HISTOGRAMS = f"""
SELECT histogram.key, histogram.name, histogram.step, histogram.time, writer.id, writer.label, histogram.crc,
    histogram.data
FROM (SELECT key AS chosen, row_number() OVER (ORDER BY key DESC) AS place {_OF_HISTOGRAM})
JOIN histogram ON histogram.key = chosen JOIN writer ON writer.key = histogram.writer
WHERE (place - 1) % ? = 0 ORDER BY histogram.key
"""


class FileRecord(Struct, frozen=True):
    """A file of a run: what it is called there, and the digest of its bytes."""

    name: str
    digest: str
    size: int
    time: int


class Medium(Struct, frozen=True):
    """Something that was logged to be looked at; `value` is W&B's own dict, and `number` rises."""

    number: int
    name: str
    step: int
    time: int
    writer: str
    label: str
    value: dict[str, Plain]


class HistogramKey(Struct, frozen=True):
    """A key of which so many histograms were logged, by the processes of a label."""

    key: str
    label: str
    count: int


def add(db: sqlite3.Connection, run: int, writer: int, item: Item) -> None:
    """Note what an item says of files and of things to look at."""
    match item:
        case File(name=name) if is_safe_path(name) and is_digest(item.digest):
            db.execute(ADD_FILE, (run, name, item.digest, fit(item.size), fit(item.time)))
        case Block(extras=extras) if extras is not None:
            for at, values in enumerate(extras):
                for key, value in (values or {}).items():
                    kind = value.get("_type") if isinstance(value, dict) else None
                    if not isinstance(kind, str):
                        continue
                    data = pack_document(value)
                    if kind == HISTOGRAM and len(data) > HISTOGRAM_BYTES_MAX:
                        continue
                    step, time = _at(item.steps, at), _at(item.times, at)
                    sql = ADD_HISTOGRAM if kind == HISTOGRAM else ADD_MEDIUM
                    db.execute(sql, (run, writer, key, step, time, crc(data), data))


def _at(column: bytes, index: int) -> int:
    return int(struct.unpack_from("<q", column, 8 * index)[0])


async def files(db: aiosqlite.Connection, run: int, *, after: str, prefix: str, limit: int) -> list[FileRecord]:
    """List a run's files by name, those behind `after` that begin with `prefix`."""
    return [FileRecord(*row) for row in await fetch(db, FILES, (run, after, prefix, prefix, limit))]


async def file(db: aiosqlite.Connection, run: int, name: str) -> FileRecord | None:
    """Find a run's file by its whole name."""
    return next((FileRecord(*row) for row in await fetch(db, FILE, (run, name))), None)


async def media(db: aiosqlite.Connection, run: int, *, after: int, limit: int) -> list[Medium]:
    """List what a run logged to be looked at, in the order in which it came. Raises Damaged."""
    return [_medium(row) for row in await fetch(db, MEDIA, (run, after, limit))]


async def histogram_keys(db: aiosqlite.Connection, run: int) -> list[HistogramKey]:
    """List of which keys a run logged histograms, by name."""
    return [HistogramKey(*row) for row in await fetch(db, HISTOGRAM_KEYS, (run, HISTOGRAM_KEYS_MAX))]


async def histograms(
    db: aiosqlite.Connection, run: int, name: str, label: str, *, after: int, limit: int
) -> list[Medium]:
    """List a key's histograms behind a number: of more than `limit` every n-th, the newest always. Raises Damaged."""
    chosen = (run, name, run, label, after)
    count = (await fetch(db, HISTOGRAM_COUNT, chosen))[0][0]
    return [_medium(row) for row in await fetch(db, HISTOGRAMS, (*chosen, max(1, -(-count // limit))))]


def _medium(row: tuple[Any, ...]) -> Medium:
    number, name, step, time, writer, label, expected, data = row
    verify("something logged to be looked at", expected, data)
    return Medium(number, name, step, time, writer, label, unpack_document(data))
