"""Whether a run lives: what its writers said, and for how long they have been silent.

The rules are pure. `States` keeps when each writer was last heard of, and asks once a second; it knows neither
Redis nor SQLite, and changes go out through one call. It remembers only runs that somebody was heard of lately.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping

from msgspec import Struct

from runcast.errors import StoreUnavailable
from runcast.events import Finish, Start
from runcast.names import ASIDE
from runcast_ingest.batch import Batch

log = logging.getLogger(__name__)

RUNNING, FINISHED, FAILED, CRASHED = "running", "finished", "failed", "crashed"
UNASKED = ""  # Somebody was heard of whose run we do not know: the store may hold it for crashed.
SILENCE_SECONDS = 20.0  # A writer beats every few seconds; a pause for garbage or a checkpoint is shorter.
CHECK_SECONDS = 1.0


class End(Struct, frozen=True):
    """How one writer stands: whether it ended, and with which exit code; None: it died without a word.

    `began` and `spoke` are the times of its first and its last event, by its own clock.
    """

    ended: bool
    exit_code: int | None
    label: str = ""
    began: int = 0
    spoke: int = 1


def counting(ends: Iterable[End]) -> list[End]:
    """Leave out writers for whom another went on: under the same label, and after they had said their last.

    So a rank that its launcher began again counts for the one that died. `ends` are in the order in which they came.
    """
    every = list(ends)
    latest = {end.label: end for end in every}
    return [end for end in every if end is latest[end.label] or end.spoke > latest[end.label].began]


def state_of(ends: Iterable[End]) -> str:
    """Judge a run by its writers: it runs while one of them does, and the worst end counts."""
    worst = FINISHED
    for end in counting(ends):
        if not end.ended:
            return RUNNING
        if end.exit_code is None:
            worst = CRASHED
        elif end.exit_code != 0 and worst != CRASHED:
            worst = FAILED
    return worst


class _Life(Struct):
    state: str
    heard: dict[str, float]  # By writer that has not ended, on our monotonic clock.
    labelled: dict[str, str] = {}  # By label: who began under it last.


class States:
    """Watch over the runs that live.

    `change(path, state)` stores a state and is awaited before the next check; what it cannot store now, which it says
    by StoreUnavailable, is due again.
    """

    def __init__(
        self, change: Callable[[str, str], Awaitable[None]], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._change = change
        self._clock = clock
        self._lives: dict[str, _Life] = {}
        self._homes: dict[str, str] = {}  # By writer that lives: the path of its run, where that was set aside.
        self._deaf = False

    def __len__(self) -> int:
        """How many runs are remembered."""
        return len(self._lives)

    def begin(self, path: str, writers: Mapping[str, str]) -> None:
        """Take up a run that the store holds for running, after a start of the service: its silence counts from now.

        `writers` are those that have not ended, each with its label.
        """
        now = self._clock()
        labelled = {label: writer for writer, label in writers.items()}
        self._lives[path] = _Life(RUNNING, dict.fromkeys(writers, now), labelled)
        if ASIDE in path.rpartition("/")[2]:
            self._homes |= dict.fromkeys(writers, path)

    def replaced(self, path: str, aside: str, writers: Iterable[str]) -> None:
        """Take in that another run has a run's path: `writers`, who have not ended, write to the path `aside`."""
        heard = dict.fromkeys(writers, self._clock())
        if (life := self._lives.get(path)) is not None:
            for writer in heard:
                life.heard.pop(writer, None)
        if heard:
            self._lives[aside] = _Life(RUNNING, heard)
            self._homes |= dict.fromkeys(heard, aside)

    def heard(self, path: str, writer: str) -> None:
        """Note a sign of life: a beat or a batch."""
        path = self._homes.get(writer, path)
        life = self._lives.get(path)
        if life is None:
            life = self._lives[path] = _Life(UNASKED, {})
        life.heard[writer] = self._clock()

    def saw(self, batch: Batch) -> None:
        """Note a batch: a sign of life, maybe a writer's first word, maybe its last."""
        self.heard(batch.path, batch.writer)
        for item in batch.items:
            if isinstance(item, Start):
                self._began(batch.path, batch.writer, item.label)
            elif isinstance(item, Finish):
                self.ended(batch.path, batch.writer)

    def _began(self, path: str, writer: str, label: str) -> None:
        """Listen no more for the one that it goes on for; should that one live after all, its next beat is heard."""
        life = self._lives[self._homes.get(writer, path)]
        before = life.labelled.get(label)
        if before is not None and before != writer:
            life.heard.pop(before, None)
        life.labelled[label] = writer

    def alive(self, path: str) -> set[str]:
        """Name a run's writers that were heard of and have not ended."""
        life = self._lives.get(path)
        return set(life.heard) if life is not None else set()

    def ended(self, path: str, writer: str) -> None:
        """Note a writer's last word: its silence means nothing from now on."""
        life = self._lives.get(self._homes.pop(writer, path))
        if life is not None:
            life.heard.pop(writer, None)

    def committed(self, path: str, state: str) -> None:
        """Take over the state that the store has: by a Start or a Finish, or because we said so."""
        if state != RUNNING:
            # Forgotten: whoever is heard of again makes us ask.
            if (life := self._lives.pop(path, None)) is not None:
                for writer in life.heard:
                    self._homes.pop(writer, None)
        elif (life := self._lives.get(path)) is not None:
            life.state = state

    def deaf(self, since: bool) -> None:
        """Say that nobody can be heard, because Redis is away; after it, everybody gets their time again."""
        if self._deaf and not since:
            now = self._clock()
            for life in self._lives.values():
                life.heard = dict.fromkeys(life.heard, now)
        self._deaf = since

    def due(self) -> list[tuple[str, str]]:
        """Say which runs changed: fell silent, or were heard again."""
        if self._deaf:
            return []
        now = self._clock()
        changes: list[tuple[str, str]] = []
        for path, life in list(self._lives.items()):
            if not life.heard:
                del self._lives[path]  # All had their last word; the store says how it ended.
                continue
            alive = any(now - heard <= SILENCE_SECONDS for heard in life.heard.values())
            if alive and life.state != RUNNING:
                changes.append((path, RUNNING))
            elif not alive:
                changes.append((path, CRASHED))
        return changes

    async def run(self) -> None:
        """Check every second, for as long as the service lives."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            for path, state in self.due():
                try:
                    await self._change(path, state)
                except StoreUnavailable as error:
                    log.error("%s; trying again", error)
                else:
                    self.committed(path, state)
