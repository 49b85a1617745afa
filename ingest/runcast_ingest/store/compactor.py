"""Move rows from level 0 into columns, a writer at a time, while everybody reads and writes on.

It reads and packs on its own connection and hands the ready rows to the one writer, which inserts the new and
deletes the old in one transaction, if the shard is still ours. Nothing else deletes level 0, so what was read is
still there. A reader sees each row once: before in level 0, after in a part.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from msgspec import Struct

from runcast.wire import decode_items, encode_items
from runcast_ingest.store.codec import crc, decompress, unpack_document, verify
from runcast_ingest.store.parts import (
    ADD_BUCKET,
    ADD_CHUNK,
    ADD_PART,
    PART_COLUMNS,
    Built,
    Cell,
    build,
    build_group,
    cell_key,
    join,
    part_of,
    pieces,
    read_part,
)
from runcast_ingest.store.pyramid import FANOUT, PART_POINTS
from runcast_ingest.store.schema import AXIS_POSITION
from runcast_ingest.store.stretch import Stretch, blocks_of, events_of, gather

READ_BYTES_MAX = 64 * 1024 * 1024  # Compacted at once; what is left comes next.

LEVEL0 = "SELECT key, first, last, crc, data FROM level0 WHERE run = ? AND writer = ? ORDER BY first"
AXES = """
SELECT axis.key, keyset.names FROM axis JOIN keyset ON keyset.key = axis.keyset
WHERE axis.run = ? AND axis.writer = ?
"""
LAST_PART = f"SELECT {PART_COLUMNS} FROM part WHERE axis = ? AND level = 1 ORDER BY number DESC LIMIT 1"
CELLS = "SELECT key, crc, data, extra FROM chunk WHERE key BETWEEN ? AND ?"
BUCKETS = "SELECT key, crc, data FROM bucket WHERE key BETWEEN ? AND ?"
MEMBERS = f"""
SELECT {PART_COLUMNS} FROM part WHERE axis = ? AND level = ? AND number >= ? AND number < ? ORDER BY number
"""
FULL = """
SELECT count(*) FROM part WHERE axis = ? AND level = ? AND rows = ? AND steps_rise
"""
ADD_EVENT = "INSERT INTO event(run, writer, sequence, crc, data) VALUES(?, ?, ?, ?, ?)"


class Due(Struct, frozen=True):
    """A writer whose level 0 should be moved."""

    run: int
    writer: int
    shard: int


class Plan(Struct):
    """Statements that are run together."""

    statements: list[tuple[str, list[Any]]]
    axes: dict[int, int]  # By axis that got a full part: how many keys it has.
    rows: int = 0  # What it takes from level 0.
    events: int = 0
    size: int = 0


def plan(db: sqlite3.Connection, work: Due, next_part: int) -> Plan | None:
    """Read a writer's level 0, and pack it; None when there is nothing. Raises Damaged."""
    old: list[tuple[int]] = []
    blocks, events, size, taken, stored = [], [], 0, 0, 0
    for key, first, last, checksum, data in db.execute(LEVEL0, (work.run, work.writer)).fetchall():
        verify("a row of level 0", checksum, data)
        plain = decompress(data)
        items = decode_items(plain)
        blocks += blocks_of(items, first)
        events += events_of(items, first)
        old.append((key,))
        size += len(plain)
        taken, stored = taken + last - first + 1, stored + len(data)
        if size > READ_BYTES_MAX:
            break
    if not old:
        return None
    axes = {tuple(unpack_document(names)): key for key, names in db.execute(AXES, (work.run, work.writer)).fetchall()}
    built, replaced, full = Built([], [], []), [], {}
    for stretch in gather(blocks):
        axis = axes[stretch.names]
        done, gone = _extend(db, built, axis, next_part + len(built.parts), stretch)
        replaced += gone
        if done:
            full[axis] = len(stretch.names)
    documents = [(sequence, encode_items([event])) for sequence, event in events]
    ranges = [(cell_key(part, 0), cell_key(part, AXIS_POSITION)) for part in replaced]
    return Plan(
        statements=[
            ("DELETE FROM part WHERE key = ?", [(part,) for part in replaced]),
            ("DELETE FROM chunk WHERE key BETWEEN ? AND ?", ranges),
            ("DELETE FROM bucket WHERE key BETWEEN ? AND ?", ranges),
            (ADD_PART, built.parts),
            (ADD_CHUNK, built.chunks),
            (ADD_BUCKET, built.buckets),
            (ADD_EVENT, [(work.run, work.writer, at, crc(data), data) for at, data in documents]),
            ("DELETE FROM level0 WHERE key = ?", old),
        ],
        axes=full,
        rows=len(old),
        events=taken,
        size=stored,
    )


def plan_groups(db: sqlite3.Connection, axis: int, keys: int, next_part: int) -> Plan | None:
    """Make parts of higher levels where 64 full ones stand below; None when there are none."""
    level, rows = 1, PART_POINTS
    while True:
        full = db.execute(FULL, (axis, level, rows)).fetchone()[0]
        have = db.execute("SELECT count(*) FROM part WHERE axis = ? AND level = ?", (axis, level + 1)).fetchone()[0]
        if full // FANOUT > have:
            return _group(db, axis, level, have, keys, next_part)
        if not have:
            return None
        level, rows = level + 1, rows * FANOUT


def _group(db: sqlite3.Connection, axis: int, level: int, number: int, keys: int, next_part: int) -> Plan:
    # One group a plan: a thousand keys of 64 parts are 64 000 rows to read.
    rows = db.execute(MEMBERS, (axis, level, number * FANOUT, (number + 1) * FANOUT)).fetchall()
    members = [part_of(row) for row in rows]
    cells: dict[int, Cell] = {}
    for member in members:
        between = (cell_key(member.key, 0), cell_key(member.key, AXIS_POSITION))
        for key, checksum, data in db.execute(BUCKETS, between).fetchall():
            cells[key] = (checksum, data, None)
    built = Built([], [], [])
    build_group(built, next_part, members, cells, keys)
    return Plan([(ADD_PART, built.parts), (ADD_BUCKET, built.buckets)], {})


def _extend(db: sqlite3.Connection, built: Built, axis: int, next_part: int, rows: Stretch) -> tuple[bool, list[int]]:
    """Append rows to an axis, writing a short last part anew; says whether a part got full, and which one goes."""
    row = db.execute(LAST_PART, (axis,)).fetchone()
    before = None if row is None else part_of(row)
    replaced: list[int] = []
    number = 0 if before is None else before.number + 1
    if before is not None and before.rows < PART_POINTS:
        cells = {
            key: (checksum, data, extra)
            for key, checksum, data, extra in db.execute(
                CELLS, (cell_key(before.key, 0), cell_key(before.key, AXIS_POSITION))
            )
        }
        rows = join(read_part(before.key, rows.names, cells), rows)
        replaced.append(before.key)
        number = before.number
        previous = db.execute(MEMBERS, (axis, 1, number - 1, number)).fetchone()
        before = None if previous is None else part_of(previous)
    full = False
    for piece in pieces(rows):
        before = build(built, axis, next_part, number, before, piece)
        full = full or before.rows == PART_POINTS
        next_part, number = next_part + 1, number + 1
    return full, replaced
