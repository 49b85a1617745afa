"""trackio's databases: one SQLite file for each project."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from runcast.errors import MalformedEntry
from runcast.events import Start
from runcast.names import SYSTEM
from runcast.ports.foreign import Foreign, Row, run_id

DEFAULT = Path("~/.cache/huggingface/trackio")


def find(path: Path) -> list[Path]:
    """List the databases at a path."""
    return [path] if path.is_file() else sorted(path.glob("*.db"))


def read(path: Path, *, project: str | None = None) -> Iterator[Foreign]:
    """Read all runs of a database; raises MalformedEntry."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            # Older databases know a run by its name alone.
            columns = {row[1] for row in db.execute("PRAGMA table_info(metrics)")}
            key = "run_id" if "run_id" in columns else "run_name"
            for id_, name in db.execute(f"SELECT {key}, max(run_name) FROM metrics GROUP BY {key} ORDER BY min(id)"):
                yield from _run(db, path, key, id_, name, project or path.stem)
    except (sqlite3.Error, ValueError) as error:
        raise MalformedEntry(f"{path} is no database of trackio: {error}") from error


def _run(db: sqlite3.Connection, path: Path, key: str, id_: str, name: str, project: str) -> Iterator[Foreign]:
    """Read a run, and what its machine did: two parts, each of which may grow by itself."""
    held = db.execute(f"SELECT config FROM configs WHERE {key} = ?", (id_,)).fetchone()
    config = {name: value for name, value in json.loads(held[0]).items() if name[0] != "_"} if held else {}
    found = db.execute(f"SELECT step, timestamp, metrics FROM metrics WHERE {key} = ? ORDER BY id", (id_,)).fetchall()
    run = Foreign(
        origin=f"trackio {path.stem} {id_}",
        project=project,
        id=run_id(id_ if key == "run_id" else name),
        start=Start(time=_time(found[0][1]), name=name, config=config, program="trackio"),
        items=[Row(step, _time(stamp), json.loads(metrics)) for step, stamp, metrics in found],
    )
    try:
        samples = f"SELECT timestamp, metrics FROM system_metrics WHERE {key} = ? ORDER BY id"
        held = db.execute(samples, (id_,)).fetchall()
    except sqlite3.Error:
        held = []  # Older databases have no such table.
    yield run
    if held:
        items = [Row(number, _time(stamp), _sample(metrics)) for number, (stamp, metrics) in enumerate(held)]
        yield replace(run, origin=f"{run.origin} system", items=items)


def _sample(metrics: str) -> dict[str, Any]:
    return {f"{SYSTEM}{name}": value for name, value in json.loads(metrics).items()}


def _time(stamp: str) -> int:
    return round(datetime.fromisoformat(stamp).timestamp() * 1e9)
