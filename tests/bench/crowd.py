"""A hundred trainers, each a process that logs 10 metrics ten times a second, and one page that watches all of them.

`python -m tests.bench.crowd --trainer NAME SECONDS` is one of them.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from zlib import crc32

import redis
from tests.bench.figure import Figure, percentile, table
from tests.bench.place import resident_mb, service, start
from websockets.asyncio.client import connect

import runcast
from runcast import discovery
from runcast.frames import DELTA, Ack, Subscribe, format_request, parse_frame
from runcast.subscription import live_address

TRAINERS = 100
METRICS = 10
HZ = 10
SECONDS = 60.0
WARM_UP_SECONDS = 5.0


def trainer(name: str, seconds: float) -> None:
    """Log at a steady pace."""
    run = runcast.init(project="crowd", id=name)
    print("ready", flush=True)
    sys.stdin.readline()
    time.sleep(crc32(name.encode()) % 1000 / 1000 / HZ)  # Trainings do not march in step.
    begun = time.monotonic()
    for number in range(int(seconds * HZ)):
        run.log({f"metric/{metric}": number + metric / METRICS for metric in range(METRICS)})
        time.sleep(max(0.0, begun + (number + 1) / HZ - time.monotonic()))
    run.finish()


async def watch(url: str, until: float) -> list[tuple[float, float]]:
    """Take frames as a page does; when each row came, and how old it was in ms."""
    seen: list[tuple[float, float]] = []
    async with connect(live_address(url), compression=None, max_size=None, proxy=None) as line:
        await line.send(format_request(Subscribe("crowd", px=400)))
        with suppress(TimeoutError):
            async with asyncio.timeout(until - time.monotonic()):
                async for message in line:
                    if isinstance(message, str):
                        continue
                    now, at = time.time(), time.monotonic()
                    frame = parse_frame(message)
                    await line.send(format_request(Ack(frame.seq)))
                    if frame.kind == DELTA:
                        seen += [(at, 1000 * now - ms) for points in frame.points for ms in points.times_ms]
    return seen


def measure(*, quick: bool) -> list[Figure]:
    """Measure."""
    count, seconds = (20, 10.0) if quick else (TRAINERS, SECONDS)
    with service("--dashboard") as running:
        found = discovery.read(running.directory)
        assert found is not None
        place = {"RUNCAST_DIR": str(running.directory)}
        trainers = []
        for number in range(count):
            trainers.append(start("tests.bench.crowd", "--trainer", f"run-{number:03d}", seconds, **place))
            if number % 10 == 9:  # Two cores start ten interpreters a second and a half.
                for process in trainers[-10:]:
                    assert process.stdout is not None
                    process.stdout.readline()
        begun = time.monotonic()
        for process in trainers:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        seen = asyncio.run(watch(found.url, begun + seconds + 1.0))
        memory = resident_mb(found.pid)
        with redis.Redis.from_url(found.redis) as client:
            streams = int(client.info("memory")["used_memory"]) / 1e6
        client_mb = resident_mb(trainers[0].pid) if trainers[0].poll() is None else 0.0
        for process in trainers:
            process.communicate()
        rows = stored_rows(running.directory / "runcast.db")
    ages = [age for at, age in seen if at - begun > WARM_UP_SECONDS]
    wanted = count * int(seconds * HZ)
    how = f"{count} processes × {METRICS} metrics × {HZ} Hz for {seconds:.0f} s"
    return [
        Figure("log() to websocket under a crowd, p50", percentile(ages, 0.5), "ms", note=how),
        Figure("log() to websocket under a crowd, p99", percentile(ages, 0.99), "ms", 100, note=f"{len(ages)} rows"),
        Figure("rows of the crowd not stored", wanted - rows, "rows", 0, note=f"{rows} of {wanted}"),
        Figure("service with dashboard, memory", memory, "MB", 400, note="at the end, resident"),
        Figure("Redis, memory", streams, "MB", note="at the end; one minute is kept"),
        Figure("a trainer's memory", client_mb, "MB", note="resident, with Python"),
    ]


def stored_rows(database: Path) -> int:
    """Count the rows that are stored."""
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=30)) as db:
        return int(db.execute("SELECT sum(rows) FROM run").fetchone()[0])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--trainer"]:
        trainer(sys.argv[2], float(sys.argv[3]))
    else:
        print(table(measure(quick="--quick" in sys.argv)))
