"""Where everything around a run goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from runcast import events


class Place(Protocol):
    """A run, as its surroundings see it. No call raises, and none does anything after the run's end."""

    def tell(self, event: events.Event) -> None:
        """Add an event."""

    def sample(self, number: int, values: Mapping[str, float]) -> None:
        """Add a sample of the machine."""

    def keep(self, name: str, data: bytes) -> bool:
        """Add a file; says whether it is kept."""
