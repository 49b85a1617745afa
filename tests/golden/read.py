"""What a `.wandb` file says in the end: rows merged by step, summary and config as W&B's server would show them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from runcast.events import Config, Summary
from runcast.ports import wandb_file
from runcast.ports.foreign import Row

CLOCK_SECONDS_MIN = 1.5e9  # What is earlier was no clock's word: the program brought the time itself.


def flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Write nested dicts as dotted names; what has a `_type` is a value."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict) and value and "_type" not in value:
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


def without_clocks(row: dict[str, Any]) -> dict[str, Any]:
    """Leave out of a row what differs from run to run."""
    brought = row.get("_timestamp", CLOCK_SECONDS_MIN) < CLOCK_SECONDS_MIN
    return {name: value for name, value in row.items() if name != "_runtime" and (brought or name != "_timestamp")}


def final(path: Path) -> tuple[str, dict[str, Any]]:
    """Read a file; the run's name, and what it came to."""
    source = wandb_file.read(path)
    rows: dict[int, dict[str, Any]] = {}
    summary: dict[str, Any] = {}
    config = dict(source.start.config)
    for item in source.items:
        if isinstance(item, Row):
            row = flat(dict(item.values)) | {"_timestamp": item.time / 1e9}
            rows.setdefault(item.step, {}).update(without_clocks(row))
        elif isinstance(item, Summary):
            _merge(summary, item.values)
            for name in item.deleted:
                summary.pop(name, None)
        elif isinstance(item, Config):
            _merge(config, item.values)
    return source.start.name, {
        "rows": [{"_step": step, **rows[step]} for step in sorted(rows)],
        "summary": flat({name: value for name, value in summary.items() if not name.startswith("_")}),
        "config": flat(config),
        "exit_code": source.exit_code,
    }


def _merge(into: dict[str, Any], values: dict[str, Any]) -> None:
    for key, value in values.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict) and "_type" not in value:
            _merge(into[key], value)
        else:
            into[key] = value
