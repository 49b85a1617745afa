"""How long after `log()` a subscriber of the live websocket is told an alert that a rule says, stored by then.

A training logs a value beyond the limit of one rule after the other, for a rule speaks once in a minute. An alert has
the time of its row, which is that of `log()`; the clock is the same machine's.
"""

from __future__ import annotations

import asyncio
import json
import time

from tests.bench.figure import Figure, percentile, table
from tests.bench.place import run_python, service
from tests.flow.running import Running
from websockets.asyncio.client import connect

from runcast.frames import Subscribe, format_request
from runcast.rules import RULES_MAX
from runcast.service import rules_path

TARGET_MS = 1000
PROGRAM = """
import sys, time, runcast
run = runcast.init(project="bench", id="watched")
for at in range(int(sys.argv[1])):
    time.sleep(0.1)
    run.log({f"m{at}": 2.0})
run.finish()
"""


async def _watched(running: Running, count: int) -> list[float]:
    """Train, and take the milliseconds from each `log()` to its alert."""
    late: list[float] = []
    async with connect(running.api.url.replace("http", "ws") + "/live") as socket:
        await socket.send(format_request(Subscribe("bench", metrics=(), history=False)))
        training = asyncio.create_task(
            asyncio.to_thread(run_python, PROGRAM, str(count), RUNCAST_DIR=str(running.directory))
        )
        async with asyncio.timeout(120):
            async for message in socket:
                found = json.loads(message) if isinstance(message, str) else {}
                if found.get("ev") == "alert":
                    late.append(1000 * time.time() - found["time_ms"])
                if len(late) == count:
                    break
        await training
    return late


def measure(*, quick: bool) -> list[Figure]:
    """Measure."""
    count = 10 if quick else RULES_MAX - 2  # Two rules every project has.
    with service() as running:
        for at in range(count):
            running.api.post(rules_path("bench"), {"text": f"m{at} > 1"})
        late = asyncio.run(_watched(running, count))
    how = f"{count} rules, each broken once, 10 rows a second; stored before it is told"
    return [
        Figure("log() to alert at a subscriber, p50", percentile(late, 0.5), "ms", TARGET_MS, note=how),
        Figure("log() to alert at a subscriber, the latest", max(late), "ms", TARGET_MS, note=how),
    ]


if __name__ == "__main__":
    print(table(measure(quick=False)))
