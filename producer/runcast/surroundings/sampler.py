"""Take a sample of the machine every few seconds, and never more often than a thousandth of a core pays for.

It knows no run: samples go out through one call. What fails once is left out from then on; a sampler without
anything to read ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from threading import Event
from typing import Any, Protocol

from runcast.names import SYSTEM
from runcast.surroundings.amd import Amd
from runcast.surroundings.apple import Apple
from runcast.surroundings.nvidia import Nvidia

FIRST_SECONDS = 1.0  # Whoever looks at a run that has just begun sees how its machine does.
SHARE_MAX = 0.0005  # Of a core: half of what is promised; the other half is for what else surrounds a run.
FAILURES_MAX = 3  # In sequence: a GPU that fell off the bus does not come back.


class Source(Protocol):
    """Something that can be sampled."""

    def read(self) -> dict[str, float]:
        """Take one sample: values by name, below the prefix."""


def gpus() -> list[Any]:
    """Find the GPUs of this machine, of whatever make."""
    found: list[Any] = []
    for kind in (Nvidia, Amd, Apple):
        try:
            found.append(kind())
        except Exception:  # noqa: S112  # Each library says in its own way that there are none.
            continue
    return found


class Sampler:
    """Samples until it is told to stop; `run` is the body of a thread."""

    def __init__(
        self,
        sources: list[Source],
        put: Callable[[int, Mapping[str, float]], None],
        stopping: Event,
        *,
        every_seconds: float,
        clock: Callable[[], float] = time.thread_time,
    ) -> None:
        self._sources = dict.fromkeys(sources, 0)
        self._put, self._stopping, self._every, self._clock = put, stopping, every_seconds, clock
        self.samples = 0
        self.cpu_seconds = 0.0  # What the samples cost.

    def run(self) -> None:
        """Sample soon after the start, then at every interval, and once at the end, so that a short run has some."""
        pause = min(FIRST_SECONDS, self._every)
        while self._sources:
            stopped = self._stopping.wait(pause)
            cost = self.sample()
            if stopped:
                return
            pause = max(self._every, cost / SHARE_MAX)

    def sample(self) -> float:
        """Take one sample; returns the seconds of CPU that it took."""
        began = self._clock()
        values: dict[str, float] = {}
        for source, failures in list(self._sources.items()):
            try:
                values |= source.read()
                self._sources[source] = 0
            except Exception:  # Whatever a driver does, the training must not hear of it.
                self._sources[source] = failures + 1
                if failures + 1 >= FAILURES_MAX:
                    del self._sources[source]
        if values:
            self._put(self.samples, {f"{SYSTEM}{name}": value for name, value in values.items()})
            self.samples += 1
        cost = self._clock() - began
        self.cpu_seconds += cost
        return cost
