"""The one writer of the database: leases, and commits that hold rows, marks and cursor together.

Plain sqlite3, called from one thread. It keeps what it wrote about runs, writers and key sets, because nobody
else may write about a run while we hold its shard; a new lease, or any error, forgets it.
"""

from __future__ import annotations

import hashlib
import sqlite3
import struct
import time
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any

from msgspec import Struct

from runcast.blocks import BOOL, FLOAT, INT, Block, Item
from runcast.events import Config, Event, Finish, Lost, Rename, Start, Summary
from runcast.names import split_path
from runcast.streams import StreamId
from runcast.wire import encode_items
from runcast_ingest.batch import Batch, Stored
from runcast_ingest.states import CRASHED, RUNNING, End, state_of
from runcast_ingest.store.codec import compress, crc, pack_document, unpack_document, verify
from runcast_ingest.store.compactor import Due
from runcast_ingest.store.pyramid import PART_POINTS
from runcast_ingest.store.records import GAP, POISON, STRAY, Committed, Lease, Passed, QuarantineRecord, Work

LEASE_SECONDS = 3.0  # A dead service's shards are taken over after this; a live one renews every second.
QUARANTINE_BYTES_MAX = 64 * 1024  # Of each entry: enough to see what it was.
QUARANTINE_ROWS_MAX = 10_000  # Beyond this only the tally counts them.
QUARANTINE_GAPS_MAX = 16  # Of each writer, which sends them again anyway.
INT64_MAX = 2**63 - 1
LEVEL0_ROWS_MAX = 512  # Of one writer: reading them back for a chart costs 10 ms.
LEVEL0_BYTES_MAX = 32 * 1024 * 1024
FREE_PAGES_MIN = 512  # 4 MB that the next commits take again.
FREE_SHARE = 50  # And a fiftieth of what is used.
SHRINK_PAGES = 256  # A few milliseconds, between commits.
RUNS_KEPT_MAX = 4096  # Runs remembered between commits.

FENCE = """
UPDATE lease SET until = :until, cursor_ms = :ms, cursor_seq = :seq WHERE shard = :shard AND epoch = :epoch
"""
TAKE_LEASE = """
INSERT INTO lease(shard, owner, epoch, until, cursor_ms, cursor_seq) VALUES(:shard, :owner, 1, :until, 0, 0)
ON CONFLICT(shard) DO UPDATE SET owner = :owner, epoch = epoch + 1, until = :until WHERE until < :now OR owner = :owner
RETURNING epoch, cursor_ms, cursor_seq
"""
ADD_PROJECT = """
INSERT INTO project(name, created, updated) VALUES(:name, :time, :time)
ON CONFLICT(name) DO UPDATE SET updated = max(updated, excluded.updated) RETURNING key
"""
READ_RUN = """
SELECT run.* FROM run JOIN project ON project.key = run.project WHERE project.name = ? AND run.id = ?
"""
SAVE_RUN = """
INSERT INTO run(key, project, id, shard, name, state, created, started, updated, finished, exit_code, steps, rows, lost,
    since, details, config, summary, crc)
VALUES(:key, :project, :id, :shard, :name, :state, :created, :started, :updated, :finished, :exit_code, :steps, :rows,
    :lost, :since, :details, :config, :summary, :crc)
ON CONFLICT(key) DO UPDATE SET name = excluded.name, state = excluded.state, created = excluded.created,
    started = excluded.started, updated = excluded.updated, finished = excluded.finished,
    exit_code = excluded.exit_code, steps = excluded.steps, rows = excluded.rows, lost = excluded.lost,
    since = excluded.since,
    details = excluded.details, config = excluded.config, summary = excluded.summary, crc = excluded.crc
"""
SAVE_WRITER = """
INSERT INTO writer(key, id, run, label, mark, first_time, last_time, finished, exit_code, seen)
VALUES(:key, :id, :run, :label, :mark, :first_time, :last_time, :finished, :exit_code, :seen)
ON CONFLICT(key) DO UPDATE SET label = excluded.label, mark = excluded.mark, first_time = excluded.first_time,
    last_time = excluded.last_time, finished = excluded.finished, exit_code = excluded.exit_code, seen = excluded.seen
"""
ADD_WRITER = """
INSERT INTO writer(id, run, label, mark, first_time, last_time, seen) VALUES(?, ?, '', 0, ?, ?, ?) RETURNING key
"""
ADD_LEVEL0 = "INSERT INTO level0(run, writer, first, last, crc, data) VALUES(?, ?, ?, ?, ?, ?)"
TAILS = """
SELECT level0.run, level0.writer, run.shard, count(*), sum(last - first + 1), sum(length(data)), run.state
FROM level0 JOIN run ON run.key = level0.run GROUP BY level0.run, level0.writer
"""
ADD_KEYSET = "INSERT INTO keyset(digest, names) VALUES(?, ?) ON CONFLICT DO NOTHING"
READ_AXIS = "SELECT key, rows, kinds, extras, crc FROM axis WHERE run = ? AND writer = ? AND keyset = ?"
ADD_AXIS = "INSERT INTO axis(run, writer, keyset, rows, kinds, extras, crc) VALUES(?, ?, ?, 0, ?, ?, ?) RETURNING key"
SAVE_AXIS = "UPDATE axis SET rows = ?, kinds = ?, extras = ?, crc = ? WHERE key = ?"
ADD_QUARANTINE = """
INSERT INTO quarantine(kind, shard, entry_ms, entry_seq, path, writer, first, last, reason, received, size, crc, data)
VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
TALLY = "INSERT INTO tally(name, value) VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET value = value + excluded.value"


Level0 = tuple[int, int, int, int, int, bytes]  # run, writer, first, last, crc, data


class Axis(Struct):
    """What rows with the same keys of one writer share."""

    key: int
    rows: int
    kinds: str
    extras: list[str]
    changed: bool = False


class Writer(Struct):
    """A writer as it stands in the table."""

    key: int
    id: str
    run: int
    label: str = ""
    mark: int = 0
    first_time: int = 0
    last_time: int = 0
    finished: int | None = None
    exit_code: int | None = None
    seen: int = 0
    axes: dict[tuple[str, ...], Axis] = {}
    changed: bool = False


class Run(Struct):
    """A run as it stands in the table, with its writers met so far."""

    key: int
    project: int
    id: str
    path: str
    shard: int
    name: str
    state: str = RUNNING
    created: int = 0
    started: int = 0
    updated: int = 0
    finished: int | None = None
    exit_code: int | None = None
    steps: int = 0
    rows: int = 0
    lost: int = 0
    since: int = 0  # Writers from this key on belong to the run's latest start; earlier ends no longer count.
    details: dict[str, Any] = {}
    config: dict[str, Any] = {}
    summary: dict[str, Any] = {}
    writers: dict[str, Writer] = {}


class Tail(Struct):
    """How much of a writer waits in level 0."""

    shard: int
    rows: int = 0
    events: int = 0
    size: int = 0
    ended: bool = False


class Ledger:
    """What is written, in the order in which it must be true."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._runs: dict[str, Run] = {}
        self._keysets: dict[tuple[str, ...], int] = {}
        self._tails: dict[tuple[int, int], Tail] = {}

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def lease(self, shards: Iterable[int], owner: str) -> list[Lease]:
        """Take those of `shards` that nobody holds; each gets a new epoch, which fences off whoever held it."""
        now = time.time_ns()
        taken: list[Lease] = []
        self._begin()
        try:
            for shard in shards:
                values = {"shard": shard, "owner": owner, "now": now, "until": now + int(LEASE_SECONDS * 1e9)}
                row = self._db.execute(TAKE_LEASE, values).fetchone()
                if row:
                    taken.append(Lease(shard, row[0], (row[1], row[2])))
            self._db.execute("COMMIT")
        except BaseException:
            self._undo()
            raise
        if taken:
            self._forget()
            self._read_tails([lease.shard for lease in taken])
        return taken

    def release(self, epochs: Mapping[int, int]) -> None:
        """Give shards back, so that another service need not wait for the end of the lease."""
        self._begin()
        self._db.executemany("UPDATE lease SET until = 0 WHERE shard = ? AND epoch = ?", list(epochs.items()))
        self._db.execute("COMMIT")
        self._forget()

    def marks(self, writers: Sequence[str]) -> dict[str, int]:
        """Read how far each writer is stored; 0 for one that is not known."""
        marks = dict.fromkeys(writers, 0)
        for writer in writers:
            row = self._db.execute("SELECT mark FROM writer WHERE id = ?", (writer,)).fetchone()
            if row:
                marks[writer] = row[0]
        return marks

    def commit(self, work: Work, epochs: Mapping[int, int]) -> Committed:
        """Store everything in one transaction. A shard whose lease was lost is left out and named in the result."""
        done = Committed()
        rows: list[Level0] = []
        self._begin()
        try:
            for shard, cursor in work.cursors.items():
                if not self._fence(shard, epochs[shard], cursor):
                    done.fenced.append(shard)
            lost = set(done.fenced)
            batches = [batch for batch in work.batches if batch.shard not in lost]
            touched = self._store_batches(batches, rows, done)
            self._pass([passed for passed in work.passed if passed.shard not in lost], touched, done)
            # Before the marks are saved: a gap that this very commit closes goes with them.
            self._quarantine([record for record in work.quarantine if record.shard not in lost])
            self._save(touched, done)
            self._db.execute("COMMIT")
        except BaseException:
            self._undo()
            raise
        runs = {run.key: run for run in touched.values()}
        for run_key, writer_key, first, last, _, data in rows:
            tail = self._tails.setdefault((run_key, writer_key), Tail(runs[run_key].shard))
            tail.rows, tail.events, tail.size = tail.rows + 1, tail.events + last - first + 1, tail.size + len(data)
        for run in runs.values():
            for writer in run.writers.values():
                if (run.key, writer.key) in self._tails:
                    self._tails[run.key, writer.key].ended = run.state != RUNNING
        return done

    def set_state(self, path: str, state: str) -> bool:
        """Mark a run as fallen silent, or as heard again; False when its end is known, or it is in that state."""
        if state not in {RUNNING, CRASHED}:
            raise ValueError(f"a run cannot be declared {state!r} from outside")
        self._begin()
        try:
            run = self._run(path)
            changed = run is not None and run.state != state and run.state in {RUNNING, CRASHED}
            if run is not None and changed:
                ends = _ends(run)
                changed = any(not end.ended for end in ends)
                if changed:
                    self._db.execute("UPDATE run SET state = ? WHERE key = ?", (state, run.key))
                    run.state = state
                    for writer in run.writers.values():
                        if (run.key, writer.key) in self._tails:
                            self._tails[run.key, writer.key].ended = state != RUNNING
            self._db.execute("COMMIT")
        except BaseException:
            self._undo()
            raise
        return changed

    def execute_all(self, epochs: Mapping[int, int], shard: int, statements: Sequence[tuple[str, list[Any]]]) -> bool:
        """Run prepared statements in one transaction, if the shard is still ours."""
        self._begin()
        try:
            row = self._db.execute("SELECT epoch FROM lease WHERE shard = ?", (shard,)).fetchone()
            if row is None or row[0] != epochs.get(shard):
                self._db.execute("ROLLBACK")
                return False
            for sql, rows in statements:
                self._db.executemany(sql, rows)
            self._db.execute("COMMIT")
        except BaseException:
            self._undo()
            raise
        return True

    def shrink(self) -> bool:
        """Give some free pages back to the disk; False when few are left."""
        free = self._db.execute("PRAGMA freelist_count").fetchone()[0]
        used = self._db.execute("PRAGMA page_count").fetchone()[0] - free
        excess = free - max(FREE_PAGES_MIN, used // FREE_SHARE)
        if excess <= 0:
            return False
        self._db.execute(f"PRAGMA incremental_vacuum({min(excess, SHRINK_PAGES)})").fetchall()
        return True

    def next_part(self) -> int:
        """Name the lowest part key that is free; only the compactor, which runs alone, makes parts."""
        row = self._db.execute("SELECT coalesce(max(key), 0) + 1 FROM part").fetchone()
        return int(row[0])

    def due(self, everything: bool) -> list[Due]:
        """List the writers with enough in level 0 to be compacted, and those whose run ended."""
        return [
            Due(run, writer, tail.shard)
            for (run, writer), tail in self._tails.items()
            if everything
            or tail.ended
            or tail.events >= PART_POINTS
            or tail.rows >= LEVEL0_ROWS_MAX
            or tail.size >= LEVEL0_BYTES_MAX
        ]

    def compacted(self, due: Due, rows: int, events: int, size: int) -> None:
        """Take note of what left level 0."""
        tail = self._tails.get((due.run, due.writer))
        if tail is not None:
            tail.rows, tail.events, tail.size = tail.rows - rows, tail.events - events, tail.size - size
            if tail.rows <= 0:
                del self._tails[due.run, due.writer]

    def give_up(self, due: Due) -> None:
        """Leave a writer's level 0 as it is, until something is added to it."""
        self._tails.pop((due.run, due.writer), None)

    def _read_tails(self, shards: Sequence[int]) -> None:
        self._tails = {at: tail for at, tail in self._tails.items() if tail.shard not in set(shards)}
        for run, writer, shard, rows, events, size, state in self._db.execute(TAILS).fetchall():
            if shard in shards:
                self._tails[run, writer] = Tail(shard, rows, events, size, state != RUNNING)

    def _begin(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def _undo(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        self._forget()

    def _forget(self) -> None:
        self._runs.clear()
        self._keysets.clear()

    def _fence(self, shard: int, epoch: int, cursor: StreamId) -> bool:
        # The epoch decides, not the clock: a process that slept through its lease finds another epoch here.
        until = time.time_ns() + int(LEASE_SECONDS * 1e9)
        values = {"until": until, "ms": cursor[0], "seq": cursor[1], "shard": shard, "epoch": epoch}
        return self._db.execute(FENCE, values).rowcount == 1

    def _store_batches(self, batches: Sequence[Batch], rows: list[Level0], done: Committed) -> dict[str, Run]:
        touched: dict[str, Run] = {}
        grouped: dict[tuple[str, str, int], list[Batch]] = {}
        starts: dict[str, int] = {}
        ends: dict[str, int] = {}
        for batch in batches:
            # A row of level 0 has no hole: after events that nobody can read, another begins.
            first = batch.first if batch.first != ends.get(batch.writer) else starts[batch.writer]
            starts[batch.writer], ends[batch.writer] = first, batch.last + 1
            grouped.setdefault((batch.path, batch.writer, first), []).append(batch)
        for (path, id_, _), group in grouped.items():
            run = touched[path] = self._run(path) or self._new_run(path, group[0].shard, group[0].received)
            writer = self._writer(run, id_, group[0].received)
            if writer is None:
                self._quarantine([_stray(batch) for batch in group])
                done.stored.append(Stored(path, id_, group[-1].last))
                continue
            writer.changed = True
            writer.finished = writer.exit_code = None  # Whoever speaks lives; a last word follows below.
            items = [item for batch in group for item in batch.items]
            for item in items:
                self._apply(run, writer, item)
            writer.mark, writer.seen = group[-1].last, group[-1].received
            data = compress(encode_items(items))
            rows.append((run.key, writer.key, group[0].first, group[-1].last, crc(data), data))
            done.stored.append(Stored(path, id_, writer.mark))
        self._db.executemany(ADD_LEVEL0, rows)
        return touched

    def _pass(self, passed: Sequence[Passed], touched: dict[str, Run], done: Committed) -> None:
        for each in passed:
            now = time.time_ns()
            run = touched[each.path] = self._run(each.path) or self._new_run(each.path, each.shard, now)
            writer = self._writer(run, each.writer, now)
            if writer is not None:
                writer.mark, writer.changed = max(writer.mark, each.last), True
                done.stored.append(Stored(each.path, each.writer, writer.mark))

    def _save(self, touched: Mapping[str, Run], done: Committed) -> None:
        runs: list[dict[str, Any]] = []
        writers: list[dict[str, Any]] = []
        axes: list[tuple[int, str, bytes, int, int]] = []
        for path, run in touched.items():
            before = run.state
            run.state = state_of(_ends(run))
            if run.state == RUNNING:
                run.finished = run.exit_code = None
            if run.state != before:
                done.states.append((path, run.state))
            runs.append(_run_row(run))
            for writer in run.writers.values():
                if not writer.changed:
                    continue
                writers.append(_writer_row(writer))
                writer.changed = False
                for axis in writer.axes.values():
                    if axis.changed:
                        extras = pack_document(axis.extras)
                        axes.append((axis.rows, axis.kinds, extras, crc(extras), axis.key))
                        axis.changed = False
        self._db.executemany(SAVE_RUN, runs)
        self._db.executemany(SAVE_WRITER, writers)
        self._db.executemany(SAVE_AXIS, axes)
        self._db.executemany(
            "DELETE FROM quarantine WHERE writer = ? AND kind = ? AND last <= ?",
            [(stored.writer, GAP, stored.mark) for stored in done.stored],
        )
        while len(self._runs) > RUNS_KEPT_MAX:
            self._runs.pop(next(iter(self._runs)))

    def _quarantine(self, records: Sequence[QuarantineRecord]) -> None:
        if not records:
            return
        held = self._db.execute("SELECT count(*) FROM quarantine").fetchone()[0]
        for record in records:
            if record.kind == GAP:
                gaps = "SELECT count(*) FROM quarantine WHERE writer = ? AND kind = ?"
                full = self._db.execute(gaps, (record.writer, GAP)).fetchone()[0] >= QUARANTINE_GAPS_MAX
            else:
                # What a mark moved past is what doctor counts on: never dropped.
                full = held >= QUARANTINE_ROWS_MAX and record.kind not in {POISON, STRAY}
            if full:
                self._db.execute(TALLY, (f"dropped {record.kind}", 1))
                continue
            data = record.data[:QUARANTINE_BYTES_MAX]
            values = (record.kind, record.shard, *record.entry, record.path, record.writer, record.first, record.last)
            self._db.execute(
                ADD_QUARANTINE, (*values, record.reason[:500], record.received, record.size, crc(data), data)
            )
            held += 1

    def _run(self, path: str) -> Run | None:
        run = self._runs.get(path)
        if run is not None:
            return run
        project, id_ = split_path(path)
        cursor = self._db.execute(READ_RUN, (project, id_))
        row = cursor.fetchone()
        if row is None:
            return None
        fields = dict(zip([column[0] for column in cursor.description], row, strict=True))
        blobs = [fields.pop(name) for name in ("details", "config", "summary")]
        verify(f"the run {path}", fields.pop("crc"), *blobs)
        details, config, summary = map(unpack_document, blobs)
        run = self._runs[path] = Run(path=path, details=details, config=config, summary=summary, writers={}, **fields)
        cursor = self._db.execute("SELECT * FROM writer WHERE run = ? ORDER BY key", (run.key,))
        columns = [column[0] for column in cursor.description]
        for values in cursor:
            writer = Writer(**dict(zip(columns, values, strict=True)), axes={})
            run.writers[writer.id] = writer
        return run

    def _new_run(self, path: str, shard: int, now: int) -> Run:
        project, id_ = split_path(path)
        project_key = self._db.execute(ADD_PROJECT, {"name": project, "time": now}).fetchone()[0]
        key = self._db.execute("SELECT coalesce(max(key), 0) + 1 FROM run").fetchone()[0]
        run = Run(
            key=key,
            project=project_key,
            id=id_,
            path=path,
            shard=shard,
            name=id_,
            state="",
            created=now,
            started=now,
            updated=now,
            details={},
            config={},
            summary={},
            writers={},
        )
        # The row is there before anything refers to it.
        self._db.execute(SAVE_RUN, _run_row(run))
        self._runs[path] = run
        return run

    def _writer(self, run: Run, id_: str, now: int) -> Writer | None:
        """Return a writer of the run, made when it is new; None when it belongs to another run."""
        writer = run.writers.get(id_)
        if writer is not None:
            return writer
        if self._db.execute("SELECT 1 FROM writer WHERE id = ?", (id_,)).fetchone():
            return None
        values = (id_, run.key, now, now, now)
        key = self._db.execute(ADD_WRITER, values).fetchone()[0]
        writer = Writer(key=key, id=id_, run=run.key, first_time=now, last_time=now, seen=now, axes={}, changed=True)
        run.writers[id_] = writer
        return writer

    def _apply(self, run: Run, writer: Writer, item: Item) -> None:
        if isinstance(item, Block):
            self._apply_block(run, writer, item)
        else:
            _apply_event(run, writer, item)

    def _apply_block(self, run: Run, writer: Writer, block: Block) -> None:
        axis = writer.axes.get(block.names) or self._axis(run, writer, block)
        axis.rows += block.rows
        axis.changed = True
        if block.kinds != axis.kinds:
            axis.kinds = "".join(old if old == new else FLOAT for old, new in zip(axis.kinds, block.kinds, strict=True))
        run.rows += block.rows
        run.steps = _fit(max(run.steps, max(memoryview(block.steps).cast("q")) + 1))
        last_time: int = struct.unpack_from("<q", block.times, 8 * (block.rows - 1))[0]
        writer.last_time = max(writer.last_time, last_time)
        run.updated = max(run.updated, last_time)
        values = memoryview(block.values).cast("d")
        for name, kind, value in zip(block.names, block.kinds, values[block.rows - 1 :: block.rows], strict=True):
            run.summary[name] = _plain(kind, value)
        for extra in block.extras or ():
            if extra:
                run.summary.update(extra)
                axis.extras += [name for name in extra if name not in axis.extras]

    def _axis(self, run: Run, writer: Writer, block: Block) -> Axis:
        keyset = self._keyset(block.names)
        row = self._db.execute(READ_AXIS, (run.key, writer.key, keyset)).fetchone()
        if row is not None:
            verify("a key set", row[4], row[3])
            axis = Axis(row[0], row[1], row[2], unpack_document(row[3]))
        else:
            extras = pack_document([])
            values = (run.key, writer.key, keyset, block.kinds, extras, crc(extras))
            axis = Axis(self._db.execute(ADD_AXIS, values).fetchone()[0], 0, block.kinds, [])
        writer.axes[block.names] = axis
        return axis

    def _keyset(self, names: tuple[str, ...]) -> int:
        key = self._keysets.get(names)
        if key is None:
            data = pack_document(names)
            digest = hashlib.sha256(data).digest()
            self._db.execute(ADD_KEYSET, (digest, data))
            key = self._db.execute("SELECT key FROM keyset WHERE digest = ?", (digest,)).fetchone()[0]
            self._keysets[names] = int(key)
        return int(key)


def _ends(run: Run) -> list[End]:
    return [
        End(writer.finished is not None, writer.exit_code)
        for writer in run.writers.values()
        if writer.key >= run.since or writer.finished is None
    ]


def _run_row(run: Run) -> dict[str, Any]:
    blobs = pack_document(run.details), pack_document(run.config), pack_document(run.summary)
    row = {name: getattr(run, name) for name in run.__struct_fields__ if name not in {"path", "writers"}}
    return row | {"details": blobs[0], "config": blobs[1], "summary": blobs[2], "crc": crc(*blobs)}


def _writer_row(writer: Writer) -> dict[str, Any]:
    return {name: getattr(writer, name) for name in writer.__struct_fields__ if name not in {"axes", "changed"}}


def _fit(number: int) -> int:
    """Bring a writer's number into the range of a column: what is beyond it was never a time or a count."""
    return max(-INT64_MAX, min(number, INT64_MAX))


def _apply_event(run: Run, writer: Writer, event: Event) -> None:
    time = _fit(event.time)
    writer.last_time = max(writer.last_time, time)
    run.updated = max(run.updated, time)
    match event:
        case Start():
            _apply_start(run, writer, event, time)
        case Config():
            run.config.update(event.values)
        case Summary():
            run.summary.update(event.values)
            for name in event.deleted:
                run.summary.pop(name, None)
        case Finish():
            code = None if event.exit_code is None else _fit(event.exit_code)
            writer.finished, writer.exit_code = time, code
            run.finished, run.exit_code = time, code
        case Lost():
            run.lost = _fit(run.lost + event.rows)
        case Rename():
            run.name = event.name


def _apply_start(run: Run, writer: Writer, start: Start, time: int) -> None:
    writer.label, writer.first_time, writer.last_time = start.label, time, time
    first = not run.details
    if first:
        run.name, run.created, run.updated = start.name or run.id, time, time
        run.details = {
            "host": start.host,
            "program": start.program,
            "python": start.python,
            "notes": start.notes,
            "group": start.group,
            "job_type": start.job_type,
            "tags": list(start.tags),
        }
    if run.state != RUNNING:
        # The run begins anew: writers that fell silent are given up, and how others ended no longer counts.
        run.since, run.started = writer.key, time
        for other in run.writers.values():
            if other.finished is None and other is not writer:
                other.finished, other.changed = other.last_time, True
    run.config.update(start.config)


def _plain(kind: str, value: float) -> Any:
    if kind == INT and isfinite(value) and abs(value) < INT64_MAX:
        return int(value)
    return bool(value) if kind == BOOL else value


def _stray(batch: Batch) -> QuarantineRecord:
    data = encode_items(batch.items)
    return QuarantineRecord(
        kind=STRAY,
        shard=batch.shard,
        entry=batch.entry,
        path=batch.path,
        writer=batch.writer,
        first=batch.first,
        last=batch.last,
        reason="this writer's id belongs to another run",
        received=batch.received,
        size=len(data),
        data=data,
    )
