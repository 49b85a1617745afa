"""Bring what one commit stores into the tables: all of it together, or each batch by itself.

Together is the rule. When the database does not take something, everybody's batches are posted apart, so that the
one that cannot be stored goes to quarantine and takes no other with it. It runs inside the ledger's transaction.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from runcast.blocks import Block
from runcast.events import Finish
from runcast.wire import encode_items
from runcast_ingest.batch import Batch, Stored
from runcast_ingest.states import RUNNING, state_of
from runcast_ingest.store import artifacts, belongings, branches, happenings, quarantine
from runcast_ingest.store.codec import compress, crc
from runcast_ingest.store.records import Committed, Passed
from runcast_ingest.store.register import Register
from runcast_ingest.store.sentry import Sentry
from runcast_ingest.store.standing import Run, apply_block, apply_event, ends, exit_code

log = logging.getLogger(__name__)

ADD_LEVEL0 = "INSERT INTO level0(run, writer, first, last, crc, data) VALUES(?, ?, ?, ?, ?, ?)"

Level0 = tuple[int, int, int, int, int, bytes]  # run, writer, first, last, crc, data


class Posting:
    """What one commit did: rows that came to level 0, runs that were touched, marks that rose."""

    def __init__(self, db: sqlite3.Connection, register: Register, sentry: Sentry) -> None:
        self._db, self._register, self._sentry = db, register, sentry
        self.rows: list[Level0] = []
        self.runs: dict[str, Run] = {}
        self.done = Committed()

    def together(self, batches: Sequence[Batch], passed: Iterable[Passed]) -> None:
        """Post everything at once."""
        for group in _grouped(batches):
            self._store(group)
        self._db.executemany(ADD_LEVEL0, self.rows)
        for each in passed:
            self._pass(each)
        for run in self.runs.values():
            self._judge(run)
        self._register.save(self.runs.values())

    def _judge(self, run: Run) -> None:
        before = run.state
        run.state = state_of(ends(run))
        run.exit_code = exit_code(run)
        if run.state == RUNNING:
            run.finished = None
        if run.state != before:
            self.done.states.append((run.path, run.state))
            self.done.alarms += self._sentry.ended(run, run.state)

    def apart(self, batches: Iterable[Batch], passed: Iterable[Passed]) -> dict[str, Exception]:
        """Post each batch by itself, or put it in quarantine; says by path what could not be stored, and why."""
        odd: dict[str, Exception] = {}
        for batch in batches:
            error = self._alone(batch.path, lambda one, batch=batch: one.together([batch], []))  # type: ignore[misc]
            if error is not None:
                odd[batch.path] = error
                self._refuse(batch, error)
        for each in passed:
            self._alone(each.path, lambda one, each=each: one.together([], [each]))  # type: ignore[misc]
        return odd

    def _alone(self, path: str, act: Callable[[Posting], None]) -> Exception | None:
        one = Posting(self._db, self._register, self._sentry)
        with _undone_on_error(self._db) as trouble:
            act(one)
        if trouble:
            self._register.drop(path)
            return trouble[0]
        self.rows += one.rows
        self.runs |= one.runs
        self.done.stored += one.done.stored
        self.done.states += one.done.states
        self.done.replaced += one.done.replaced
        self.done.alarms += one.done.alarms
        return None

    def _refuse(self, batch: Batch, error: Exception) -> None:
        with _undone_on_error(self._db) as trouble:
            quarantine.keep(self._db, [quarantine.refused(batch, error)])
            self._register.skip(batch.path, batch.shard, batch.writer, batch.last, batch.received)
        self._register.drop(batch.path)
        if trouble:
            # Then its trainer hears nothing, and keeps it.
            log.error("nor can quarantine take events of %s: %s", batch.path, trouble[0])
        else:
            self.done.stored.append(Stored(batch.path, batch.writer, batch.last))

    def _store(self, group: Sequence[Batch]) -> None:
        path, id_, received = group[0].path, group[0].writer, group[-1].received
        run, replaced = branches.place(self._register, group[0])
        if replaced is not None:
            self.done.replaced.append(replaced)
            if (before := self.runs.pop(path, None)) is not None:
                self.runs[before.path] = before
        self.runs[run.path] = run
        writer = self._register.writer(run, id_, group[0].received)
        if writer is None:
            quarantine.keep(self._db, [quarantine.stray(batch) for batch in group])
            self.done.stored.append(Stored(path, id_, group[-1].last))
            return
        # A commit that was given up half-way may have been done all the same: what is below the mark is stored.
        group = [left for batch in group if (left := batch.above(writer.mark)) is not None]
        if not group:
            self.done.stored.append(Stored(path, id_, writer.mark))
            return
        writer.changed = True
        writer.finished = writer.exit_code = None  # Whoever speaks lives; a last word follows below.
        items = [item for batch in group for item in batch.items]
        for item in items:
            belongings.add(self._db, run.key, writer.key, item)
            if isinstance(item, Block):
                apply_block(run, writer, self._register.axis(run, writer, item), item)
            else:
                apply_event(run, writer, item)
                happenings.add(self._db, run.key, writer.key, item)
                artifacts.add(self._db, run.key, item)
        self.done.alarms += self._sentry.take(run, writer, items)
        writer.mark, writer.seen = group[-1].last, received
        data = compress(encode_items(items))
        self.rows.append((run.key, writer.key, group[0].first, group[-1].last, crc(data), data))
        self.done.stored.append(Stored(path, id_, writer.mark))
        if any(isinstance(item, Finish) for item in items):
            self._judge(run)  # Who begins it again may come in the same commit, and that it ended is said all the same.

    def _pass(self, passed: Passed) -> None:
        now = time.time_ns()
        run = (
            self._register.home(passed.path, passed.writer)
            or self._register.run(passed.path)
            or self._register.new_run(passed.path, passed.shard, now)
        )
        self.runs[run.path] = run
        writer = self._register.writer(run, passed.writer, now)
        if writer is not None:
            writer.mark, writer.changed = max(writer.mark, passed.last), True
            self.done.stored.append(Stored(passed.path, passed.writer, writer.mark))


def _grouped(batches: Iterable[Batch]) -> Iterable[list[Batch]]:
    """Put together what follows each other: a row of level 0 has no hole, so after one another begins."""
    groups: dict[tuple[str, str, int], list[Batch]] = {}
    firsts: dict[str, int] = {}
    nexts: dict[str, int] = {}
    for batch in batches:
        first = batch.first if batch.first != nexts.get(batch.writer) else firsts[batch.writer]
        firsts[batch.writer], nexts[batch.writer] = first, batch.last + 1
        groups.setdefault((batch.path, batch.writer, first), []).append(batch)
    return groups.values()


@contextmanager
def _undone_on_error(db: sqlite3.Connection) -> Iterator[list[Exception]]:
    """Undo what is written inside if it raises, and name the error; a full disk is no fault of what is written."""
    trouble: list[Exception] = []
    db.execute("SAVEPOINT apart")
    try:
        yield trouble
    except sqlite3.OperationalError:
        raise
    except Exception as error:
        db.execute("ROLLBACK TO apart")
        trouble.append(error)
    db.execute("RELEASE apart")
