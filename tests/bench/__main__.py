"""Measure everything and print one table: `python -m tests.bench [--quick] [--write] [name …]`."""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.bench import (
    alerting,
    board,
    crowd,
    everything,
    footprint,
    latency,
    life,
    log_call,
    page,
    replay,
    scale,
    sustained,
    zoom,
)
from tests.bench.figure import Figure, table

PROGRAMS = {
    "log": log_call,
    "footprint": footprint,
    "sustained": sustained,
    "latency": latency,
    "crowd": crowd,
    "zoom": zoom,
    "alerts": alerting,
    "life": life,
    "page": page,
    "board": board,
    "scale": scale,
    "replay": replay,
    "everything": everything,
}
PAGE = Path("docs/benchmarks.md")
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"


def machine() -> str:
    """Say where the figures were taken."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 30
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores ({model}), {memory} GiB, {platform.system()} "
        f"{platform.release().split('-')[0]}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}; "
        f"load before: {os.getloadavg()[0]:.1f}"
    )


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "names", nargs="*", choices=[*PROGRAMS, []], help="which programs; all of them if none is named"
    )
    parser.add_argument("--quick", action="store_true", help="short versions, for a first look")
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE}")
    options = parser.parse_args()
    where, figures = machine(), list[Figure]()
    for name in options.names or PROGRAMS:
        begun = time.monotonic()
        figures += PROGRAMS[name].measure(quick=options.quick)
        print(f"{name}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    text = f"{where}{', quick versions' if options.quick else ''}\n\n{table(figures)}"
    print(text)
    if options.write:
        head, rest = PAGE.read_text().split(BEGIN)
        PAGE.write_text(f"{head}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}")
    missed = [figure.name for figure in figures if not figure.reached]
    print(f"{len(missed)} of {len(figures)} figures fall short" + (f": {', '.join(missed)}" if missed else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
