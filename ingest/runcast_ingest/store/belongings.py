"""What belongs to a run beside its numbers: the names of its files, and what it logged to be looked at.

A file's bytes lie elsewhere, under their digest. What is to be looked at stands in its row as ever; here is how it is
found again without reading the rows.
"""

from __future__ import annotations

import sqlite3
import struct

import aiosqlite
from msgspec import Struct

from runcast.blocks import Block, Item
from runcast.events import File, Plain
from runcast.paths import is_digest, is_safe_path
from runcast_ingest.store.codec import crc, pack_document, unpack_document, verify
from runcast_ingest.store.reader import fetch

FILES_PER_READ_MAX = 10_000
HISTOGRAM = "histogram"  # A curve of numbers rather than a thing: thousands of them, and each stands in its row whole.
_INT64_MAX = 2**63 - 1

ADD_FILE = """
INSERT INTO file(run, name, digest, size, time) VALUES(?, ?, ?, ?, ?) ON CONFLICT(run, name)
DO UPDATE SET digest = excluded.digest, size = excluded.size, time = excluded.time WHERE excluded.time >= file.time
"""
ADD_MEDIUM = "INSERT INTO medium(run, writer, name, step, time, crc, data) VALUES(?, ?, ?, ?, ?, ?, ?)"
FILES = """
SELECT name, digest, size, time FROM file
WHERE run = ? AND name > ? AND substr(name, 1, length(?)) = ? ORDER BY name LIMIT ?
"""
FILE = "SELECT name, digest, size, time FROM file WHERE run = ? AND name = ?"
MEDIA = """
SELECT medium.key, medium.name, medium.step, medium.time, writer.id, writer.label, medium.crc, medium.data FROM medium
JOIN writer ON writer.key = medium.writer WHERE medium.run = ? AND medium.key > ? ORDER BY medium.key LIMIT ?
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


def add(db: sqlite3.Connection, run: int, writer: int, item: Item) -> None:
    """Note what an item says of files and of things to look at."""
    match item:
        case File(name=name) if is_safe_path(name) and is_digest(item.digest):
            db.execute(ADD_FILE, (run, name, item.digest, _fit(item.size), _fit(item.time)))
        case Block(extras=extras) if extras is not None:
            for at, values in enumerate(extras):
                for key, value in (values or {}).items():
                    if _is_shown(value):
                        data = pack_document(value)
                        step, time = _at(item.steps, at), _at(item.times, at)
                        db.execute(ADD_MEDIUM, (run, writer, key, step, time, crc(data), data))


def _is_shown(value: object) -> bool:
    kind = value.get("_type") if isinstance(value, dict) else None
    return isinstance(kind, str) and kind != HISTOGRAM


def _at(column: bytes, index: int) -> int:
    return int(struct.unpack_from("<q", column, 8 * index)[0])


def _fit(number: int) -> int:
    return max(-_INT64_MAX, min(number, _INT64_MAX))


async def files(db: aiosqlite.Connection, run: int, *, after: str, prefix: str, limit: int) -> list[FileRecord]:
    """List a run's files by name, those behind `after` that begin with `prefix`."""
    return [FileRecord(*row) for row in await fetch(db, FILES, (run, after, prefix, prefix, limit))]


async def file(db: aiosqlite.Connection, run: int, name: str) -> FileRecord | None:
    """Find a run's file by its whole name."""
    return next((FileRecord(*row) for row in await fetch(db, FILE, (run, name))), None)


async def media(db: aiosqlite.Connection, run: int, *, after: int, limit: int) -> list[Medium]:
    """List what a run logged to be looked at, in the order in which it came. Raises Damaged."""
    found = []
    for number, name, step, time, writer, label, expected, data in await fetch(db, MEDIA, (run, after, limit)):
        verify("something logged to be looked at", expected, data)
        found.append(Medium(number, name, step, time, writer, label, unpack_document(data)))
    return found
