"""Read every stored byte again: is each blob what was written, and is each writer complete from 1 to its mark?

Complete means that every sequence is there once: in level 0, in a part, among the events, or in quarantine because
nobody could read it, or the database would not take it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from hashlib import sha256

import numpy as np

from runcast.blocks import count as count_events
from runcast.wire import decode_items
from runcast_ingest.store.codec import Ints, crc, decompress
from runcast_ingest.store.parts import read_axis
from runcast_ingest.store.records import POISON, REFUSED, STRAY, CheckReport
from runcast_ingest.store.schema import AXIS_POSITION, POSITION_BITS

PROBLEMS_MAX = 1000  # Listed; beyond them a file is rather restored than read.

Progress = Callable[[int, int, str], None]  # How many of how many, and of what.

BLOBS = {
    "run": "SELECT key, crc, details, config, summary FROM run WHERE key > ? ORDER BY key LIMIT ?",
    "level0": "SELECT key, crc, data FROM level0 WHERE key > ? ORDER BY key LIMIT ?",
    "event": "SELECT key, crc, data FROM event WHERE key > ? ORDER BY key LIMIT ?",
    "axis": "SELECT key, crc, extras FROM axis WHERE key > ? ORDER BY key LIMIT ?",
    "chunk": "SELECT key, crc, data, extra FROM chunk WHERE key > ? ORDER BY key LIMIT ?",
    "bucket": "SELECT key, crc, data FROM bucket WHERE key > ? ORDER BY key LIMIT ?",
    "console": "SELECT key, crc, data FROM console WHERE key > ? ORDER BY key LIMIT ?",
    "histogram": "SELECT key, crc, data FROM histogram WHERE key > ? ORDER BY key LIMIT ?",
    "medium": "SELECT key, crc, data FROM medium WHERE key > ? ORDER BY key LIMIT ?",
    "watch": "SELECT run, crc, data FROM watch WHERE run > ? ORDER BY run LIMIT ?",
    "quarantine": "SELECT key, crc, data FROM quarantine WHERE key > ? ORDER BY key LIMIT ?",
}
PAGE_ROWS = 500  # Between them the read transaction ends, so that a check of hours holds nobody up.
WRITERS = "SELECT writer.key, writer.id, writer.mark FROM writer ORDER BY writer.key"
PARTS_OF = """
SELECT part.key, part.rows FROM part JOIN axis ON axis.key = part.axis WHERE axis.writer = ? AND axis.run = ?
AND part.level = 1 ORDER BY part.first
"""
UNREADABLE = f"SELECT first, last FROM quarantine WHERE writer = ? AND kind IN ('{POISON}', '{STRAY}', '{REFUSED}')"


def check(db: sqlite3.Connection, progress: Progress | None = None) -> CheckReport:
    """Walk over the whole database; what is wrong is in `problems`, and nothing is raised for it."""
    report = CheckReport(quarantine={}, problems=[])
    _check_blobs(db, report, progress)
    _check_keysets(db, report)
    _check_writers(db, report, progress)
    for kind, count in db.execute("SELECT kind, count(*) FROM quarantine GROUP BY kind"):
        report.quarantine[kind] = count
    del report.problems[PROBLEMS_MAX:]
    return report


def _check_blobs(db: sqlite3.Connection, report: CheckReport, progress: Progress | None) -> None:
    total = sum(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in BLOBS)
    for table, sql in BLOBS.items():
        for key, expected, *blobs in _pages(db, sql):
            report.blobs += 1
            report.bytes += sum(len(blob) for blob in blobs if blob is not None)
            if crc(*blobs) != expected:
                report.problems.append(f"{table} {key}: its crc does not match")
            if progress is not None and report.blobs % PAGE_ROWS == 0:
                progress(report.blobs, total, "parts")


def _check_keysets(db: sqlite3.Connection, report: CheckReport) -> None:
    for key, digest, names in db.execute("SELECT key, digest, names FROM keyset"):
        report.blobs += 1
        if sha256(names).digest() != digest:
            report.problems.append(f"keyset {key}: its digest does not match")


def _check_writers(db: sqlite3.Connection, report: CheckReport, progress: Progress | None) -> None:
    writers = db.execute(WRITERS).fetchall()
    for writer, id_, mark in writers:
        if progress is not None:
            progress(report.writers, len(writers), "marks")
        report.writers += 1
        report.events += mark
        try:
            have = np.sort(np.concatenate([np.empty(0, np.int64), *_sequences(db, writer, id_)]))
        except Exception as error:
            report.problems.append(f"writer {id_}: cannot be read: {type(error).__name__}: {error}")
            continue
        if np.array_equal(have, np.arange(1, mark + 1)):
            continue
        twice = have[1:][np.diff(have) == 0]
        missing = np.setdiff1d(np.arange(1, mark + 1), have)
        above = have[have > mark]
        for what, which in (("missing", missing), ("stored twice", twice), ("above the mark", above)):
            if len(which):
                report.problems.append(f"writer {id_}: {len(which)} events {what}, the first is {which[0]}")


def _sequences(db: sqlite3.Connection, writer: int, id_: str) -> Iterator[Ints]:
    run = db.execute("SELECT run FROM writer WHERE key = ?", (writer,)).fetchone()[0]
    level0 = "SELECT first, last, data FROM level0 WHERE run = ? AND writer = ?"
    for first, last, data in db.execute(level0, (run, writer)).fetchall():
        if count_events(decode_items(decompress(data))) != last - first + 1:
            raise ValueError(f"level 0 from {first} to {last} holds another number of events")
        yield np.arange(first, last + 1)
    for part, rows in db.execute(PARTS_OF, (writer, run)).fetchall():
        key = part << POSITION_BITS | AXIS_POSITION
        cell = db.execute("SELECT crc, data, extra FROM chunk WHERE key = ?", (key,)).fetchone()
        sequences = read_axis(cell)[2]
        if len(sequences) != rows:
            raise ValueError(f"part {part} holds {len(sequences)} rows, not {rows}")
        yield sequences
    events = db.execute("SELECT sequence FROM event WHERE run = ? AND writer = ?", (run, writer)).fetchall()
    yield np.array([row[0] for row in events], np.int64)
    for first, last in db.execute(UNREADABLE, (id_,)).fetchall():
        yield np.arange(first, last + 1)


def _pages(db: sqlite3.Connection, sql: str) -> Iterator[tuple[int, int, bytes | None]]:
    last = -1
    while rows := db.execute(sql, (last, PAGE_ROWS)).fetchall():
        yield from rows
        last = rows[-1][0]
