"""Watch a project from a thread, as any subscriber would, and measure how long rows are on their way."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from types import TracebackType

from runcast.errors import LiveRefused, ServerMissing
from runcast.service import Service
from runcast.subscription import Row, subscribe


class Watch:
    """A live subscription for as long as the block lasts; latencies are from `log` to this process's hands."""

    def __init__(self, service: Service, project: str) -> None:
        self.rows = 0
        self._service, self._project = service, project
        self._waits_ms: dict[str, list[float]] = {}
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="runcast-watch", daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop)
        self._thread.join()
        self._loop.close()

    @property
    def rows_max(self) -> int:
        """How many rows came of the run that logged most."""
        return max(map(len, list(self._waits_ms.values())), default=0)

    def percentiles(self, run: str) -> tuple[str, str]:
        """Say the median and the 99th percentile of a run's latencies, in ms."""
        waits = sorted(self._waits_ms.get(run, ()))
        if not waits:
            return "–", "–"
        return f"{_share(waits, 0.5):.1f}", f"{_share(waits, 0.99):.1f}"

    def _run(self) -> None:
        self._task = self._loop.create_task(self._watch())
        self._loop.run_until_complete(asyncio.wait([self._task]))

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _watch(self) -> None:
        updates = subscribe(self._project, url=self._service.url, token=self._service.token, from_now=True)
        try:
            async for update in updates:
                # A row without anything of the program's own is a sample of the machine.
                if isinstance(update, Row) and not all(key.startswith("_") for key in update.values):
                    self.rows += 1
                    self._waits_ms.setdefault(update.run, []).append((time.time() - update.time) * 1000)
        except (ServerMissing, LiveRefused):
            return  # The comparison does not need it, and the table says that nothing was seen.


def _share(ordered: list[float], share: float) -> float:
    """Give the smallest value that this share of them does not exceed."""
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]
