"""The runs, writers and key sets that commits write about: read once, and kept between commits.

That is sound because nobody else may write about a run while we hold its shard; a new lease, or any error, forgets
everything. It is called inside the ledger's transactions, and begins and ends none.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from typing import Any

from runcast.blocks import Block
from runcast.names import ASIDE
from runcast_ingest.states import RUNNING
from runcast_ingest.store.codec import crc, pack_document, unpack_document, verify
from runcast_ingest.store.standing import Axis, Run, Writer, run_row, writer_row

RUNS_KEPT_MAX = 1024  # Runs that run, remembered between commits; any other is read for 0.2 ms.
SUMMARY_KEYS_KEPT_MAX = 200_000  # Of all of them: about 30 MB.
AXES_KEPT_MAX = 256  # Of one writer; a training that makes a new set of keys at each row must not fill our memory.
KEYSETS_KEPT_MAX = 4096

ADD_PROJECT = """
INSERT INTO project(name, created, updated) VALUES(:name, :time, :time)
ON CONFLICT(name) DO UPDATE SET updated = max(updated, excluded.updated) RETURNING key
"""
READ_RUN = """
SELECT run.* FROM run JOIN project ON project.key = run.project WHERE project.name = ? AND run.id = ?
"""
SAVE_RUN = """
INSERT INTO run(key, project, id, shard, name, state, created, started, updated, finished, exit_code, steps, rows, lost,
    base, base_step, aside, beginning, since, details, config, summary, crc)
VALUES(:key, :project, :id, :shard, :name, :state, :created, :started, :updated, :finished, :exit_code, :steps, :rows,
    :lost, :base, :base_step, :aside, :beginning, :since, :details, :config, :summary, :crc)
ON CONFLICT(key) DO UPDATE SET id = excluded.id, base = excluded.base, base_step = excluded.base_step,
    aside = excluded.aside, beginning = excluded.beginning, name = excluded.name, state = excluded.state,
    created = excluded.created,
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
HOME = """
SELECT project.name, run.id FROM writer JOIN run ON run.key = writer.run JOIN project ON project.key = run.project
WHERE writer.id = ?
"""
ASIDE_IDS = "SELECT id FROM run WHERE project = ? AND aside = 1 AND id >= ? AND id < ?"
BEGUN = "SELECT id FROM run WHERE project = ? AND aside = 1 AND beginning = ? AND id >= ? AND id < ?"
SKIP = "UPDATE writer SET mark = max(mark, ?) WHERE id = ?"
RUN_KEY = "SELECT run.key FROM run JOIN project ON project.key = run.project WHERE project.name = ? AND run.id = ?"
ADD_KEYSET = "INSERT INTO keyset(digest, names) VALUES(?, ?) ON CONFLICT DO NOTHING"
READ_AXIS = "SELECT key, rows, kinds, extras, crc FROM axis WHERE run = ? AND writer = ? AND keyset = ?"
ADD_AXIS = "INSERT INTO axis(run, writer, keyset, rows, kinds, extras, crc) VALUES(?, ?, ?, 0, ?, ?, ?) RETURNING key"
SAVE_AXIS = "UPDATE axis SET rows = ?, kinds = ?, extras = ?, crc = ? WHERE key = ?"


class Register:
    """What is known of runs, writers and key sets."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._runs: dict[str, Run] = {}
        self._keysets: dict[tuple[str, ...], int] = {}

    def forget(self) -> None:
        """Know nothing any more: it is read again when it is needed."""
        self._runs.clear()
        self._keysets.clear()

    def drop(self, path: str) -> None:
        """Forget one run, what was set aside of it, and what was made for it: it was undone."""
        for known in [each for each in self._runs if each == path or each.startswith(f"{path}{ASIDE}")]:
            del self._runs[known]
        self._keysets.clear()

    def run(self, path: str) -> Run | None:
        """Find a run; raises Damaged."""
        run = self._runs.get(path)
        if run is not None:
            return run
        project, _, id_ = path.rpartition("/")
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

    def home(self, path: str, writer: str) -> Run | None:
        """Find the run that a writer began in, when that was set aside and `path` is another one's by now."""
        row = self._db.execute(HOME, (writer,)).fetchone()
        return self.run("/".join(row)) if row and "/".join(row).startswith(f"{path}{ASIDE}") else None

    def free_id(self, run: Run) -> str:
        """Name the run that is set aside next: its id, and a number that no earlier one has."""
        ids = self._db.execute(ASIDE_IDS, (run.project, *_asides(run))).fetchall()
        return f"{run.id}{ASIDE}{1 + max((int(id_.rpartition(ASIDE)[2]) for (id_,) in ids), default=0)}"

    def begun(self, run: Run, beginning: int) -> Run | None:
        """Find the one of those that were set aside for a run that began then."""
        row = self._db.execute(BEGUN, (run.project, beginning, *_asides(run))).fetchone()
        return self.run(f"{run.path.rpartition('/')[0]}/{row[0]}") if row else None

    def set_aside(self, run: Run) -> None:
        """Let another run have a run's id; it keeps its key, and so everything that is stored of it."""
        self._runs.pop(run.path)
        project = run.path.rpartition("/")[0]
        run.id, run.aside = self.free_id(run), 1
        run.path = f"{project}/{run.id}"
        # At once: the id is free from here on.
        self._db.execute(SAVE_RUN, run_row(run))
        self._runs[run.path] = run

    def new_run(self, path: str, shard: int, now: int) -> Run:
        """Make a run."""
        project, _, id_ = path.rpartition("/")
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
        self._db.execute(SAVE_RUN, run_row(run))
        self._runs[path] = run
        return run

    def writer(self, run: Run, id_: str, now: int) -> Writer | None:
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

    def axis(self, run: Run, writer: Writer, block: Block) -> Axis:
        """Find what rows with the keys of `block` share, made when it is new; raises Damaged."""
        axis = writer.axes.get(block.names)
        if axis is not None:
            return axis
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

    def save(self, runs: Iterable[Run]) -> None:
        """Write down what changed about runs and their writers."""
        run_rows: list[dict[str, Any]] = []
        writer_rows: list[dict[str, Any]] = []
        axis_rows: list[tuple[int, str, bytes, int, int]] = []
        for run in runs:
            run_rows.append(run_row(run))
            for writer in run.writers.values():
                if not writer.changed:
                    continue
                writer_rows.append(writer_row(writer))
                writer.changed = False
                for axis in writer.axes.values():
                    if axis.changed:
                        extras = pack_document(axis.extras)
                        axis_rows.append((axis.rows, axis.kinds, extras, crc(extras), axis.key))
                        axis.changed = False
        self._db.executemany(SAVE_RUN, run_rows)
        self._db.executemany(SAVE_WRITER, writer_rows)
        self._db.executemany(SAVE_AXIS, axis_rows)

    def trim(self, touched: Iterable[Run]) -> None:
        """Forget what a commit touched and nobody will ask for soon, and then whom nobody touched for longest.

        It comes after the commit: what is forgotten before would be read as it was.
        """
        for run in touched:
            if self._runs.get(run.path) is not run:
                continue
            del self._runs[run.path]
            if run.state != RUNNING:
                continue
            self._runs[run.path] = run
            for writer in run.writers.values():
                if len(writer.axes) > AXES_KEPT_MAX:
                    writer.axes.clear()
        keys = sum(len(run.summary) for run in self._runs.values())
        while len(self._runs) > RUNS_KEPT_MAX or keys > SUMMARY_KEYS_KEPT_MAX:
            keys -= len(self._runs.pop(next(iter(self._runs))).summary)
        if len(self._keysets) > KEYSETS_KEPT_MAX:
            self._keysets.clear()

    def __len__(self) -> int:
        """How many runs are remembered."""
        return len(self._runs)

    def skip(self, path: str, shard: int, writer: str, last: int, now: int) -> None:
        """Move a writer's mark without looking at its run, which may be what cannot be read."""
        if self._db.execute(SKIP, (last, writer)).rowcount:
            return
        project, _, id_ = path.rpartition("/")
        row = self._db.execute(RUN_KEY, (project, id_)).fetchone()
        key = row[0] if row else self.new_run(path, shard, now).key
        self._db.execute(ADD_WRITER, (writer, key, now, now, now))
        self._db.execute(SKIP, (last, writer))

    def _keyset(self, names: tuple[str, ...]) -> int:
        key = self._keysets.get(names)
        if key is None:
            data = pack_document(names)
            digest = hashlib.sha256(data).digest()
            self._db.execute(ADD_KEYSET, (digest, data))
            key = self._db.execute("SELECT key FROM keyset WHERE digest = ?", (digest,)).fetchone()[0]
            self._keysets[names] = int(key)
        return int(key)


def _asides(run: Run) -> tuple[str, str]:
    """Bound the ids that are a run's and a number: from the first on, below the second."""
    return f"{run.id}{ASIDE}", f"{run.id}{chr(ord(ASIDE) + 1)}"
