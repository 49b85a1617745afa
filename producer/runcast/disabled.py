"""A run that goes nowhere: `mode="disabled"` takes the same calls, checks them as ever, and keeps nothing."""

from __future__ import annotations

from collections.abc import Iterable

from runcast.blocks import Block
from runcast.events import Event
from runcast.journal import Journal, Shape
from runcast.sender import Sender
from runcast.window import Window


class NoJournal(Journal):
    """A journal without a file."""

    def __init__(self) -> None:
        self.sequence = self.durable = self.segment = self.end = self.lost = 0

    def shape(self, names: tuple[str, ...], kinds: str) -> Shape:
        """Make a shape that nothing will be written in."""
        return Shape(0, names, kinds)

    def row(self, shape: Shape, step: int, time_ns: int, values: Iterable[float]) -> bytes:
        """Check that the values are numbers, and keep nothing."""
        return bytes(shape.pack(0, 0, step, time_ns, *values))

    def event(self, event: Event | Block) -> bool:
        """Forget an event."""
        del event
        return True

    def settle(self) -> bool:
        """Nothing waits."""
        return True

    def remove(self) -> None:
        """Nothing was kept: the folder that a disabled run names is everybody's."""

    def close(self) -> None:
        """Nothing is open."""

    def forget(self) -> None:
        """Nothing is open."""


class NoSender(Sender):
    """A sender without a thread."""

    def __init__(self) -> None:
        self.window, self.asleep, self.url, self.failures, self.refused = Window(), False, None, 0, None

    def start(self) -> None:
        """Nothing to start."""

    def nudge(self) -> None:
        """Nothing to wake."""

    def stop(self, timeout: float = 5.0) -> None:
        """Nothing to stop."""
