"""From `log()` to a subscriber's hands on an idle machine: both ends are processes of their own.

`python -m tests.bench.latency --trainer ROWS` is the one that logs.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time

import redis
from tests.bench.figure import Figure, percentile, table
from tests.bench.place import service, start

import runcast
from runcast import discovery
from runcast.subscription import Row

PACE_SECONDS = 0.02
WARM_UP_ROWS = 50


def trainer(rows: int) -> None:
    """Log a row now and then."""
    run = runcast.init(project="bench", id="paced")
    for number in range(rows + WARM_UP_ROWS):
        run.log({"loss": number * 0.5, "acc": number * 0.1})
        time.sleep(PACE_SECONDS)
    run.finish()


async def follow(url: str, rows: int) -> list[float]:
    """Take rows as they come; how old each is, in ms."""
    ages: list[float] = []
    async for update in runcast.subscribe("bench", url=url, from_now=True):
        if isinstance(update, Row):
            ages.append(1000 * (time.time() - update.time))
            if update.step >= rows + WARM_UP_ROWS - 1:
                break
    return ages[WARM_UP_ROWS:]


def raw_redis(url: str, times: int) -> list[float]:
    """Time an XADD until another connection's blocked XREAD has it, in ms."""
    ages: list[float] = []
    with redis.Redis.from_url(url, protocol=3, legacy_responses=False) as client:

        def read() -> None:
            last = "$"
            with redis.Redis.from_url(url, protocol=3, legacy_responses=False) as reader:
                while len(ages) < times:
                    for entries in (reader.xread({"raw": last}, block=2000) or {}).values():
                        for last_, fields in entries:
                            last = last_
                            ages.append(1000 * (time.time() - float(fields[b"t"])))

        thread = threading.Thread(target=read)
        thread.start()
        time.sleep(0.2)
        while thread.is_alive():
            client.xadd("raw", {"t": repr(time.time())})
            time.sleep(0.005)
        client.delete("raw")
    return ages


def measure(*, quick: bool) -> list[Figure]:
    """Measure."""
    rows = 100 if quick else 750
    with service() as running:
        found = discovery.read(running.directory)
        assert found is not None
        raw = raw_redis(found.redis, 200)
        process = start("tests.bench.latency", "--trainer", rows, RUNCAST_DIR=str(running.directory))
        ages = asyncio.run(asyncio.wait_for(follow(found.url, rows), 120))
        process.communicate()
    return [
        Figure(
            "log() to a subscriber's hands, p50",
            percentile(ages, 0.5),
            "ms",
            5,
            percentile(raw, 0.5),
            "XADD to blocked XREAD",
            note=f"{len(ages)} rows, one each 20 ms",
        ),
        Figure(
            "log() to a subscriber's hands, p99",
            percentile(ages, 0.99),
            "ms",
            20,
            percentile(raw, 0.99),
            "XADD to blocked XREAD",
        ),
    ]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--trainer"]:
        trainer(int(sys.argv[2]))
    else:
        print(table(measure(quick="--quick" in sys.argv)))
