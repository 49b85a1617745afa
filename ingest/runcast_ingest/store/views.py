"""Saved views of a project's board: links that have a name, for everybody who reads the project."""

from __future__ import annotations

import sqlite3
import time

from msgspec import Struct

from runcast.errors import UsageError

VIEWS_MAX = 200  # Of one project: they are for choosing from.
QUERY_CHARS_MAX = 16_384  # As long as an address may be in any browser.

LIST = "SELECT name, query, updated FROM view WHERE project = ? ORDER BY updated DESC"
COUNT = "SELECT count(*) FROM view WHERE project = ? AND name <> ?"
SAVE = """
INSERT INTO view(project, name, query, updated) VALUES(?, ?, ?, ?)
ON CONFLICT(project, name) DO UPDATE SET query = excluded.query, updated = excluded.updated
"""
DROP = "DELETE FROM view WHERE project = ? AND name = ?"


class SavedView(Struct, frozen=True):
    """What stands behind the `?` of a link to the board, and when it was saved (ns)."""

    name: str
    query: str
    updated: int


def save(db: sqlite3.Connection, project: str, name: str, query: str) -> None:
    """Keep a view, in the place of one with its name, inside a transaction; raises UsageError."""
    if db.execute(COUNT, (project, name)).fetchone()[0] >= VIEWS_MAX:
        raise UsageError(f"project {project!r} has {VIEWS_MAX} views; delete some that nobody opens")
    db.execute(SAVE, (project, name, query, time.time_ns()))


def drop(db: sqlite3.Connection, project: str, name: str) -> bool:
    """Delete a view, inside a transaction; False when there is none of this name."""
    return db.execute(DROP, (project, name)).rowcount > 0
