"""What the thread around a run does: collect the facts, tell them, and then sample the machine until the end.

Loaded by that thread, not by `import runcast`: what asks Git and the machine takes a while to load.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from threading import Event
from typing import Any

from runcast import events
from runcast.surroundings import facts
from runcast.surroundings.facts import Process
from runcast.surroundings.git import Git
from runcast.surroundings.machine import machine
from runcast.surroundings.place import Place
from runcast.surroundings.sampler import Sampler, Source, gpus
from runcast.surroundings.wanted import Wanted

DIFF = "diff.patch"  # As W&B calls the file.


class Background:
    """One run's facts and samples; `work` is the body of the thread."""

    def __init__(self, place: Place, wanted: Wanted, process: Process, stopping: Event) -> None:
        self._place, self._wanted, self._process, self._stopping = place, wanted, process, stopping
        launch = process.launch
        self._first = launch is None or launch.rank == 0
        self._first_here = launch is None or launch.local_rank == 0
        # The machine of the first rank is the run's; others stand beside it under their rank.
        self._system = "system" if launch is None or self._first else f"system.{launch.label}"
        self.sampler: Sampler | None = None

    def work(self) -> None:
        """Collect, tell, and sample; each part by itself, for none depends on another."""
        for part in (self._program, self._git, self._machine):
            with suppress(Exception):  # What cannot be known is left out; a training never hears of it.
                part()
        if self.sampler is not None:
            self.sampler.run()

    def _describe(self, values: Mapping[str, Any]) -> None:
        told = {name: value for name, value in values.items() if value}
        if told:
            self._place.tell(events.Describe(time.time_ns(), told))

    def _program(self) -> None:
        if not self._wanted.facts or not self._first:
            return
        process = self._process
        self._describe(
            {
                "command": facts.command(process),
                "interpreter": facts.interpreter(),
                "job": facts.job(process.launch),
                "environment": facts.variables(process.environ),
                "packages": facts.packages(process.path),
            }
        )

    def _git(self) -> None:
        if not self._wanted.git or not self._first:
            return
        git = Git(self._process.folder, self._process.environ)
        known = git.facts()
        if known.get("dirty") and self._wanted.code:
            patch, cut = git.diff()
            if patch and self._place.keep(DIFF, patch):
                known |= {"diff": DIFF} | ({"diff_cut": True} if cut else {})
        self._describe({"git": known})

    def _machine(self) -> None:
        if not self._first_here:
            return
        # Who ends at once needs no GPUs, and would wait for their driver.
        found = gpus() if (self._wanted.facts or self._wanted.samples) and not self._stopping.is_set() else []
        if self._wanted.facts:
            described: list[Mapping[str, Any]] = []
            for gpu in found:
                with suppress(Exception):
                    described += gpu.describe()
            self._describe({self._system: facts.system(described)})
        if self._wanted.samples:
            sources: list[Source] = [*found]
            with suppress(ImportError):
                sources.insert(0, machine())
            self.sampler = Sampler(
                sources, self._place.sample, self._stopping, every_seconds=self._wanted.every_seconds
            )
