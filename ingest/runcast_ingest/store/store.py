"""The store: everything that is known of every run, in one SQLite file.

One thread writes: commits, states and compaction, each a transaction of its own. A few connections read. What is
numerical happens in threads, so that the event loop never waits for it.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from runcast.conditions import All, Compare, Condition, Field
from runcast.errors import StoreUnavailable
from runcast.rules import Rule
from runcast.streams import SHARDS
from runcast_ingest.store import artifacts, belongings, catalog, columns, happenings, history, pages, timeline
from runcast_ingest.store.artifacts import Collection, Link, Version
from runcast_ingest.store.belongings import FileRecord, HistogramKey, Medium
from runcast_ingest.store.catalog import Asked as Listed
from runcast_ingest.store.checker import Progress, check
from runcast_ingest.store.codec import Damaged
from runcast_ingest.store.columns import Column
from runcast_ingest.store.compactor import Due, Plan, plan, plan_groups
from runcast_ingest.store.curation import Change, Curated
from runcast_ingest.store.curves import Asked, Choice, choose, collect, curve, read_level0, series
from runcast_ingest.store.happenings import Line
from runcast_ingest.store.ledger import Ledger
from runcast_ingest.store.pages import Page
from runcast_ingest.store.pyramid import PART_POINTS
from runcast_ingest.store.reader import Fetched, Readers, fetch, fetch_cells, fetch_level0, fetch_parts
from runcast_ingest.store.records import (
    Alarm,
    AlertRecord,
    CheckReport,
    Committed,
    Curve,
    KeyRecord,
    Lease,
    Living,
    ProjectRecord,
    QuarantineRecord,
    RunRecord,
    Series,
    Stats,
    View,
    Work,
)
from runcast_ingest.store.schema import connect, prepare
from runcast_ingest.store.sentry import RULES, Delivery, overlaid
from runcast_ingest.store.sketches import Sketch, Sketches
from runcast_ingest.store.standing import is_system
from runcast_ingest.store.views import LIST as VIEWS
from runcast_ingest.store.views import SavedView
from runcast_ingest.threads import to_its_end

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

COMPACT_EVERY_SECONDS = 0.2
COMPACT_RETRY_SECONDS = 5.0
CHECKPOINT_EVERY_SECONDS = 5.0


class Store:
    """Open it with `async with Store.open(path) as store`; `compact` and `checkpoint` run beside the service."""

    def __init__(self, path: Path, ledger: Ledger, readers: Readers, sketches: Sketches) -> None:
        self.path = path
        self._ledger = ledger
        self._readers = readers
        self._sketches = sketches
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._epochs: dict[int, int] = {}
        self._compacting = asyncio.Lock()
        self._damaged = 0
        self._commits = 0
        self._commit_ms = 0.0

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path) -> AsyncIterator[Store]:
        """Open the database, made or brought up to date where needed; raises StoreUnavailable."""
        connection = await asyncio.to_thread(prepare, path)
        sketches = Sketches(path)
        readers = Readers(path, sketches.extremes)
        store = cls(path, Ledger(connection), readers, sketches)
        try:
            await readers.open()
            yield store
        finally:
            if store._epochs:
                with suppress(sqlite3.Error):
                    await store._write(store._ledger.release, dict(store._epochs))
            await readers.close()
            await store._write(store._ledger.close)
            store._thread.shutdown()

    # Writing.

    async def lease(self, shards: Iterable[int] = range(SHARDS), *, owner: str) -> list[Lease]:
        """Take those of `shards` that nobody else holds."""
        leases: list[Lease] = await self._write(self._ledger.lease, list(shards), owner)
        self._epochs.update({lease.shard: lease.epoch for lease in leases})
        return leases

    async def marks(self, writers: Iterable[str]) -> dict[str, int]:
        """Read how far each writer is stored, in order with the commits; 0 for one that is not known."""
        return await self._write(self._ledger.marks, list(writers))

    async def commit(self, work: Work, epochs: Mapping[int, int] | None = None) -> Committed:
        """Store everything in one transaction, except shards whose lease was lost: they are named in the result."""
        started = time.perf_counter()
        committed = await self._write(self._ledger.commit, work, dict(self._epochs if epochs is None else epochs))
        self._commit_ms = 1000 * (time.perf_counter() - started)
        self._commits += 1
        for shard in committed.fenced:
            self._epochs.pop(shard, None)
        return committed

    async def set_state(self, path: str, state: str) -> tuple[bool, list[Alarm]]:
        """Declare a run silent (crashed) or heard again (running); False when that says nothing new.

        Beside it, the alerts that this gave.

        Raises StoreUnavailable when it cannot be written, Damaged when the run cannot be read.
        """
        try:
            return await self._write(self._ledger.set_state, path, state, dict(self._epochs))
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the state of {path} cannot be stored: {error}") from error

    async def silent(self, path: str, heard: int, seconds: float) -> tuple[list[Alarm], float | None]:
        """Judge that nothing was heard of a run for so long; the alerts, and after how long to ask again.

        Raises StoreUnavailable when it cannot be written, Damaged when the run cannot be read.
        """
        try:
            return await self._write(self._ledger.silent, path, heard, seconds, dict(self._epochs))
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the silence of {path} cannot be judged: {error}") from error

    async def compact(self) -> None:
        """Move what is due from level 0 into columns, for as long as the service lives."""
        while True:
            await asyncio.sleep(COMPACT_EVERY_SECONDS)
            try:
                await self.compact_once()
            except sqlite3.Error as error:
                # A full disk, say: what is in level 0 is read from there.
                log.error("cannot compact: %s; trying again", error)
                await asyncio.sleep(COMPACT_RETRY_SECONDS)

    async def compact_once(self, *, everything: bool = False) -> int:
        """Move what is due now, or `everything`; says how many rows of level 0 went."""
        moved = 0
        async with self._compacting:
            for due in await self._write(self._ledger.backlog.due, everything):
                try:
                    moved += await self._compact(due)
                except sqlite3.OperationalError:
                    raise  # The disk is full, say: that is nobody's data.
                except Exception as error:
                    # One run's data, damaged or odd. It stays in level 0, where every reader and doctor says the same.
                    self._damaged += isinstance(error, Damaged)
                    log.error("cannot compact run %s: %s", due.run, error, exc_info=error)
                    await self._write(self._ledger.backlog.give_up, due)
        return moved

    async def checkpoint(self) -> None:
        """Copy the write-ahead log back every few seconds, so that no commit has to."""
        connection = await asyncio.to_thread(connect, self.path)
        try:
            while True:
                await asyncio.sleep(CHECKPOINT_EVERY_SECONDS)
                with suppress(sqlite3.OperationalError):
                    await to_its_end(_checkpoint, connection)
                    # What compaction freed is mostly taken again; the rest goes back to the disk, between commits.
                    while await self._write(self._ledger.shrink):
                        pass
        finally:
            connection.close()

    # Reading.

    async def projects(self) -> list[ProjectRecord]:
        """List the projects, the latest first."""
        return [ProjectRecord(*row) for row in await self._readers.rows(catalog.PROJECTS)]

    async def runs(
        self,
        project: str,
        *,
        condition: Condition | None = None,
        state: str | None = None,
        sort: str = "-created",
        hidden: bool | None = None,
        deleted: bool = False,
        limit: int = 100,
        cursor: str | None = None,
    ) -> tuple[list[RunRecord], str | None]:
        """List runs of a project, a page at a time; raises UsageError on a sort or cursor that is not one."""
        if state is not None:
            only = Compare(Field("state"), "==", state)
            condition = only if condition is None else All((only, condition))
        asked = Listed(project, condition, sort, None, hidden, deleted)
        await self._know_extremes(asked)
        async with self._readers.transaction() as db:
            return await catalog.runs(db, asked, limit=limit, cursor=cursor)

    async def ordered(self, asked: Listed, limit: int) -> list[tuple[str, Any]]:
        """List the ids of runs in an order, each with the value that it is grouped by; raises UsageError."""
        await self._know_extremes(asked)
        async with self._readers.transaction() as db:
            return await catalog.ordered(db, asked, limit)

    async def runs_of_ids(self, project: str, ids: Sequence[str]) -> list[RunRecord]:
        """Return runs by their ids, in that order; those that there are not are left out."""
        async with self._readers.transaction() as db:
            return await catalog.of_ids(db, project, ids)

    async def columns(self, project: str) -> tuple[list[Column], list[Column]]:
        """Say which keys the configs and the summaries of a project's runs have, each with what its values are."""
        found = []
        for document in ("config", "summary"):
            async with self._readers.transaction() as db:
                packed = await catalog.documents(db, project, document, columns.RUNS_MAX)
            found.append(await self._think(columns.columns_of, packed))
        return found[0], found[1]

    async def curate(self, project: str, change: Change) -> Curated:
        """Make a reader's change to runs; raises UsageError, and StoreUnavailable when it cannot be written."""
        try:
            return await self._write(self._ledger.curate, project, change)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the change to runs of {project} cannot be stored: {error}") from error

    async def annotate(self, project: str, run: str, notes: str, *, was: str) -> tuple[bool, str]:
        """Give a run notes in the place of `was`; False and what is there where that is something else.

        Raises UsageError, and StoreUnavailable when it cannot be written.
        """
        try:
            return await self._write(self._ledger.annotate, project, run, notes, was)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the notes of {project}/{run} cannot be stored: {error}") from error

    async def set_rule(self, project: str, rule: Rule, *, replace: bool = True) -> tuple[Rule, Rule | None]:
        """Give a project a rule, in the place of one with its name, or without `replace` beside it under another one.

        Returns the rule as it is now, and the one whose place it took. Raises UsageError and StoreUnavailable.
        """
        try:
            return await self._write(self._ledger.set_rule, project, rule, replace)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the rule {rule.name} of {project} cannot be stored: {error}") from error

    async def drop_rule(self, project: str, name: str) -> bool:
        """Take a rule away from a project; False when it has none of this name. Raises StoreUnavailable."""
        try:
            return await self._write(self._ledger.drop_rule, project, name)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the rules of {project} cannot be stored: {error}") from error

    async def rules(self, project: str) -> list[Rule]:
        """List a project's rules, those that all projects have among them."""
        return overlaid([(*row,) for row in await self._readers.rows(RULES, (project,))])

    async def views(self, project: str) -> list[SavedView]:
        """List the saved views of a project's board, the latest first."""
        return [SavedView(*row) for row in await self._readers.rows(VIEWS, (project,))]

    async def save_view(self, project: str, name: str, query: str) -> None:
        """Keep a view, in the place of one with its name; raises UsageError and StoreUnavailable."""
        try:
            await self._write(self._ledger.save_view, project, name, query)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the view {name} of {project} cannot be stored: {error}") from error

    async def drop_view(self, project: str, name: str) -> bool:
        """Delete a view; False when there is none of this name. Raises StoreUnavailable."""
        try:
            return await self._write(self._ledger.drop_view, project, name)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the views of {project} cannot be stored: {error}") from error

    def deliver(self) -> None:
        """Write down from now on which alerts a webhook is to hear of."""
        self._ledger.sentry.delivers = True

    async def next_delivery(self) -> Delivery | None:
        """Find the alert that the webhook is to hear next."""
        return await self._write(self._ledger.next_delivery)

    async def settle_delivery(self, alert: int) -> None:
        """Note that the webhook is done with an alert; raises sqlite3.Error."""
        await self._write(self._ledger.settle_delivery, alert)

    async def refuse_delivery(self, alert: int, time: int) -> None:
        """Note when, in ns since 1970, the webhook refused an alert first; raises sqlite3.Error."""
        await self._write(self._ledger.refuse_delivery, alert, time)

    async def _know_extremes(self, asked: Listed) -> None:
        for metric in sorted(catalog.metrics_asked(asked)):
            await self._sketches.learn(asked.project, metric)

    async def sketches(self, project: str, metric: str, runs: Iterable[int]) -> dict[int, Sketch]:
        """Return small curves of one metric for some runs, by their keys."""
        return await self._sketches.learn(project, metric, runs)

    async def run(self, project: str, run: str) -> RunRecord | None:
        """Return one run."""
        async with self._readers.transaction() as db:
            return await catalog.run(db, project, run)

    async def living(self, silent_seconds: float) -> list[Living]:
        """List the runs, in all projects, that are not known to have ended: they run, or are silent since lately."""
        async with self._readers.transaction() as db:
            return await catalog.living(db, time.time_ns() - int(silent_seconds * 1e9))

    async def names(self, project: str | None = None) -> list[str]:
        """List the names of projects, or the ids of a project's runs."""
        if project is None:
            return [row[0] for row in await self._readers.rows("SELECT name FROM project ORDER BY name")]
        return [row[0] for row in await self._readers.rows(catalog.RUN_IDS, (project,))]

    async def keys(self, run_key: int) -> list[KeyRecord]:
        """List the keys of a run."""
        async with self._readers.transaction() as db:
            return await catalog.keys(db, await self._readers.heads(db, run_key), run_key)

    async def project_keys(self, project: str) -> list[str]:
        """List the keys that any run of a project has."""
        async with self._readers.transaction() as db:
            keysets = [row[0] for row in await fetch(db, catalog.PROJECT_KEYSETS, (project,))]
            names = await self._readers.names(db, keysets)
        return sorted({name for keyset in names.values() for name in keyset})

    async def view(
        self,
        run_key: int,
        keys: Sequence[str] | None = None,
        *,
        points_max: int | None = None,
        axis: str = "step",
        lo: int | None = None,
        hi: int | None = None,
        after: Mapping[str, int] | None = None,
    ) -> View:
        """Return curves of a run and the marks that were true in the same read.

        `axis` is `step`, or `time` with `lo` and `hi` in ns. Without `points_max` every point; else, where there are
        more, real points that draw the same. `after` names marks by writer: only what is above them, all of it.
        """
        asked = Asked(None if keys is None else frozenset(keys), points_max, axis, lo, hi, after)
        fetched, choices = await self._fetch(run_key, asked)
        curves = await self._think(_curves, asked, fetched, choices)
        return View({writer.id: writer.mark for writer in fetched.writers.values()}, curves)

    async def envelope(
        self,
        run_key: int,
        key: str,
        *,
        points: int,
        axis: str = "step",
        lo: int | None = None,
        hi: int | None = None,
        writer: str | None = None,
    ) -> Series:
        """Return one key of a run: every point when there are at most `points`, else a band of so many columns."""
        # As many columns as asked for; a view's budget has four points for each.
        asked = Asked(frozenset([key]), 4 * points, axis, lo, hi)
        fetched, choices = await self._fetch(run_key, asked)
        asked = Asked(frozenset([key]), points, axis, lo, hi)
        return await self._think(_series, asked, fetched, choices, key, writer)

    async def rows(
        self, run_key: int, keys: Sequence[str] | None = None, *, after: Mapping[str, int], rows_max: int
    ) -> Page:
        """Return the next rows of each writer behind its mark in `after`, in order of sequence, about `rows_max`."""
        wanted = None if keys is None else frozenset(keys)
        found = await pages.find(self._readers, run_key, wanted, after=after, rows_max=rows_max)
        return await self._think(pages.read, found, wanted)

    async def history(
        self,
        run_key: int,
        *,
        keys: Sequence[str] | None = None,
        whole: bool = False,
        after_step: int | None = None,
        up_to_step: int | None = None,
        system: bool = False,
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """Yield a run's rows in order of step, a page at a time, each with `_step`, `_timestamp` and `_runtime`.

        Samples of the machine are rows that are left out, or with `system` the only ones: their steps count them.

        With `keys`, only these, of rows that have one of them; with `whole`, of rows that have all of them.
        """
        wanted = None if keys is None else frozenset(keys) - history.OWN
        async with self._readers.transaction() as db:
            heads = await self._readers.heads(db, run_key)
            axes = {
                axis.key: axis
                for axis in heads.axes
                if is_system(axis.names) == system and history.concerns(axis, wanted)
            }
            found = await fetch_parts(db, list(axes.values()), unit="step", lo=after_step, hi=up_to_step)
            parts = [part for each in found.values() for part in each if part.level == 1]
            # A full part is never changed. A short one may be written anew while pages are still to come: read it now.
            short = [part for part in parts if part.rows < PART_POINTS]
            heads.chunks = await fetch_cells(db, "chunk", history.chunk_keys(axes, short, wanted))
            level0 = await fetch_level0(db, heads.runs)
        young = await self._think(read_level0, level0, None)
        young = [(writer, stretch) for writer, stretch in young if is_system(stretch.names) == system]
        young += await self._think(history.read_parts, axes, short, heads.chunks, wanted)
        young = history.before(young, heads.writers)
        full = [part for part in parts if part.rows == PART_POINTS]
        for low, high in history.cuts(full, after_step, up_to_step):
            touched = [part for part in full if part.step_high > low and part.step_low <= high]
            async with self._readers.transaction() as db:
                chunks = await fetch_cells(db, "chunk", history.chunk_keys(axes, touched, wanted))
            old = await self._think(history.read_parts, axes, touched, chunks, wanted)
            stretches = young + history.before(old, heads.writers)
            for start, end in await self._think(history.slices, stretches, low, high):
                page = await self._think(
                    history.page, stretches, heads.writers, low=start, high=end, keys=wanted, whole=whole
                )
                if page:
                    yield page

    async def console(
        self, run_key: int, *, limit: int = 1000, search: str = "", until: int | None = None
    ) -> tuple[list[Line], int]:
        """Read the latest lines of a run's output, and the number of the last; see `happenings.lines`."""
        async with self._readers.transaction() as db:
            return await happenings.lines(db, run_key, limit=limit, search=search, until=until)

    async def console_since(self, run_key: int, after: int, *, limit: int = 1000) -> tuple[list[Line], int]:
        """Read what a run printed behind a number; see `happenings.lines_since`."""
        async with self._readers.transaction() as db:
            return await happenings.lines_since(db, run_key, after=after, limit=limit)

    async def alerts(self, run_key: int, limit: int = 1000) -> list[AlertRecord]:
        """List a run's alerts, the latest first."""
        async with self._readers.transaction() as db:
            return await happenings.alerts(db, run_key, limit)

    async def timeline(self, project: str, ids: Sequence[str]) -> list[timeline.Mark]:
        """List what stands out in the time of runs, in order of time."""
        async with self._readers.transaction() as db:
            return await timeline.marks(db, project, ids)

    async def recent_alerts(self, project: str, limit: int = 100) -> list[tuple[str, str, AlertRecord]]:
        """List the latest alerts of a project's runs, each with the run's id and name."""
        async with self._readers.transaction() as db:
            return await happenings.recent_alerts(db, project, limit)

    async def files(self, run_key: int, *, after: str = "", prefix: str = "", limit: int = 1000) -> list[FileRecord]:
        """List a run's files by name."""
        async with self._readers.transaction() as db:
            return await belongings.files(db, run_key, after=after, prefix=prefix, limit=limit)

    async def file(self, run_key: int, name: str) -> FileRecord | None:
        """Find a run's file by its name."""
        async with self._readers.transaction() as db:
            return await belongings.file(db, run_key, name)

    async def media(self, run_key: int, *, after: int = 0, limit: int = 1000) -> list[Medium]:
        """List what a run logged to be looked at, behind the number `after`."""
        async with self._readers.transaction() as db:
            return await belongings.media(db, run_key, after=after, limit=limit)

    async def histogram_keys(self, run_key: int) -> list[HistogramKey]:
        """List of which keys a run logged histograms."""
        async with self._readers.transaction() as db:
            return await belongings.histogram_keys(db, run_key)

    async def histograms(
        self, run_key: int, name: str, label: str = "", *, after: int = 0, limit: int = 500
    ) -> list[Medium]:
        """List a key's histograms behind the number `after`; see `belongings.histograms`."""
        async with self._readers.transaction() as db:
            return await belongings.histograms(db, run_key, name, label, after=after, limit=limit)

    async def artifacts(self, project: str) -> list[Collection]:
        """List a project's artifacts, without their versions."""
        async with self._readers.transaction() as db:
            return await artifacts.collections(db, project)

    async def artifact_versions(self, project: str, name: str, limit: int = 10_000) -> list[Version]:
        """List the versions of an artifact, the newest first."""
        async with self._readers.transaction() as db:
            return await artifacts.versions(db, project, name, limit)

    async def artifact_users(self, project: str, name: str, digest: str) -> list[tuple[str, str, str]]:
        """List the runs that used a version: project, id and name."""
        async with self._readers.transaction() as db:
            return await artifacts.users(db, project, name, digest)

    async def artifacts_of(self, run_key: int) -> list[Link]:
        """List what a run made and used."""
        async with self._readers.transaction() as db:
            return await artifacts.of_run(db, run_key)

    async def quarantine(self, limit: int = 1000) -> list[QuarantineRecord]:
        """List what could not be stored, the latest first."""
        rows = await self._readers.rows(catalog.QUARANTINE, (limit,))
        return [catalog.quarantined(row) for row in rows]

    async def check(self, progress: Progress | None = None) -> CheckReport:
        """Read every stored byte again and compare marks with what is there."""

        def walk() -> CheckReport:
            connection = connect(self.path, readonly=True)
            try:
                return check(connection, progress)
            finally:
                connection.close()

        return await asyncio.to_thread(walk)

    async def stats(self) -> Stats:
        """Count what is stored."""
        async with self._readers.transaction() as db:
            counts = (await fetch(db, catalog.COUNTS))[0]
            kinds: dict[str, int] = dict(await fetch(db, "SELECT kind, count(*) FROM quarantine GROUP BY kind"))
            dropped = (await fetch(db, "SELECT coalesce(sum(value), 0) FROM tally"))[0][0]
        wal = self.path.with_name(self.path.name + "-wal")
        return Stats(
            **dict(zip(catalog.COUNTED, counts, strict=True)),
            deliveries_dropped=self._ledger.sentry.given_up,
            quarantine=kinds,
            quarantine_dropped=dropped,
            damaged=self._damaged,
            file_bytes=self.path.stat().st_size,
            wal_bytes=wal.stat().st_size if wal.exists() else 0,
            commits=self._commits,
            commit_ms=self._commit_ms,
        )

    # Inside.

    async def _write(self, act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: act(*args, **kwargs))

    async def _think(self, act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await asyncio.to_thread(act, *args, **kwargs)
        except Damaged:
            self._damaged += 1
            raise

    async def _compact(self, due: Due) -> int:
        next_part = await self._write(self._ledger.next_part)
        made = await asyncio.to_thread(_plan, self.path, due, next_part)
        if made is None or not await self._write(
            self._ledger.execute_all, dict(self._epochs), due.shard, made.statements
        ):
            await self._write(self._ledger.backlog.give_up, due)
            return 0
        await self._write(self._ledger.backlog.compacted, due, made.rows, made.events, made.size)
        for axis, keys in made.axes.items():
            while True:
                next_part = await self._write(self._ledger.next_part)
                group = await asyncio.to_thread(_plan_groups, self.path, axis, keys, next_part)
                if group is None or not await self._write(
                    self._ledger.execute_all, dict(self._epochs), due.shard, group.statements
                ):
                    break
        return made.rows

    async def _fetch(self, run_key: int, asked: Asked) -> tuple[Fetched, list[Choice]]:
        async with self._readers.transaction() as db:
            fetched = await self._readers.heads(db, run_key)
            axes = [axis for axis in fetched.axes if asked.wants(axis)]
            parts = await fetch_parts(db, axes, unit=asked.unit, lo=asked.lo, hi=asked.hi)
            if asked.after is not None:
                for axis in axes:
                    mark = asked.after.get(fetched.writers[axis.writer].id, 0)
                    parts[axis.key] = [part for part in parts[axis.key] if part.last > mark]
            choices = [choose(asked, axis, parts[axis.key]) for axis in axes]
            level0 = await fetch_level0(db, fetched.runs)
            chunks = [key for choice in choices for key in choice.chunk_keys()]
            buckets = [key for choice in choices for key in choice.bucket_keys()]
            fetched.chunks = await fetch_cells(db, "chunk", chunks)
            fetched.buckets = await fetch_cells(db, "bucket", buckets)
        marks = asked.after or {}
        fetched.level0 = [row for row in level0 if row.last > marks.get(fetched.writers[row.writer].id, 0)]
        return fetched, choices


def _plan(path: Path, due: Due, next_part: int) -> Plan | None:
    connection = connect(path, readonly=True)
    try:
        return plan(connection, due, next_part)
    finally:
        connection.close()


def _plan_groups(path: Path, axis: int, keys: int, next_part: int) -> Plan | None:
    connection = connect(path, readonly=True)
    try:
        return plan_groups(connection, axis, keys, next_part)
    finally:
        connection.close()


def _checkpoint(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def _curves(asked: Asked, fetched: Fetched, choices: Sequence[Choice]) -> list[Curve]:
    made = [curve(asked, pieces, fetched.writers[pieces.writer]) for pieces in collect(asked, fetched, choices)]
    return [each for each in made if len(each.steps)]


def _series(asked: Asked, fetched: Fetched, choices: Sequence[Choice], key: str, writer: str | None) -> Series:
    every = [
        pieces
        for pieces in collect(asked, fetched, choices)
        if writer is None or fetched.writers[pieces.writer].id == writer
    ]
    return series(asked, key, every)
