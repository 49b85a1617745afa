"""Runs that somebody asked to stop: who was asked, and until when that is shown.

Asked are the writers that live at that moment, by their ids: whoever resumes the run later is a writer that nobody
asked. It is a wish and no fact of the run, so it is not stored; the ack hash keeps it while the service restarts.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from runcast.names import ASIDE, run_path
from runcast.streams import shard_of
from runcast_ingest.broadcast import Broadcast
from runcast_ingest.persister import Persister
from runcast_ingest.states import RUNNING, States


class Stops:
    """Ask runs to stop."""

    def __init__(self, persister: Persister, states: States, broadcast: Broadcast) -> None:
        self._persister, self._states, self._broadcast = persister, states, broadcast
        self._asked: dict[str, AbstractSet[str]] = {}  # By path: the writers that were asked.

    def ask(self, path: str) -> int | None:
        """Ask those who write to a run; says how many they are, None when it is another service's run."""
        writers = self._states.alive(path)
        begun_as, _, _ = path.rpartition("/")[2].partition(ASIDE)  # A run that was set aside keeps its shard.
        shard = shard_of(run_path(path.rpartition("/")[0], begun_as))
        if not self._persister.ask_to_stop(shard, writers):
            return None
        if writers:
            self._asked[path] = writers
            self._broadcast.stop(path, True)
        return len(writers)

    def asked(self, path: str) -> bool:
        """Whether a run was asked to stop, and has not."""
        return path in self._asked

    def saw(self, path: str) -> None:
        """Take in that somebody wrote to a run: when only others than were asked do, it was resumed."""
        if (asked := self._asked.get(path)) and (alive := self._states.alive(path)) and not asked & alive:
            self._over(path)

    def changed(self, path: str, state: str) -> None:
        """Take in a run's state: one that has ended needs no asking."""
        if state != RUNNING and path in self._asked:
            self._over(path)

    def _over(self, path: str) -> None:
        del self._asked[path]
        self._broadcast.stop(path, False)
