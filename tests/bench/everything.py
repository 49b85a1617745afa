"""What `log()` costs with everything switched on, in eight ranks of one run at once; and what W&B's client costs there.

Both run the same program: samples of the machine, console, Git and packages on, eight processes on this machine's
cores. Ours has a service that takes everything while it goes on; theirs is offline, and only writes its file.
W&B's client is installed into a virtual environment of its own, under the temporary folder, the first time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench.figure import Figure, percentile, table
from tests.bench.place import service
from tests.flow.running import environment

WORLD = 8
CALLS = 3000
PAUSE_SECONDS = 0.01  # 8 ranks × 100 rows a second: what a busy training logs, and two cores can bear.
OFFICIAL = "0.31.0"
ON = {"RUNCAST_SYSTEM": "1", "RUNCAST_META": "1", "RUNCAST_GIT": "1", "RUNCAST_CONSOLE": "wrap"}

OFFLINE = {"WANDB_MODE": "offline", "WANDB_SILENT": "true"}

PROGRAM = """
import importlib, json, sys, time
from time import perf_counter_ns
module, calls, pause, said = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
began = perf_counter_ns()
wandb = importlib.import_module(module)
imported = perf_counter_ns()
run = wandb.init(project="everything", config={"lr": 0.1})
begun = perf_counter_ns()
row, taken = {"loss": 0.5, "accuracy": 0.25}, []
time.sleep(2)  # What loads in the background has loaded.
for n in range(calls):
    row["loss"] = n * 0.5
    at = perf_counter_ns()
    run.log(row)
    taken.append(perf_counter_ns() - at)
    if n % 10 == 0:
        print("step", n)
        sys.stderr.write(f"\\r{n} of {calls}")
    time.sleep(pause)
ended = perf_counter_ns()
run.finish()
with open(said, "w") as file:
    json.dump([imported - began, begun - imported, perf_counter_ns() - ended, taken], file)
"""


@dataclass(frozen=True)
class Costs:
    """What a client costs: medians over the ranks in ms, and calls of all ranks in µs."""

    import_ms: float
    init_ms: float
    finish_ms: float
    calls_us: list[float]


def official() -> str | None:
    """Give a Python that has W&B's client; None where it cannot be installed."""
    folder = Path(tempfile.gettempdir()) / f"runcast-bench-wandb-{OFFICIAL}"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        commands = (
            [sys.executable, "-m", "venv", str(folder)],
            [str(python), "-m", "pip", "install", "--quiet", f"wandb=={OFFICIAL}", "psutil"],
        )
        for command in commands:
            if subprocess.run(command, check=False).returncode:
                print(f"W&B's client cannot be installed here: {' '.join(command)}", file=sys.stderr)
                return None
        (folder / "ready").touch()
    return str(python)


def job(python: str, module: str, calls: int, environ: Mapping[str, str], *, world: int = WORLD) -> Costs:
    """Start all ranks at once, and collect what each measured."""
    with tempfile.TemporaryDirectory(prefix="rcb-") as folder:
        ranks = []
        for rank in range(world):
            said, own = Path(folder) / f"{rank}.json", Path(folder) / str(rank)
            own.mkdir()
            given = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(world)} if world > 1 else {}
            given |= {"LOCAL_WORLD_SIZE": str(world)} if world > 1 else {}
            ranks.append(
                subprocess.Popen(
                    [python, "-c", PROGRAM, module, str(calls), str(PAUSE_SECONDS), str(said)],
                    env=environment(**given, **environ) | {"WANDB_DIR": str(own), "WANDB_CACHE_DIR": str(own)},
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
        for one in ranks:
            if one.wait(600):
                raise RuntimeError(f"a rank of {module} ended with {one.returncode}")
        told = [json.loads((Path(folder) / f"{rank}.json").read_text()) for rank in range(world)]
    import_ms, init_ms, finish_ms = (percentile([each[at] / 1e6 for each in told], 0.5) for at in range(3))
    return Costs(import_ms, init_ms, finish_ms, [ns / 1000 for each in told for ns in each[3]])


def cheaper(ours: Costs, theirs: Costs | None, share: float) -> str:
    """Say how many times cheaper ours is."""
    if theirs is None:
        return ""
    return f"{percentile(theirs.calls_us, share) / percentile(ours.calls_us, share):.0f} times cheaper than theirs"


def measure(*, quick: bool) -> list[Figure]:
    """Measure."""
    calls = CALLS // (6 if quick else 1)
    with service() as running:
        place = {"RUNCAST_DIR": str(running.directory), "RUNCAST_SILENT": "1"}
        ours = job(sys.executable, "runcast", calls, place | ON)
        alone = job(sys.executable, "runcast", 1, place | ON, world=1)
    python = official()
    theirs = job(python, "wandb", calls, OFFLINE) if python else None
    theirs_alone = job(python, "wandb", 1, OFFLINE, world=1) if python else None
    name = f"W&B {OFFICIAL}, offline"
    note = f"{WORLD} ranks at {1 / PAUSE_SECONDS:.0f} Hz, {WORLD * calls} calls"

    def beside(what: str, mine: float, other: float | None, unit: str, target: float | None, note: str = "") -> Figure:
        return Figure(what, mine, unit, target, limit=other, limit_name=name, note=note)

    figures = [
        beside(
            f"everything on, log() {label}",
            percentile(ours.calls_us, share),
            percentile(theirs.calls_us, share) if theirs else None,
            "µs",
            None,
            ", ".join(filter(None, [note if share == 0.5 else "", cheaper(ours, theirs, share)])),
        )
        for label, share in (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999))
    ]
    return [
        *figures,
        beside("import", alone.import_ms, theirs_alone.import_ms if theirs_alone else None, "ms", 100, "one process"),
        beside("init()", alone.init_ms, theirs_alone.init_ms if theirs_alone else None, "ms", 50, "one process"),
        beside("init() of 8 ranks at once", ours.init_ms, theirs.init_ms if theirs else None, "ms", None, "median"),
        beside(
            "finish() of 8 ranks at once",
            ours.finish_ms,
            theirs.finish_ms if theirs else None,
            "ms",
            None,
            "all stored",
        ),
    ]


if __name__ == "__main__":
    print(table(measure(quick="--quick" in sys.argv)))
    print(f"load {os.getloadavg()[0]:.1f}")
