"""What all live sessions share: the hub, and a roster for each project that somebody watches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

from runcast_ingest.batch import Batch, Stored
from runcast_ingest.hub import Hub
from runcast_ingest.roster import RUNS_MAX, Roster, trimmed
from runcast_ingest.store.catalog import Asked
from runcast_ingest.store.records import Alarm, Replaced, RunRecord
from runcast_ingest.store.store import Store

PAGE_RUNS = 500  # A transaction of the store stays short.


class _Kept:
    def __init__(self, roster: Roster) -> None:
        self.roster = roster
        self.users = 0
        self.loading = asyncio.Lock()
        self.loaded = False
        self.due: set[str] = set()  # Paths of runs whose inheritance the store has by now, or may have.


class Broadcast:
    """The way from the tail, the persister and the states to everybody who watches."""

    def __init__(self, store: Store) -> None:
        self.hub = Hub()
        self._store = store
        self._rosters: dict[str, _Kept] = {}
        self.stopping: set[str] = set()  # Paths of the runs that were asked to stop, until they have.

    def publish(self, batch: Batch) -> None:
        """Show a batch that the tail admitted."""
        if self._rosters and (kept := self._rosters.get(batch.path.rpartition("/")[0])) is not None:
            kept.roster.publish(batch)
        self.hub.publish(batch)

    def stored(self, stored: list[Stored]) -> None:
        """Let go of what a commit stored."""
        for each in stored:
            self.hub.stored(each)
            kept = self._rosters.get(each.path.rpartition("/")[0])
            if kept is not None and each.path in kept.roster.heirs:
                kept.due.add(each.path)
                self.hub.nudge(each.path)

    def changed(self, path: str, state: str) -> None:
        """Show a run's new state."""
        if (kept := self._rosters.get(path.rpartition("/")[0])) is not None:
            kept.roster.change(path, state)
            self.hub.nudge(path)

    async def replaced(self, replaced: Replaced) -> None:
        """Show a run in the place of the one whose id it took."""
        project, _, id_ = replaced.path.rpartition("/")
        kept = self._rosters.get(project)
        if kept is None or (record := await self._store.run(project, id_)) is None:
            return
        async with kept.loading:
            kept.roster.add(trimmed(record))
        self.hub.nudge(replaced.path)

    async def curated(self, project: str, ids: Sequence[str]) -> None:
        """Show what readers decided about runs."""
        kept = self._rosters.get(project)
        if kept is None:
            return
        async with kept.loading:
            for at in range(0, len(ids), PAGE_RUNS):
                for record in await self._store.runs_of_ids(project, ids[at : at + PAGE_RUNS]):
                    kept.roster.curate(trimmed(record))
                    self.hub.nudge(record.path)
            # A run that was deleted for a while may have logged new ones.
            for name in await self._store.project_keys(project):
                kept.roster.number_metric(name)

    async def inherit(self, project: str) -> None:
        """Read what runs of a watched project have of those that they began from, as far as it is stored by now."""
        kept = self._rosters[project]
        for path in list(kept.due):
            record = await self._store.run(project, path.rpartition("/")[2])
            kept.due.discard(path)
            if record is not None and kept.roster.inherit(record):
                self.hub.nudge(path)

    def alarm(self, alarms: Iterable[Alarm]) -> None:
        """Show alerts that were stored just now."""
        for alarm in alarms:
            self.hub.alarm(alarm)

    def stop(self, path: str, asked: bool) -> None:
        """Show that a run was asked to stop, or that this is over."""
        (self.stopping.add if asked else self.stopping.discard)(path)
        if (kept := self._rosters.get(path.rpartition("/")[0])) is not None:
            kept.roster.stop(path, asked)
            self.hub.nudge(path)

    @asynccontextmanager
    async def roster(self, project: str) -> AsyncIterator[Roster]:
        """Give a project's roster, read from the store by the first who asks and kept until the last has left."""
        kept = self._rosters.get(project)
        if kept is None:
            # It hears what is published from here on, and what is held: so nothing lies between it and the store.
            kept = self._rosters[project] = _Kept(Roster(project))
            for batch in self.hub.held(project):
                kept.roster.publish(batch)
        kept.users += 1
        try:
            async with kept.loading:
                if not kept.loaded:
                    gone = await self._store.ordered(Asked(project, deleted=True), RUNS_MAX)
                    metrics = await self._store.project_keys(project)
                    kept.roster.load(await self._runs(project), metrics, [id_ for id_, _ in gone])
                    for path in self.stopping:
                        kept.roster.stop(path, True)
                    kept.due |= kept.roster.heirs  # They may have been stored while the others were read.
                    kept.loaded = True
            yield kept.roster
        finally:
            kept.users -= 1
            if not kept.users:
                self._rosters.pop(project, None)

    async def _runs(self, project: str) -> list[RunRecord]:
        found: list[RunRecord] = []
        cursor: str | None = None
        while len(found) < RUNS_MAX:
            page, cursor = await self._store.runs(project, sort="-created", limit=PAGE_RUNS, cursor=cursor)
            found += [trimmed(record) for record in page]
            if cursor is None:
                break
        return found
