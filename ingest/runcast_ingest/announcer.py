"""What a subscriber is told of runs, and by which numbers frames speak of metrics and writers.

Each number is announced before a frame uses it; what changed of a run is told at once where it matters, else twice a
second.
"""

from __future__ import annotations

import time

import msgspec

from runcast.frames import PROTOCOL
from runcast_ingest.interest import Interest
from runcast_ingest.outbox import Outbox
from runcast_ingest.roster import MS, SUMMARIES_KEYS_MAX, SUMMARY_KEYS_MAX, SUMMARY_KEYS_MIN, Roster, RunInfo
from runcast_ingest.store.records import Alarm

RUN_SECONDS = 0.5  # Between two messages about one run, where it can wait.


class Announcer:
    """Tells one subscriber what its roster has and it has not heard."""

    def __init__(self, outbox: Outbox, roster: Roster, interest: Interest) -> None:
        self._outbox, self._roster, self._interest = outbox, roster, interest
        self.told: dict[str, tuple[int, float]] = {}  # By path: the version last told, and when.
        self._untold: set[str] = set()
        self._metrics = self._writers = 0  # How many were told.
        self._keys_max = SUMMARY_KEYS_MAX

    @property
    def waits(self) -> bool:
        """Whether something is still to be told."""
        return bool(self._untold)

    async def welcome(self) -> list[RunInfo]:
        """Tell everything there is; returns the runs."""
        runs = [run for run in self._roster.runs.values() if self._interest.wants(run)]
        self._keys_max = max(SUMMARY_KEYS_MIN, min(SUMMARY_KEYS_MAX, SUMMARIES_KEYS_MAX // max(1, len(runs))))
        now = time.monotonic()
        self.told = {run.path: (run.version, now) for run in runs}
        self._metrics, self._writers = len(self._roster.metrics), len(self._roster.writers)
        await self._outbox.say(
            ev="welcome",
            proto=PROTOCOL,
            server_ms=time.time() * 1000,
            project=self._interest.project,
            runs=[run.told(self._keys_max) for run in runs],
            metrics=self._roster.metrics,
            writers=[writer for run in runs for writer in run.writers.values()],
        )
        return runs

    def note(self, path: str) -> None:
        """Take note that something of a run changed."""
        self._untold.add(path)

    def forget(self, path: str) -> None:
        """Forget what was told of a run: another one has its path, or none."""
        self.told.pop(path, None)

    async def gone(self, path: str) -> None:
        """Tell that a run was deleted."""
        await self._outbox.say(ev="gone", run=path.rpartition("/")[2])

    async def tell_all(self) -> None:
        """Tell what changed of runs, as often as each of them may."""
        now = time.monotonic()
        for path in list(self._untold):
            run = self._roster.runs.get(path)
            if run is None:
                self._untold.discard(path)
                continue
            version, at = self.told.get(path, (-1, 0.0))
            if run.version == version:
                self._untold.discard(path)
            elif version < run.urgent or now - at >= RUN_SECONDS:
                self._untold.discard(path)
                await self._tell(run)

    async def alarm(self, run: RunInfo, alarm: Alarm) -> None:
        """Tell of an alert; of its run before it."""
        if run.path not in self.told:
            await self._tell(run)
        alert = alarm.alert
        await self._outbox.say(
            ev="alert",
            run=run.id,
            id=alert.key,
            time_ms=alert.time / MS,
            step=alert.step,
            level=alert.level,
            title=alert.title,
            text=alert.text,
            label=alert.label,
            rule=alert.rule,
        )

    async def name_numbers(self) -> None:
        """Tell the numbers that are new."""
        metrics, self._metrics = self._metrics, len(self._roster.metrics)
        for i in range(metrics, self._metrics):
            await self._outbox.say(ev="metric", i=i, name=self._roster.metrics[i])
        writers, self._writers = self._writers, len(self._roster.writers)
        for writer in self._roster.writers[writers : self._writers]:
            run = None if writer is None else self._roster.numbered[writer.run]
            if run is not None and self._interest.wants(run):
                if run.path not in self.told:
                    await self._tell(run)
                await self._outbox.say(ev="writer", **msgspec.to_builtins(writer))

    async def _tell(self, run: RunInfo) -> None:
        self.told[run.path] = (run.version, time.monotonic())
        await self._outbox.say(ev="run", run=run.told(self._keys_max))
