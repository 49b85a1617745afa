"""A table of comma-separated values: a column for each metric, a row for each step.

`step` or `_step` is the step (else rows are counted), `_timestamp` or `timestamp` or `time` the moment, in seconds
since 1970 or as ISO 8601, and `run` divides the table into runs.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from runcast.errors import MalformedEntry
from runcast.events import Start
from runcast.ports.foreign import Foreign, Row, run_id

PROJECT = "csv"
STEPS, TIMES, RUNS = ("_step", "step", "Step"), ("_timestamp", "timestamp", "time"), ("run", "Run")


def find(path: Path) -> list[Path]:
    """List the tables at a path."""
    return [path] if path.is_file() else sorted(path.glob("**/*.csv"))


def read(path: Path, *, project: str | None = None) -> Iterator[Foreign]:
    """Read a table's runs; raises MalformedEntry for what is no table."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file)
            names = [name for name in table.fieldnames or () if name]
            held = list(table)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MalformedEntry(f"{path} cannot be read as CSV: {error}") from error
    if not names:
        raise MalformedEntry(f"{path} is empty; its first line names the columns")
    step, time, run = (next((each for each in known if each in names), None) for known in (STEPS, TIMES, RUNS))
    changed = path.stat().st_mtime_ns
    parts: dict[str, list[Mapping[str, str]]] = {}
    for row in held:
        parts.setdefault(row[run] if run else path.stem, []).append(row)
    metrics = [name for name in names if name not in {step, time, run, "_runtime"}]
    for name, rows in parts.items():
        begun = _time(rows[0][time], path) if time else changed
        yield Foreign(
            origin=f"csv {path.absolute()} {name}",
            project=project or PROJECT,
            id=run_id(name, origin=str(path.absolute())),
            start=Start(time=begun, name=name, config={}, program=path.name),
            items=_rows(rows, metrics, step, time, path, begun),
        )


def _rows(
    rows: list[Mapping[str, str]], metrics: list[str], step: str | None, time: str | None, path: Path, begun: int
) -> Iterator[Row]:
    for number, row in enumerate(rows):
        values = {name: _value(row[name]) for name in metrics if row.get(name)}
        try:
            at = int(float(row[step])) if step else number
        except ValueError as error:
            raise MalformedEntry(
                f"{path} has the step {row[step or '']!r} in line {number + 2}; it is a number"
            ) from error
        yield Row(at, _time(row[time], path) if time else begun, values)


def _value(text: str) -> Any:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return {"true": True, "True": True, "false": False, "False": False}.get(text, text)


def _time(text: str, path: Path) -> int:
    try:
        return round(float(text) * 1e9)
    except ValueError:
        pass
    try:
        return round(datetime.fromisoformat(text).timestamp() * 1e9)
    except ValueError as error:
        raise MalformedEntry(f"{path} has the time {text!r}; write seconds since 1970, or ISO 8601") from error
