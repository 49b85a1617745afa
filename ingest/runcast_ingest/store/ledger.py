"""The one writer of the database: leases, and commits that hold rows, marks and cursor together.

Plain sqlite3, called from one thread. How batches come into the tables is in `posting`, what is kept of runs between
commits in `register`, what waits for the compactor in `backlog`, what could not be stored in `quarantine`.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from runcast.rules import Rule
from runcast.streams import StreamId
from runcast_ingest.states import CRASHED, RUNNING, counting
from runcast_ingest.store import curation, quarantine, views
from runcast_ingest.store.backlog import Backlog
from runcast_ingest.store.curation import Change, Curated
from runcast_ingest.store.posting import Posting
from runcast_ingest.store.records import Alarm, Committed, Lease, Work
from runcast_ingest.store.register import Register
from runcast_ingest.store.sentry import Delivery, Sentry
from runcast_ingest.store.standing import ends

log = logging.getLogger(__name__)

T = TypeVar("T")

LEASE_SECONDS = 3.0  # A dead service's shards are taken over after this; a live one renews every second.
FREE_PAGES_MIN = 512  # 4 MB that the next commits take again.
FREE_SHARE = 50  # And a fiftieth of what is used.
SHRINK_PAGES = 256  # A few milliseconds, between commits.
ODD_RUNS_MAX = 1000  # Remembered, so that not every commit is tried twice; of more, it is.

FENCE = """
UPDATE lease SET until = :until, cursor_ms = :ms, cursor_seq = :seq WHERE shard = :shard AND epoch = :epoch
"""
TAKE_LEASE = """
INSERT INTO lease(shard, owner, epoch, until, cursor_ms, cursor_seq) VALUES(:shard, :owner, 1, :until, 0, 0)
ON CONFLICT(shard) DO UPDATE SET owner = :owner, epoch = epoch + 1, until = :until WHERE until < :now OR owner = :owner
RETURNING epoch, cursor_ms, cursor_seq
"""


class Ledger:
    """What is written, in the order in which it must be true."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._register = Register(connection)
        self.sentry = Sentry(connection)
        self.backlog = Backlog()
        self._odd: set[str] = set()  # Paths of runs that the database did not take last time.

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
        """Store everything in one transaction. A shard whose lease was lost is left out and named in the result.

        What the database cannot take is quarantined whole, and its writer's mark moves past it. Raises sqlite3.Error
        when nothing can be stored, as on a full disk.
        """
        try:
            return self._commit(work, epochs, apart=self._odd)
        except sqlite3.OperationalError:
            raise  # The disk is full, or somebody holds the database: it is nobody's fault in here.
        except Exception:
            # Somebody's fault: each batch by itself then, so that the others are stored.
            return self._commit(
                work, epochs, apart={each.path for each in work.batches} | {each.path for each in work.passed}
            )

    def _commit(self, work: Work, epochs: Mapping[int, int], *, apart: Collection[str]) -> Committed:
        posting = Posting(self._db, self._register, self.sentry)
        done = posting.done
        self._begin()
        try:
            for shard, cursor in work.cursors.items():
                if not self._fence(shard, epochs[shard], cursor):
                    done.fenced.append(shard)
            lost = set(done.fenced)
            batches = [batch for batch in work.batches if batch.shard not in lost]
            passed = [passed for passed in work.passed if passed.shard not in lost]
            # Before the marks rise: a gap that this very commit closes goes with them.
            quarantine.keep(self._db, [record for record in work.quarantine if record.shard not in lost])
            posting.together(
                [each for each in batches if each.path not in apart],
                [each for each in passed if each.path not in apart],
            )
            odd = posting.apart(
                [each for each in batches if each.path in apart], [each for each in passed if each.path in apart]
            )
            quarantine.release(self._db, done.stored)
            self._db.execute("COMMIT")
        except BaseException:
            self._undo()
            raise
        self._register.trim(posting.runs.values())
        self._note(odd, apart)
        runs = {run.key: run for run in posting.runs.values()}
        for run_key, writer_key, first, last, _, data in posting.rows:
            self.backlog.add(run_key, writer_key, runs[run_key].shard, last - first + 1, len(data))
        for run in runs.values():
            self.backlog.settle(run)
        return done

    def _note(self, odd: Mapping[str, Exception], tried: Collection[str]) -> None:
        """Remember which runs the database does not take, and say so once."""
        for path, error in odd.items():
            if path not in self._odd:
                log.error("events of %s cannot be stored and go to quarantine: %s", path, error, exc_info=error)
        known = (self._odd - set(tried)) | set(odd)
        self._odd = set(islice(known, ODD_RUNS_MAX))

    def set_state(self, path: str, state: str, epochs: Mapping[int, int]) -> tuple[bool, list[Alarm]]:
        """Mark a run as fallen silent, or as heard again.

        False when its end is known, when it is in that state, and when its shard is not ours: whoever has it listens.
        Beside it, the alerts that this gave.
        """
        if state not in {RUNNING, CRASHED}:
            raise ValueError(f"a run cannot be declared {state!r} from outside")
        alarms: list[Alarm] = []
        self._begin()
        try:
            run = self._register.run(path)
            changed = (
                run is not None
                and run.state != state
                and run.state in {RUNNING, CRASHED}
                and any(not end.ended for end in counting(ends(run)))
                and self._is_ours(run.shard, epochs)
            )
            if run is not None and changed:
                self._db.execute("UPDATE run SET state = ? WHERE key = ?", (state, run.key))
                run.state = state
                alarms = self.sentry.ended(run, state)
                self.backlog.settle(run)
            self._db.execute("COMMIT")
        except BaseException:
            self._undo()
            raise
        if run is not None:
            self._register.trim([run])
        return changed, alarms

    def silent(
        self, path: str, heard: int, seconds: float, epochs: Mapping[int, int]
    ) -> tuple[list[Alarm], float | None]:
        """Judge that nothing was heard of a run since `heard`; see `Sentry.silent`. Nothing of one that ended."""

        def act() -> tuple[list[Alarm], float | None]:
            run = self._register.run(path)
            if run is None or run.state not in {RUNNING, CRASHED} or not self._is_ours(run.shard, epochs):
                return [], None
            if all(end.ended for end in counting(ends(run))):
                return [], None
            found = self.sentry.silent(run, heard, seconds)
            self._register.trim([run])
            return found

        return self._within(act)

    def execute_all(self, epochs: Mapping[int, int], shard: int, statements: Sequence[tuple[str, list[Any]]]) -> bool:
        """Run prepared statements in one transaction, if the shard is still ours."""
        self._begin()
        try:
            if not self._is_ours(shard, epochs):
                self._db.execute("ROLLBACK")
                return False
            for sql, rows in statements:
                self._db.executemany(sql, rows)
            self._db.execute("COMMIT")
        except BaseException:
            self._undo()
            raise
        return True

    def curate(self, project: str, change: Change) -> Curated:
        """Make a reader's change to runs; raises UsageError."""
        self._begin()
        try:
            done = curation.apply(self._db, project, change)
            self._db.execute("COMMIT")
        except BaseException:
            self._undo()
            raise
        return done

    def annotate(self, project: str, run: str, notes: str, was: str) -> tuple[bool, str]:
        """Give a run notes, unless others are there than those the reader knew; raises UsageError."""
        return self._within(lambda: curation.annotate(self._db, project, run, notes, was=was))

    def set_rule(self, project: str, rule: Rule, replace: bool) -> tuple[Rule, Rule | None]:
        """Give a project a rule, see `Sentry.set_rule`; raises UsageError."""
        return self._within(lambda: self.sentry.set_rule(project, rule, replace=replace))

    def drop_rule(self, project: str, name: str) -> bool:
        """Take a rule away from a project; False when it has none of this name."""
        return self._within(lambda: self.sentry.drop_rule(project, name))

    def save_view(self, project: str, name: str, query: str) -> None:
        """Keep a view of a project's board; raises UsageError."""
        self._within(lambda: views.save(self._db, project, name, query))

    def drop_view(self, project: str, name: str) -> bool:
        """Delete a view; False when there is none of this name."""
        return self._within(lambda: views.drop(self._db, project, name))

    def next_delivery(self) -> Delivery | None:
        """Find the alert that the webhook is to hear next."""
        return self.sentry.next_delivery()

    def settle_delivery(self, alert: int) -> None:
        """Note that the webhook is done with an alert."""
        self._within(lambda: self.sentry.delivered(alert))

    def refuse_delivery(self, alert: int, time: int) -> None:
        """Note when the webhook refused an alert."""
        self._within(lambda: self.sentry.refused(alert, time))

    def _within(self, act: Callable[[], T]) -> T:
        self._begin()
        try:
            done = act()
            self._db.execute("COMMIT")
        except BaseException:
            self._undo()
            raise
        return done

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
        self.sentry.forget()

    def _is_ours(self, shard: int, epochs: Mapping[int, int]) -> bool:
        row = self._db.execute("SELECT epoch FROM lease WHERE shard = ?", (shard,)).fetchone()
        return row is not None and row[0] == epochs.get(shard)

    def _fence(self, shard: int, epoch: int, cursor: StreamId) -> bool:
        # The epoch decides, not the clock: a process that slept through its lease finds another epoch here.
        until = time.time_ns() + int(LEASE_SECONDS * 1e9)
        values = {"until": until, "ms": cursor[0], "seq": cursor[1], "shard": shard, "epoch": epoch}
        return self._db.execute(FENCE, values).rowcount == 1
