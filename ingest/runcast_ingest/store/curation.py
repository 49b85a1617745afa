"""What readers decide about runs: tags, notes, and whether a run is hidden or deleted.

It touches nothing that a program said.

A deleted run is only left out of lists, and everything of it is kept: so that is taken back as easily as the rest.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from runcast.errors import UsageError
from runcast_ingest.store.codec import unpack_document
from runcast_ingest.store.finding import tags_of

NOTES_CHARS_MAX = 100_000  # A long report; a book is a file.
TAGS_MAX = 200  # Of one run, as readers give them.
IDS_PER_QUERY = 500

READ = """
SELECT run.key, run.id, run.details, curation.added, curation.removed, curation.hidden, curation.deleted
FROM run JOIN project ON project.key = run.project LEFT JOIN curation ON curation.run = run.key
WHERE project.name = ? AND run.id IN (SELECT value FROM json_each(?))
"""
SAVE = """
INSERT INTO curation(run, added, removed, hidden, deleted) VALUES(?, ?, ?, ?, ?)
ON CONFLICT(run) DO UPDATE SET added = excluded.added, removed = excluded.removed, hidden = excluded.hidden,
    deleted = excluded.deleted
"""

READ_NOTES = """
SELECT run.key, run.details, curation.notes
FROM run JOIN project ON project.key = run.project LEFT JOIN curation ON curation.run = run.key
WHERE project.name = ? AND run.id = ?
"""
SAVE_NOTES = """
INSERT INTO curation(run, added, removed, hidden, notes) VALUES(?, '[]', '[]', 0, ?)
ON CONFLICT(run) DO UPDATE SET notes = excluded.notes
"""


class Change(Struct, frozen=True):
    """What is to be so of these runs; None: as it is."""

    runs: tuple[str, ...]
    tag: tuple[str, ...] = ()
    untag: tuple[str, ...] = ()
    hidden: bool | None = None
    deleted: bool | None = None


class Curated(Struct, frozen=True):
    """Which runs a change changed, and the changes that take it back."""

    changed: tuple[str, ...]
    undo: tuple[Change, ...]


def apply(db: sqlite3.Connection, project: str, change: Change) -> Curated:
    """Make a change, inside a transaction; runs that there are not are passed over. Raises UsageError."""
    undo: dict[tuple[str, str], list[str]] = {}  # By what was done, and with which tag.
    changed: list[str] = []
    for at in range(0, len(change.runs), IDS_PER_QUERY):
        wanted = msgspec.json.encode(change.runs[at : at + IDS_PER_QUERY]).decode()
        for key, id_, details, added, removed, put_aside, gone_since in db.execute(READ, (project, wanted)).fetchall():
            mine = msgspec.json.decode(added or "[]", type=list[str])
            gone = msgspec.json.decode(removed or "[]", type=list[str])
            given = _given(details)
            did: list[tuple[str, str]] = []
            for tag in change.tag:
                if tag not in tags_of(given, added, removed) and ("tag", tag) not in did:
                    gone = [each for each in gone if each != tag]
                    mine += [] if tag in given else [tag]
                    did.append(("tag", tag))
            for tag in change.untag:
                if tag in tags_of(given, added, removed) and ("untag", tag) not in did:
                    mine = [each for each in mine if each != tag]
                    gone += [tag] if tag in given else []
                    did.append(("untag", tag))
            if change.hidden is not None and change.hidden != bool(put_aside):
                did.append(("hidden", "yes" if change.hidden else ""))
            if change.deleted is not None and change.deleted != (gone_since is not None):
                did.append(("deleted", "yes" if change.deleted else ""))
            if not did:
                continue
            if len(mine) > TAGS_MAX or len(gone) > TAGS_MAX:
                raise UsageError(f"the run {id_} would have more than {TAGS_MAX} tags")
            hidden = bool(put_aside) if change.hidden is None else change.hidden
            deleted = (
                gone_since if change.deleted is None else (gone_since or time.time_ns()) if change.deleted else None
            )
            texts = msgspec.json.encode(mine).decode(), msgspec.json.encode(gone).decode()
            db.execute(SAVE, (key, *texts, int(hidden), deleted))
            changed.append(id_)
            for each in did:
                undo.setdefault(each, []).append(id_)
    return Curated(tuple(changed), tuple(_undone(what, word, tuple(ids)) for (what, word), ids in undo.items()))


def annotate(db: sqlite3.Connection, project: str, run: str, notes: str, *, was: str) -> tuple[bool, str]:
    """Give a run notes, inside a transaction, if those that it has are still what they were when the reader began.

    Says whether they were, and what the notes are now. Raises UsageError.
    """
    if len(notes) > NOTES_CHARS_MAX:
        raise UsageError(f"notes have at most {NOTES_CHARS_MAX} characters, and these {len(notes)}; save a file beside")
    row = db.execute(READ_NOTES, (project, run)).fetchone()
    if row is None:
        raise UsageError(f"there is no run {run!r} in project {project!r}")
    key, details, own = row
    given = str(_document(details).get("notes") or "")
    now = given if own is None else own
    if now not in {was, notes}:
        return False, now
    db.execute(SAVE_NOTES, (key, None if notes == given else notes))
    return True, notes


def _undone(what: str, word: str, ids: Sequence[str]) -> Change:
    runs = tuple(ids)
    if what == "tag":
        return Change(runs, untag=(word,))
    if what == "untag":
        return Change(runs, tag=(word,))
    return Change(runs, hidden=not word) if what == "hidden" else Change(runs, deleted=not word)


def _given(details: bytes) -> list[str]:
    return [str(tag) for tag in _document(details).get("tags", ())]


def _document(details: bytes) -> dict[str, Any]:
    try:
        found = unpack_document(details)
    except (ValueError, RecursionError):
        return {}  # A damaged row: it has nothing of its own, and may still be tagged, hidden or deleted.
    return found if isinstance(found, dict) else {}
