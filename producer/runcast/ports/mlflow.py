"""MLflow's runs, from its database (SQLite) and from its folders (`mlruns`): metrics, parameters and tags."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec

from runcast.errors import MalformedEntry
from runcast.events import Plain, Start
from runcast.ports.foreign import Foreign, Row, run_id

MS = 1_000_000  # MLflow's times are milliseconds.
_ENDS = {"FINISHED": 0, "FAILED": 1, "KILLED": 137, 3: 0, 4: 1, 5: 137}  # Its states, by name and by number.
_RUNS = """
SELECT run_uuid, runs.name, status, start_time, end_time, experiments.name
FROM runs JOIN experiments USING (experiment_id) WHERE runs.lifecycle_stage = 'active' ORDER BY start_time, run_uuid
"""
_METRICS = """
SELECT key, value, timestamp, step, is_nan FROM metrics WHERE run_uuid = ? ORDER BY timestamp, step, key
"""

Metric = tuple[int, int, str, float]  # Time in ms, step, key, value.


def find(path: Path) -> list[Path]:
    """List the databases and stores of folders at a path."""
    if path.is_file():
        return [path]
    return sorted(path.glob("*.db")) or sorted(path.glob("**/mlflow.db")) or [path]


def read(path: Path, *, project: str | None = None) -> Iterator[Foreign]:
    """Read all runs of a database or a folder; raises MalformedEntry."""
    if path.is_dir():
        yield from _folders(path, project)
        return
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            for uuid, name, status, begun, ended, experiment in db.execute(_RUNS).fetchall():
                params = dict(db.execute("SELECT key, value FROM params WHERE run_uuid = ? ORDER BY key", (uuid,)))
                tags = dict(db.execute("SELECT key, value FROM tags WHERE run_uuid = ? ORDER BY key", (uuid,)))
                found = [
                    (time, step, key, math.nan if is_nan else value)
                    for key, value, time, step, is_nan in db.execute(_METRICS, (uuid,))
                ]
                yield _foreign(uuid, name, status, begun, ended, project or experiment, params, tags, found)
    except sqlite3.Error as error:
        raise MalformedEntry(f"{path} is no database of MLflow: {error}") from error


def _folders(root: Path, project: str | None) -> Iterator[Foreign]:
    for about in sorted(root.glob("*/*/meta.yaml")):
        run, experiment = _yaml(about), _yaml(about.parents[1] / "meta.yaml")
        if run.get("lifecycle_stage", "active") != "active" or "run_id" not in run:
            continue
        folder = about.parent
        params, tags = (_texts(folder / name) for name in ("params", "tags"))
        name = tags.get("mlflow.runName") or str(run.get("run_name") or "")
        found = sorted(_file_metrics(folder / "metrics"), key=lambda metric: metric[:3])
        times = run.get("start_time"), run.get("end_time")
        label = project or str(experiment.get("name") or about.parents[1].name)
        yield _foreign(str(run["run_id"]), name, run.get("status"), *times, label, params, tags, found)


def _foreign(
    uuid: str,
    name: str | None,
    status: str | int | None,
    begun: int | None,
    ended: int | None,
    project: str,
    params: dict[str, str],
    tags: dict[str, str],
    found: Iterable[Metric],
) -> Foreign:
    over = status in _ENDS
    start = Start(
        time=(begun or 0) * MS,
        name=name or uuid,
        config={key: _guess(text) for key, text in params.items()},
        program=tags.get("mlflow.source.name", ""),
        notes=tags.get("mlflow.note.content", ""),
        tags=tuple(f"{key}:{text}" for key, text in tags.items() if not key.startswith("mlflow.")),
    )
    return Foreign(
        origin=f"mlflow {uuid}",
        project=project,
        id=run_id(uuid),
        start=start,
        items=_rows(found),
        ended=over,
        exit_code=_ENDS.get(status or ""),
        end_time=ended * MS if ended else None,
    )


def _rows(found: Iterable[Metric]) -> Iterator[Row]:
    """Make a row of what was logged at one moment for one step."""
    for (time, step), group in groupby(found, key=lambda metric: metric[:2]):
        yield Row(step, time * MS, {key: value for _, _, key, value in group})


def _file_metrics(folder: Path) -> Iterator[Metric]:
    """Read a folder's metrics: a file for each, `time value step` in each line."""
    for path in sorted(each for each in folder.glob("**/*") if each.is_file()):
        key = path.relative_to(folder).as_posix()
        for line in path.read_text().splitlines():
            time, value, *step = line.split()
            yield int(time), int(step[0]) if step else 0, key, float(value)


def _texts(folder: Path) -> dict[str, str]:
    found = sorted(each for each in folder.glob("**/*") if each.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in found}


def _yaml(path: Path) -> dict[str, Any]:
    try:
        return dict(msgspec.yaml.decode(path.read_bytes(), type=dict[str, Any]))
    except (OSError, ImportError, msgspec.MsgspecError) as error:
        raise MalformedEntry(f"{path} cannot be read: {error}") from error


def _guess(text: str) -> Plain:
    """Give a parameter back as what it probably was: MLflow keeps them all as text."""
    try:
        value: Plain = json.loads(text)
    except ValueError:
        return {"True": True, "False": False, "None": None}.get(text, text)
    return value
