"""What stands out in the time of runs: where a process began again, what was told, and what it kept to go back to.

Where a run begins and ends is in its record; this is what lies between.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import aiosqlite
import msgspec
from msgspec import Struct

from runcast_ingest.store.reader import fetch

MARKS_MAX = 1000  # Of all runs that are asked for; the latest.
CHECKPOINTS = (".ckpt", ".pt", ".pth", ".safetensors", ".h5", ".keras", ".msgpack", ".joblib", ".onnx")  # Of files.
RESUME, ALERT, CHECKPOINT = "resume", "alert", "checkpoint"

_RUNS = "SELECT run.key FROM run JOIN project ON project.key = run.project WHERE project.name = ? AND run.id IN (SELECT value FROM json_each(?))"  # noqa: E501
WRITERS = f"""
SELECT run.id, writer.label, writer.first_time FROM writer JOIN run ON run.key = writer.run
WHERE writer.run IN ({_RUNS}) ORDER BY writer.run, writer.label, writer.first_time
"""
ALERTS = f"""
SELECT run.id, alert.time, alert.step, alert.level, alert.title FROM alert JOIN run ON run.key = alert.run
WHERE alert.run IN ({_RUNS}) ORDER BY alert.key DESC LIMIT {MARKS_MAX}
"""
MODELS = f"""
SELECT run.id, artifact.created, artifact.name || ':v' || artifact.version
FROM artifact JOIN run ON run.key = artifact.run
WHERE artifact.project = run.project AND artifact.kind = 'model' AND artifact.run IN ({_RUNS})
ORDER BY artifact.created DESC LIMIT {MARKS_MAX}
"""
FILES = f"""
SELECT run.id, file.time, file.name FROM file JOIN run ON run.key = file.run
WHERE file.run IN ({_RUNS}) AND ({" OR ".join(f"file.name LIKE '%{end}'" for end in CHECKPOINTS)})
ORDER BY file.time DESC LIMIT {MARKS_MAX}
"""  # Of constants.


class Mark(Struct, frozen=True):
    """Something that happened in a run at a time (ns); `step` where it is known."""

    run: str  # Its id.
    kind: str
    time: int
    title: str
    step: int | None = None
    level: str = ""  # Of an alert.


async def marks(db: aiosqlite.Connection, project: str, ids: Sequence[str]) -> list[Mark]:
    """Read the marks of runs by their ids, in order of time; of very many the latest."""
    asked = (project, msgspec.json.encode(list(ids)).decode())
    found: list[Mark] = []
    for (run, label), each in groupby(await fetch(db, WRITERS, asked), key=lambda row: (row[0], row[1])):
        _, *later = each  # The first one began the run.
        found += [Mark(run, RESUME, time, f"{label} began again".strip()) for _, _, time in later]
    found += [
        Mark(run, ALERT, time, title, step if step >= 0 else None, level)
        for run, time, step, level, title in await fetch(db, ALERTS, asked)
    ]
    for sql in (MODELS, FILES):
        found += [Mark(run, CHECKPOINT, time, title) for run, time, title in await fetch(db, sql, asked)]
    found.sort(key=lambda mark: mark.time)
    return found[-MARKS_MAX:]
