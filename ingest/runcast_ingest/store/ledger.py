"""The one writer of the database: leases, and commits that hold rows, marks and cursor together.

Plain sqlite3, called from one thread. What a run is stands in `standing`, what is kept of it between commits in
`register`, what waits for the compactor in `backlog`, what could not be stored in `quarantine`.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from runcast.blocks import Block
from runcast.streams import StreamId
from runcast.wire import encode_items
from runcast_ingest.batch import Batch, Stored
from runcast_ingest.states import CRASHED, RUNNING, state_of
from runcast_ingest.store import quarantine
from runcast_ingest.store.backlog import Backlog
from runcast_ingest.store.codec import compress, crc
from runcast_ingest.store.records import Committed, Lease, Passed, Work
from runcast_ingest.store.register import Register
from runcast_ingest.store.standing import Run, apply_block, apply_event, ends

LEASE_SECONDS = 3.0  # A dead service's shards are taken over after this; a live one renews every second.
FREE_PAGES_MIN = 512  # 4 MB that the next commits take again.
FREE_SHARE = 50  # And a fiftieth of what is used.
SHRINK_PAGES = 256  # A few milliseconds, between commits.

FENCE = """
UPDATE lease SET until = :until, cursor_ms = :ms, cursor_seq = :seq WHERE shard = :shard AND epoch = :epoch
"""
TAKE_LEASE = """
INSERT INTO lease(shard, owner, epoch, until, cursor_ms, cursor_seq) VALUES(:shard, :owner, 1, :until, 0, 0)
ON CONFLICT(shard) DO UPDATE SET owner = :owner, epoch = epoch + 1, until = :until WHERE until < :now OR owner = :owner
RETURNING epoch, cursor_ms, cursor_seq
"""
ADD_LEVEL0 = "INSERT INTO level0(run, writer, first, last, crc, data) VALUES(?, ?, ?, ?, ?, ?)"

Level0 = tuple[int, int, int, int, int, bytes]  # run, writer, first, last, crc, data


class Ledger:
    """What is written, in the order in which it must be true."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._register = Register(connection)
        self.backlog = Backlog()

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
            self._register.forget()
            self.backlog.read(self._db, {lease.shard for lease in taken})
        return taken

    def release(self, epochs: Mapping[int, int]) -> None:
        """Give shards back, so that another service need not wait for the end of the lease."""
        self._begin()
        self._db.executemany("UPDATE lease SET until = 0 WHERE shard = ? AND epoch = ?", list(epochs.items()))
        self._db.execute("COMMIT")
        self._register.forget()

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
            quarantine.keep(self._db, [record for record in work.quarantine if record.shard not in lost])
            self._save(touched, done)
            self._db.execute("COMMIT")
        except BaseException:
            self._undo()
            raise
        runs = {run.key: run for run in touched.values()}
        for run_key, writer_key, first, last, _, data in rows:
            self.backlog.add(run_key, writer_key, runs[run_key].shard, last - first + 1, len(data))
        for run in runs.values():
            self.backlog.settle(run)
        return done

    def set_state(self, path: str, state: str) -> bool:
        """Mark a run as fallen silent, or as heard again; False when its end is known, or it is in that state."""
        if state not in {RUNNING, CRASHED}:
            raise ValueError(f"a run cannot be declared {state!r} from outside")
        self._begin()
        try:
            run = self._register.run(path)
            changed = run is not None and run.state != state and run.state in {RUNNING, CRASHED}
            if run is not None and changed:
                changed = any(not end.ended for end in ends(run))
                if changed:
                    self._db.execute("UPDATE run SET state = ? WHERE key = ?", (state, run.key))
                    run.state = state
                    self.backlog.settle(run)
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

    def _begin(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def _undo(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        self._register.forget()

    def _fence(self, shard: int, epoch: int, cursor: StreamId) -> bool:
        # The epoch decides, not the clock: a process that slept through its lease finds another epoch here.
        until = time.time_ns() + int(LEASE_SECONDS * 1e9)
        values = {"until": until, "ms": cursor[0], "seq": cursor[1], "shard": shard, "epoch": epoch}
        return self._db.execute(FENCE, values).rowcount == 1

    def _store_batches(self, batches: Sequence[Batch], rows: list[Level0], done: Committed) -> dict[str, Run]:
        touched: dict[str, Run] = {}
        grouped: dict[tuple[str, str, int], list[Batch]] = {}
        starts: dict[str, int] = {}
        nexts: dict[str, int] = {}
        for batch in batches:
            # A row of level 0 has no hole: after events that nobody can read, another begins.
            first = batch.first if batch.first != nexts.get(batch.writer) else starts[batch.writer]
            starts[batch.writer], nexts[batch.writer] = first, batch.last + 1
            grouped.setdefault((batch.path, batch.writer, first), []).append(batch)
        for (path, id_, _), group in grouped.items():
            run = touched[path] = self._register.run(path) or self._register.new_run(
                path, group[0].shard, group[0].received
            )
            writer = self._register.writer(run, id_, group[0].received)
            if writer is None:
                quarantine.keep(self._db, [quarantine.stray(batch) for batch in group])
                done.stored.append(Stored(path, id_, group[-1].last))
                continue
            writer.changed = True
            writer.finished = writer.exit_code = None  # Whoever speaks lives; a last word follows below.
            items = [item for batch in group for item in batch.items]
            for item in items:
                if isinstance(item, Block):
                    apply_block(run, writer, self._register.axis(run, writer, item), item)
                else:
                    apply_event(run, writer, item)
            writer.mark, writer.seen = group[-1].last, group[-1].received
            data = compress(encode_items(items))
            rows.append((run.key, writer.key, group[0].first, group[-1].last, crc(data), data))
            done.stored.append(Stored(path, id_, writer.mark))
        self._db.executemany(ADD_LEVEL0, rows)
        return touched

    def _pass(self, passed: Sequence[Passed], touched: dict[str, Run], done: Committed) -> None:
        for each in passed:
            now = time.time_ns()
            run = touched[each.path] = self._register.run(each.path) or self._register.new_run(
                each.path, each.shard, now
            )
            writer = self._register.writer(run, each.writer, now)
            if writer is not None:
                writer.mark, writer.changed = max(writer.mark, each.last), True
                done.stored.append(Stored(each.path, each.writer, writer.mark))

    def _save(self, touched: Mapping[str, Run], done: Committed) -> None:
        for path, run in touched.items():
            before = run.state
            run.state = state_of(ends(run))
            if run.state == RUNNING:
                run.finished = run.exit_code = None
            if run.state != before:
                done.states.append((path, run.state))
        self._register.save(touched.values())
        quarantine.release(self._db, done.stored)
        self._register.trim()
