"""How far a session is with each run that it streams, and its place behind that in the hub."""

from __future__ import annotations

from msgspec import Struct

from runcast_ingest.hub import Watch
from runcast_ingest.picture import Choice
from runcast_ingest.roster import Roster, RunInfo


class Reach(Struct):
    """How far a session is with one run: the metrics it streams, and by writer the last sequence accounted for.

    `elders` are those of the run when it was drawn: a run that began from another one may get them later.
    """

    choice: Choice
    sent: dict[str, int]
    elders: frozenset[str]


class Reaches:
    """The runs that are streamed, by path."""

    def __init__(self, roster: Roster, watch: Watch) -> None:
        self._roster, self._watch = roster, watch
        self._held: dict[str, Reach] = {}

    def __len__(self) -> int:
        """How many runs are streamed."""
        return len(self._held)

    def paths(self) -> list[str]:
        """List what is streamed."""
        return list(self._held)

    def get(self, path: str) -> Reach | None:
        """Give how far the session is with a run; None while it is not streamed."""
        return self._held.get(path)

    def follow(self, run: RunInfo, reach: Reach) -> None:
        """Go on from where a run's stream stands, unless the roster retired the run while that was found out."""
        if self._roster.runs.get(run.path) is run:
            self._held[run.path] = reach
            self._watch.follow(run.path)

    def lose(self, path: str) -> None:
        """Stream a run no more."""
        if self._held.pop(path, None) is not None:
            self._watch.leave(path)
