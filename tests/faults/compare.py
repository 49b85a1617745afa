"""Compare what is stored, row by row, with what the trainers logged."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
from tests.faults import truth
from tests.faults.trainer import CHILD, FORK_AT

from runcast_ingest.store import Curve, Store


async def compare(database: Path, counts: dict[int, int]) -> tuple[int, list[str]]:
    """Say how many rows are stored, and everything that is wrong: lost, doubled, out of order, changed."""
    problems: list[str] = []
    stored = 0
    async with Store.open(database) as store:
        for number, count in sorted(counts.items()):
            rows, wrong = await _compare_one(store, number, count)
            stored += rows
            problems += wrong
        report = await store.check()
        problems += [f"doctor: {problem}" for problem in report.problems[:5]]
        problems += [f"quarantine: {count} {kind}" for kind, count in report.quarantine.items()]
    with sqlite3.connect(database) as db:
        integrity = db.execute("PRAGMA integrity_check").fetchone()[0]
    db.close()
    if integrity != "ok":
        problems.append(f"integrity: {integrity}")
    return stored, problems


async def _compare_one(store: Store, number: int, count: int) -> tuple[int, list[str]]:
    run = await store.run("faults", f"trainer-{number % CHILD}")
    if run is None:
        return 0, [f"trainer {number}: its run is not stored; {count} rows lost"] if count else []
    is_child = number >= CHILD
    view = await store.view(run.key, ["number", "value", "good"])
    mine = {curve.key: curve for curve in view.curves if curve.label.startswith("fork-") == is_child}
    if "number" not in mine:
        return 0, [f"trainer {number}: {count} rows lost"] if count else []
    return _compare_curves(number, count, mine)


def _compare_curves(number: int, count: int, curves: dict[str, Curve]) -> tuple[int, list[str]]:
    numbers = curves["number"].values.astype(np.int64)
    n = len(numbers)
    if not count <= n <= count + 1:  # One more may be in the journal than its caller heard of.
        gone = len(np.setdiff1d(np.arange(1, count + 1), numbers))
        return n, [f"trainer {number}: logged {count}, stored {n}; {gone} lost, {n - len(set(numbers))} doubled"]
    want = [truth.row(number, at) for at in range(1, n + 1)]
    problems = []
    if not np.array_equal(numbers, np.arange(1, n + 1)):
        problems.append(f"trainer {number}: rows out of order")
    first = FORK_AT if number >= CHILD else 0  # A child goes on where its parent stood.
    if not np.array_equal(curves["number"].steps, np.arange(first, first + n)):
        problems.append(f"trainer {number}: its steps do not go from {first} to {first + n - 1}")
    if curves["value"].values.tolist() != [row["value"] for row in want]:
        problems.append(f"trainer {number}: values are not those that were logged")
    good = [float(row["good"]) for row in want if "good" in row]
    if ("good" in curves or good) and curves["good"].values.tolist() != good:
        problems.append(f"trainer {number}: the rows with other keys are not those that were logged")
    return n, problems
