"""What Runcast weighs: time to import, time to begin, memory of a client, bytes of the base install."""

from __future__ import annotations

import re
import tempfile
from importlib.metadata import distribution, requires
from pathlib import Path

from tests.bench.figure import Figure, percentile, table
from tests.bench.place import run_python

RESIDENT = """
from pathlib import Path
print(next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")))
"""
IMPORT = """
import time; begun = time.perf_counter()
import runcast
print(time.perf_counter() - begun)
"""
INIT = """
import time, runcast
begun = time.perf_counter()
run = runcast.init(project="bench")
print(time.perf_counter() - begun)
run.finish()
"""
USE = """
import runcast
run = runcast.init(project="bench")
for n in range(50_000):
    run.log({"loss": n * 0.5, "acc": n * 0.1})
"""
OURS = "producer"  # The base install is the client; service and dashboard come with it as a few hundred kB of source.


def install_bytes() -> int:
    """Add up the files of the client and of everything that the base install needs."""
    total = sum(path.stat().st_size for path in Path("producer", "runcast").rglob("*.py"))
    total += sum(path.stat().st_size for path in Path("ingest").rglob("*.py"))
    total += sum(
        path.stat().st_size for path in Path("dashboard").rglob("*") if path.is_file() and path.suffix != ".pyc"
    )
    needed = [
        re.split(r"[<>=;\s\[]", line, maxsplit=1)[0] for line in requires("runcast") or [] if "extra ==" not in line
    ]
    for name in needed:
        found = distribution(name)
        total += sum(
            path.stat().st_size
            for file in found.files or []
            if "__pycache__" not in str(file) and (path := Path(str(found.locate_file(file)))).is_file()
        )
    return total


def measure(*, quick: bool) -> list[Figure]:
    """Measure."""
    times = 5 if quick else 15
    with tempfile.TemporaryDirectory(prefix="rcb-") as folder:
        place = {"RUNCAST_DIR": folder, "RUNCAST_SILENT": "1", "RUNCAST_MODE": "online"}
        imports = [1000 * float(run_python(IMPORT)) for _ in range(times)]
        inits = [1000 * float(run_python(INIT, **place)) for _ in range(times)]
        bare = int(run_python(RESIDENT)) / 1024
        used = int(run_python(USE + RESIDENT, **place)) / 1024
    return [
        Figure("import runcast", percentile(imports, 0.5), "ms", 100, note="median of fresh processes"),
        Figure("init()", percentile(inits, 0.5), "ms", 50, note="the first of a process"),
        Figure("client memory over bare Python", used - bare, "MB", 25, bare, "bare Python", note="after 50 000 rows"),
        Figure("base install", install_bytes() / 1e6, "MB", 15, note="with what it needs"),
    ]


if __name__ == "__main__":
    print(table(measure(quick=False)))
