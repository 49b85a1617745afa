"""How many points a second go from `log()` to the store, counted when the last row is stored, each row once.

Eight processes log as fast as they can. `python -m tests.bench.sustained --trainer …` is one of them.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import redis
from tests.bench.figure import Figure, table
from tests.bench.place import service, start

import runcast
from runcast import discovery
from runcast_ingest.store import Store

PROCESSES = 8
NARROW = (50_000, 2)  # Rows of each process, and metrics of a row.
WIDE = (2_000, 1000)
ENTRY_BYTES = 64 * 1024
WARM_UP_SECONDS = 2.0  # Eight interpreters at once take that long to load the way to Redis.


def trainer(name: str, rows: int, keys: int) -> None:
    """Log, when told to."""
    run = runcast.init(project="bench", id=name)
    row = {f"metric/{key}": 0.5 * key for key in range(keys)}
    time.sleep(WARM_UP_SECONDS)
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(rows):
        row["metric/0"] = float(number)
        run.log(row)
    print("logged", flush=True)
    run.finish()


def sustain(rows: int, keys: int) -> tuple[float, float, list[str]]:
    """Run the trainers; points a second to the journals and to the store, and what is wrong with what is stored."""
    with service() as running:
        names = [f"run-{number}" for number in range(PROCESSES)]
        trainers = [
            start("tests.bench.sustained", "--trainer", name, rows, keys, RUNCAST_DIR=str(running.directory))
            for name in names
        ]
        for process in trainers:
            assert process.stdout is not None
            process.stdout.readline()
        begun = time.perf_counter()
        for process in trainers:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in trainers:
            assert process.stdout is not None
            process.stdout.readline()
        logged = time.perf_counter() - begun
        _wait_stored(running.directory / "runcast.db", PROCESSES * rows, begun)
        stored = time.perf_counter() - begun
        for process in trainers:
            process.communicate()
        problems = asyncio.run(_check(running.directory / "runcast.db", names, rows))
    points = PROCESSES * rows * keys
    return points / logged, points / stored, problems


def _wait_stored(database: Path, rows: int, begun: float) -> None:
    """Wait until the store has so many rows: what a commit has made true."""
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=30)) as db:
        while (db.execute("SELECT coalesce(sum(rows), 0) FROM run").fetchone()[0]) < rows:
            if time.perf_counter() - begun > 300:
                raise AssertionError("not everything was stored within 300 s")
            time.sleep(0.005)


async def _check(database: Path, names: list[str], rows: int) -> list[str]:
    problems = []
    async with Store.open(database) as store:
        for name in names:
            run = await store.run("bench", name)
            assert run is not None
            view = await store.view(run.key, ["metric/0"])
            if not np.array_equal(view.curves[0].values, np.arange(rows)):
                problems.append(f"{name}: stored is not what was logged")
    return problems


def raw_xadd(seconds: float) -> float:
    """Count the bytes a second that one pipelined connection adds to a stream, in entries like ours."""
    with service() as running:
        found = discovery.read(running.directory)
        assert found is not None
        with redis.Redis.from_url(found.redis) as client:
            data, sent, begun = bytes(ENTRY_BYTES), 0, time.perf_counter()
            while time.perf_counter() - begun < seconds:
                pipe = client.pipeline(transaction=False)
                for _ in range(16):
                    pipe.xadd("raw", {"d": data}, maxlen=500, approximate=True)
                pipe.execute()
                sent += 16 * len(data)
            return sent / (time.perf_counter() - begun)


def raw_sqlite(rows: int) -> float:
    """Count the rows a second that bare SQLite inserts, one for each logged row, 5000 in a transaction."""
    with tempfile.TemporaryDirectory(prefix="rcb-") as folder, closing(sqlite3.connect(Path(folder) / "raw.db")) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE row(run INTEGER, step INTEGER, time INTEGER, a REAL, b REAL)")
        begun = time.perf_counter()
        for first in range(0, rows, 5000):
            with db:
                db.executemany(
                    "INSERT INTO row VALUES(1, ?, ?, ?, ?)", [(at, at, 0.5, 0.25) for at in range(first, first + 5000)]
                )
        return rows / (time.perf_counter() - begun)


def measure(*, quick: bool) -> list[Figure]:
    """Measure."""
    share = 10 if quick else 1
    narrow_logged, narrow, narrow_problems = sustain(NARROW[0] // share, NARROW[1])
    wide_logged, wide, wide_problems = sustain(WIDE[0] // share, WIDE[1])
    sqlite = 2 * raw_sqlite(100_000)
    xadd = raw_xadd(0.5) / 8
    problems = narrow_problems + wide_problems
    return [
        Figure(
            "logged to stored, 2 metrics a row",
            narrow,
            "points/s",
            1e6,
            sqlite,
            "SQLite, a row each",
            True,
            f"{PROCESSES} processes × {NARROW[0] // share} rows; logged at {narrow_logged / 1e6:.2f} M points/s",
        ),
        Figure(
            "logged to stored, 1000 metrics a row",
            wide,
            "points/s",
            5e6,
            xadd,
            "XADD of 8 B a point",
            True,
            f"{PROCESSES} processes × {WIDE[0] // share} rows; logged at {wide_logged / 1e6:.2f} M points/s",
        ),
        Figure(
            "lost or doubled meanwhile", len(problems), "runs", 0, note="; ".join(problems[:2]) or "every row compared"
        ),
    ]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--trainer"]:
        trainer(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        print(table(measure(quick="--quick" in sys.argv)))
