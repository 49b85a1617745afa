"""What could not be stored: kept with its reason, up to a bound, and counted beyond it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from runcast.wire import encode_items
from runcast_ingest.batch import Batch, Stored
from runcast_ingest.store.codec import crc
from runcast_ingest.store.records import GAP, POISON, REFUSED, STRAY, QuarantineRecord

QUARANTINE_BYTES_MAX = 64 * 1024  # Of each entry: enough to see what it was.
QUARANTINE_ROWS_MAX = 10_000  # Beyond this only the tally counts them.
QUARANTINE_GAPS_MAX = 16  # Of each writer, which sends them again anyway.

ADD_QUARANTINE = """
INSERT INTO quarantine(kind, shard, entry_ms, entry_seq, path, writer, first, last, reason, received, size, crc, data)
VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET kind = excluded.kind, first = excluded.first, last = excluded.last, reason = excluded.reason,
    size = excluded.size, crc = excluded.crc, data = excluded.data WHERE kind = 'gap'
"""
TALLY = "INSERT INTO tally(name, value) VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET value = value + excluded.value"


def keep(db: sqlite3.Connection, records: Sequence[QuarantineRecord]) -> None:
    """Write records down."""
    if not records:
        return
    held = db.execute("SELECT count(*) FROM quarantine").fetchone()[0]
    for record in records:
        if record.kind == GAP:
            gaps = "SELECT count(*) FROM quarantine WHERE writer = ? AND kind = ?"
            full = db.execute(gaps, (record.writer, GAP)).fetchone()[0] >= QUARANTINE_GAPS_MAX
        else:
            # What a mark moved past is what doctor counts on: never dropped.
            full = held >= QUARANTINE_ROWS_MAX and record.kind not in {POISON, STRAY, REFUSED}
        if full:
            db.execute(TALLY, (f"dropped {record.kind}", 1))
            continue
        # What was refused is in no other place any more.
        data = record.data if record.kind == REFUSED else record.data[:QUARANTINE_BYTES_MAX]
        values = (record.kind, record.shard, *record.entry, record.path, record.writer, record.first, record.last)
        db.execute(ADD_QUARANTINE, (*values, record.reason[:500], record.received, record.size, crc(data), data))
        held += 1


def release(db: sqlite3.Connection, stored: Sequence[Stored]) -> None:
    """Let the gaps go that were closed since."""
    db.executemany(
        "DELETE FROM quarantine WHERE writer = ? AND kind = ? AND last <= ?",
        [(each.writer, GAP, each.mark) for each in stored],
    )


def stray(batch: Batch) -> QuarantineRecord:
    """Describe a batch whose writer belongs to another run."""
    return _describe(STRAY, batch, "this writer's id belongs to another run")


def refused(batch: Batch, error: Exception) -> QuarantineRecord:
    """Describe a batch that the database did not take."""
    return _describe(REFUSED, batch, f"{type(error).__name__}: {error}")


def _describe(kind: str, batch: Batch, reason: str) -> QuarantineRecord:
    data = encode_items(batch.items)
    return QuarantineRecord(
        kind=kind,
        shard=batch.shard,
        entry=batch.entry,
        path=batch.path,
        writer=batch.writer,
        first=batch.first,
        last=batch.last,
        reason=reason,
        received=batch.received,
        size=len(data),
        data=data,
    )
