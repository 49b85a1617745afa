"""Artifacts: named sets of files of a project, each version once, and which runs made and used them.

A version is known by the digest of its manifest, which lists paths with the digests of what lies there. One that is
like the newest is the newest again. An alias stands for one version of a name at a time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import aiosqlite
from msgspec import Struct

from runcast.artifact_names import LATEST, is_name
from runcast.blocks import Item
from runcast.events import Artifact, Plain, Use
from runcast.paths import is_digest
from runcast_ingest.store.codec import pack_document, unpack_document
from runcast_ingest.store.reader import fetch

ALIASES_MAX = 100  # Of one event.
ALIAS_CHARS_MAX = 128

NEWEST = "SELECT key, digest, version FROM artifact WHERE project = ? AND name = ? ORDER BY version DESC LIMIT 1"
ADD = """
INSERT INTO artifact(project, name, kind, version, digest, size, files, description, metadata, run, created)
VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
SET_ALIAS = """
INSERT INTO alias(project, name, alias, artifact) VALUES(?, ?, ?, ?)
ON CONFLICT(project, name, alias) DO UPDATE SET artifact = excluded.artifact
"""
ADD_USE = "INSERT OR IGNORE INTO artifact_use(run, project, name, digest, made, time) VALUES(?, ?, ?, ?, ?, ?)"

COLUMNS = """
artifact.key, artifact.name, artifact.kind, artifact.version, artifact.digest, artifact.size, artifact.files,
artifact.description, artifact.metadata, artifact.created, run.id
"""
OF_PROJECT = """
SELECT name, kind, max(version) + 1, max(created), sum(size) FROM artifact
WHERE project = (SELECT key FROM project WHERE name = ?) GROUP BY name ORDER BY max(created) DESC
"""
VERSIONS = f"""
SELECT {COLUMNS} FROM artifact JOIN run ON run.key = artifact.run
WHERE artifact.project = (SELECT key FROM project WHERE name = ?) AND artifact.name = ?
ORDER BY artifact.version DESC LIMIT ?
"""
ALIASES = "SELECT artifact, alias FROM alias WHERE project = (SELECT key FROM project WHERE name = ?) AND name = ?"
OF_RUN = """
SELECT artifact_use.made, project.name, artifact_use.name, artifact_use.digest, (
    SELECT version FROM artifact WHERE artifact.project = artifact_use.project AND artifact.name = artifact_use.name
    AND artifact.digest = artifact_use.digest ORDER BY version DESC LIMIT 1
), (
    SELECT kind FROM artifact WHERE artifact.project = artifact_use.project AND artifact.name = artifact_use.name
    AND artifact.digest = artifact_use.digest ORDER BY version DESC LIMIT 1
) FROM artifact_use JOIN project ON project.key = artifact_use.project WHERE artifact_use.run = ?
ORDER BY artifact_use.time, artifact_use.rowid
"""
USERS = """
SELECT project.name, run.id, run.name FROM artifact_use JOIN run ON run.key = artifact_use.run
JOIN project ON project.key = run.project
WHERE artifact_use.made = 0 AND artifact_use.name = ? AND artifact_use.digest = ?
AND artifact_use.project = (SELECT key FROM project WHERE name = ?) ORDER BY artifact_use.time LIMIT 1000
"""


class Collection(Struct, frozen=True):
    """All versions of one name, in short."""

    name: str
    kind: str
    versions: int
    updated: int
    size: int


class Version(Struct, frozen=True):
    """A version of an artifact; `run` made it first."""

    key: int
    name: str
    kind: str
    version: int
    digest: str
    size: int
    files: int
    description: str
    metadata: dict[str, Plain]
    created: int
    run: str
    aliases: tuple[str, ...] = ()


class Link(Struct, frozen=True):
    """That a run made a version, or used it; `version` is None while it is not stored."""

    made: bool
    project: str
    name: str
    digest: str
    version: int | None
    kind: str | None


def add(db: sqlite3.Connection, run: int, item: Item) -> None:
    """Note a version that was made, or one that was used."""
    match item:
        case Artifact(name=name) if is_name(name) and is_digest(item.digest):
            project = _project_of(db, run)
            key = _version(db, project, run, item)
            wanted = [alias for alias in item.aliases if 0 < len(alias) <= ALIAS_CHARS_MAX][:ALIASES_MAX]
            for alias in dict.fromkeys([LATEST, *wanted]):
                db.execute(SET_ALIAS, (project, name, alias, key))
            db.execute(ADD_USE, (run, project, name, item.digest, True, item.time))
        case Use(name=name):
            elsewhere, _, own = name.rpartition("/")
            found = db.execute("SELECT key FROM project WHERE name = ?", (elsewhere,)).fetchone() if elsewhere else None
            if is_name(own) and is_digest(item.digest) and (found or not elsewhere):
                project = found[0] if found else _project_of(db, run)
                db.execute(ADD_USE, (run, project, own, item.digest, False, item.time))


def _project_of(db: sqlite3.Connection, run: int) -> int:
    return int(db.execute("SELECT project FROM run WHERE key = ?", (run,)).fetchone()[0])


def _version(db: sqlite3.Connection, project: int, run: int, made: Artifact) -> int:
    newest = db.execute(NEWEST, (project, made.name)).fetchone()
    if newest is not None and newest[1] == made.digest:
        return int(newest[0])
    values = (
        project,
        made.name,
        made.kind,
        newest[2] + 1 if newest is not None else 0,
        made.digest,
        made.size,
        made.files,
        made.description,
        pack_document(made.metadata),
        run,
        made.time,
    )
    return int(db.execute(ADD, values).lastrowid or 0)


async def collections(db: aiosqlite.Connection, project: str) -> list[Collection]:
    """List the artifacts of a project, the one with the newest version first."""
    return [Collection(*row) for row in await fetch(db, OF_PROJECT, (project,))]


async def versions(db: aiosqlite.Connection, project: str, name: str, limit: int) -> list[Version]:
    """List the versions of a name, the newest first."""
    aliases: dict[int, list[str]] = {}
    for key, alias in await fetch(db, ALIASES, (project, name)):
        aliases.setdefault(key, []).append(alias)
    return [_read(row, aliases.get(row[0], ())) for row in await fetch(db, VERSIONS, (project, name, limit))]


async def users(db: aiosqlite.Connection, project: str, name: str, digest: str) -> list[tuple[str, str, str]]:
    """List the runs that used a version: project, id and name."""
    return [(row[0], row[1], row[2]) for row in await fetch(db, USERS, (name, digest, project))]


async def of_run(db: aiosqlite.Connection, run: int) -> list[Link]:
    """List what a run made and used."""
    return [Link(bool(row[0]), *row[1:]) for row in await fetch(db, OF_RUN, (run,))]


def choose(found: Iterable[Version], wanted: str) -> Version | None:
    """Find a version by `v3`, by an alias, or by its digest."""
    return next(
        (
            each
            for each in found
            if wanted in each.aliases or wanted == f"v{each.version}" or (len(wanted) == 64 and wanted == each.digest)
        ),
        None,
    )


def _read(row: tuple[Any, ...], aliases: Sequence[str]) -> Version:
    key, name, kind, version, digest, size, files, description, metadata, created, run = row
    told = unpack_document(metadata)
    return Version(key, name, kind, version, digest, size, files, description, told, created, run, tuple(aliases))
