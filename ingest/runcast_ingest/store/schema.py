"""The tables, how a database is opened, and how an older one is brought up to date.

A file that is not ours, or that a newer Runcast wrote, is refused before anything in it is touched.

A writer's events go to `level0`, one appended row for each commit. The compactor moves them to columns: an
`axis` is what rows with the same keys of one writer share, a `part` is up to 4096 consecutive rows of an axis, and
`chunk` holds its columns, one row each: the axis itself (steps, times, sequences), then the keys by position.
`bucket` holds what zooming out needs, by the same key; a part of a higher level stands for 64 of the one below.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from runcast.errors import StoreUnavailable

APPLICATION_ID = 0x52434153
SQLITE_MIN = (3, 37, 0)  # STRICT tables.
PAGE_BYTES = 8192  # 16384 wastes half of it on chunks of 10 kB.
JOURNAL_BYTES_MAX = 64 * 1024 * 1024  # The write-ahead log is cut back to this after a long reader let it grow.
BUSY_SECONDS = 10.0  # Longer than any transaction here; only another process makes us wait.

POSITION_BITS = 20
AXIS_POSITION = (1 << POSITION_BITS) - 1  # The position of the axis itself within a part's chunks.

SCHEMA_1 = """
CREATE TABLE project(
    key INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
) STRICT;
CREATE TABLE run(
    key INTEGER PRIMARY KEY,
    project INTEGER NOT NULL REFERENCES project(key),
    id TEXT NOT NULL,
    shard INTEGER NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    created INTEGER NOT NULL,
    started INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    finished INTEGER,
    exit_code INTEGER,
    steps INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    lost INTEGER NOT NULL,
    since INTEGER NOT NULL,
    details BLOB NOT NULL, -- host, program, python, notes, group, job type, tags
    config BLOB NOT NULL,
    summary BLOB NOT NULL,
    crc INTEGER NOT NULL, -- of details, config and summary
    UNIQUE(project, id)
) STRICT;
CREATE INDEX run_created ON run(project, created);
CREATE INDEX run_state ON run(state) WHERE state = 'running';
CREATE TABLE writer(
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    run INTEGER NOT NULL REFERENCES run(key),
    label TEXT NOT NULL,
    mark INTEGER NOT NULL,
    first_time INTEGER NOT NULL,
    last_time INTEGER NOT NULL,
    finished INTEGER,
    exit_code INTEGER,
    seen INTEGER NOT NULL
) STRICT;
CREATE INDEX writer_run ON writer(run);
CREATE TABLE lease(
    shard INTEGER PRIMARY KEY,
    owner TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    until INTEGER NOT NULL,
    cursor_ms INTEGER NOT NULL,
    cursor_seq INTEGER NOT NULL
) STRICT;
CREATE TABLE level0(
    key INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    writer INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    data BLOB NOT NULL
) STRICT;
CREATE INDEX level0_run ON level0(run, writer, first);
CREATE TABLE event( -- what is no row: start, config, finish …
    key INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    writer INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    data BLOB NOT NULL
) STRICT;
CREATE INDEX event_run ON event(run, writer, sequence);
CREATE TABLE keyset(
    key INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    names BLOB NOT NULL
) STRICT;
CREATE TABLE axis(
    key INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    writer INTEGER NOT NULL,
    keyset INTEGER NOT NULL REFERENCES keyset(key),
    rows INTEGER NOT NULL, -- all that is stored, in level 0 too
    kinds TEXT NOT NULL,
    extras BLOB NOT NULL, -- the keys of values that are no numbers
    crc INTEGER NOT NULL,
    UNIQUE(run, writer, keyset)
) STRICT;
CREATE TABLE part(
    key INTEGER PRIMARY KEY,
    axis INTEGER NOT NULL REFERENCES axis(key),
    level INTEGER NOT NULL,
    number INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    step_low INTEGER NOT NULL,
    step_high INTEGER NOT NULL,
    time_low INTEGER NOT NULL,
    time_high INTEGER NOT NULL,
    steps_rise INTEGER NOT NULL, -- each step above the one before, in this part and to the next lower one
    times_rise INTEGER NOT NULL,
    UNIQUE(axis, level, number)
) STRICT;
CREATE TABLE chunk( -- key: part << 20 | position
    key INTEGER PRIMARY KEY,
    crc INTEGER NOT NULL,
    data BLOB NOT NULL,
    extra BLOB -- of a key: its kinds where they differ; of an axis: the values that are no numbers
) STRICT;
CREATE TABLE bucket( -- key: as of chunk
    key INTEGER PRIMARY KEY,
    crc INTEGER NOT NULL,
    data BLOB NOT NULL
) STRICT;
CREATE TABLE quarantine(
    key INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    shard INTEGER NOT NULL,
    entry_ms INTEGER NOT NULL,
    entry_seq INTEGER NOT NULL,
    path TEXT NOT NULL,
    writer TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    reason TEXT NOT NULL,
    received INTEGER NOT NULL,
    size INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    data BLOB NOT NULL,
    UNIQUE(shard, entry_ms, entry_seq)
) STRICT;
CREATE INDEX quarantine_writer ON quarantine(writer, last);
CREATE TABLE tally(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
"""

SCHEMA_2 = """
CREATE TABLE console( -- lines first … last of a writer's output
    key INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    writer INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    time INTEGER NOT NULL,
    error INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    data BLOB NOT NULL
) STRICT;
CREATE INDEX console_run ON console(run, writer, last);
CREATE TABLE alert(
    key INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    writer INTEGER NOT NULL,
    time INTEGER NOT NULL,
    step INTEGER NOT NULL,
    level TEXT NOT NULL,
    title TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX alert_run ON alert(run);
"""

SCHEMA_FILES = """
CREATE TABLE file( -- the bytes lie in a folder, under their digest
    key INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    size INTEGER NOT NULL,
    time INTEGER NOT NULL,
    UNIQUE(run, name)
) STRICT;
CREATE TABLE medium( -- what stands in rows to be looked at
    key INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    writer INTEGER NOT NULL,
    name TEXT NOT NULL,
    step INTEGER NOT NULL,
    time INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    data BLOB NOT NULL
) STRICT;
CREATE INDEX medium_run ON medium(run, key);
CREATE TABLE artifact(
    key INTEGER PRIMARY KEY,
    project INTEGER NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    version INTEGER NOT NULL,
    digest TEXT NOT NULL, -- of the manifest, which is a file
    size INTEGER NOT NULL,
    files INTEGER NOT NULL,
    description TEXT NOT NULL,
    metadata BLOB NOT NULL,
    run INTEGER NOT NULL,
    created INTEGER NOT NULL,
    UNIQUE(project, name, version)
) STRICT;
CREATE TABLE alias(
    project INTEGER NOT NULL,
    name TEXT NOT NULL,
    alias TEXT NOT NULL,
    artifact INTEGER NOT NULL REFERENCES artifact(key),
    PRIMARY KEY(project, name, alias)
) STRICT;
CREATE TABLE artifact_use( -- made: whether the run made it, or only used it
    run INTEGER NOT NULL,
    project INTEGER NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    made INTEGER NOT NULL,
    time INTEGER NOT NULL,
    UNIQUE(run, project, name, digest, made)
) STRICT;
CREATE INDEX artifact_use_name ON artifact_use(project, name, digest);
"""

SCHEMA_CURATION = """
CREATE TABLE curation( -- what readers decided about a run; what its program says leaves it alone
    run INTEGER PRIMARY KEY,
    added TEXT NOT NULL, -- tags, as JSON
    removed TEXT NOT NULL,
    hidden INTEGER NOT NULL,
    deleted INTEGER -- when; it can be taken back
) STRICT;
"""

SCHEMA_BRANCHES = """
ALTER TABLE run ADD COLUMN base INTEGER NOT NULL DEFAULT 0; -- the run whose rows come first, up to base_step; 0: none
ALTER TABLE run ADD COLUMN base_step INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN aside INTEGER NOT NULL DEFAULT 0; -- whether another run took its id
ALTER TABLE run ADD COLUMN beginning INTEGER NOT NULL DEFAULT 0; -- what its writers say of when it began
"""

SCHEMA_ALERTS = """
ALTER TABLE alert ADD COLUMN rule TEXT NOT NULL DEFAULT ''; -- its name, where a rule said it and not the program
CREATE TABLE rule( -- what projects want to be told of, beside what all of them are
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    text TEXT NOT NULL, -- empty: a rule that all projects have was taken away from this one
    level TEXT NOT NULL,
    PRIMARY KEY(project, name)
) STRICT;
CREATE TABLE watch( -- how the rules stand with a run that runs
    run INTEGER PRIMARY KEY,
    crc INTEGER NOT NULL,
    data BLOB NOT NULL
) STRICT;
CREATE TABLE delivery( -- alerts that the webhook has not heard of
    alert INTEGER PRIMARY KEY,
    tries INTEGER NOT NULL,
    due INTEGER NOT NULL
) STRICT;
"""

SCHEMA_NOTES = """
ALTER TABLE curation ADD COLUMN notes TEXT; -- a reader's, in the place of those that its program gave; NULL: none
"""

SCHEMA_VIEWS = """
CREATE TABLE view( -- of a project's board: what stands behind the `?` of a link to it
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    query TEXT NOT NULL,
    updated INTEGER NOT NULL,
    PRIMARY KEY(project, name)
) STRICT;
"""

SCHEMA_HISTOGRAMS = """
CREATE INDEX console_order ON console(run, key); -- what was printed since
DROP INDEX console_run;
CREATE INDEX console_run ON console(run, writer, last, time); -- what had been printed by then
CREATE TABLE histogram( -- of a key there are thousands, of which a page shows some hundreds
    key INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    writer INTEGER NOT NULL,
    name TEXT NOT NULL,
    step INTEGER NOT NULL,
    time INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    data BLOB NOT NULL
) STRICT;
CREATE INDEX histogram_of ON histogram(run, name, writer, key);
"""

SCHEMA_RULES = """
ALTER TABLE rule ADD COLUMN since INTEGER NOT NULL DEFAULT 0; -- when it came to say what it says, ns since 1970
"""

SCHEMA_ALERTS_OF = """
ALTER TABLE alert ADD COLUMN project INTEGER NOT NULL DEFAULT 0; -- its run's: the latest of a project are at hand
UPDATE alert SET project = coalesce((SELECT project FROM run WHERE run.key = alert.run), 0);
CREATE INDEX alert_project ON alert(project, key);
"""

SCHEMA_DELIVERIES = """
ALTER TABLE delivery RENAME COLUMN due TO since; -- when it began to wait
ALTER TABLE delivery RENAME COLUMN tries TO refused; -- when the receiver refused it first; 0: it did not
UPDATE delivery SET refused = 0, since = CAST(strftime('%s', 'now') AS INTEGER) * 1000000000;
"""

MIGRATIONS: tuple[str, ...] = (
    SCHEMA_1,
    SCHEMA_2,
    SCHEMA_FILES,
    SCHEMA_CURATION,
    SCHEMA_BRANCHES,
    SCHEMA_ALERTS,
    SCHEMA_NOTES,
    SCHEMA_VIEWS,
    SCHEMA_HISTOGRAMS,
    SCHEMA_RULES,
    SCHEMA_ALERTS_OF,
    SCHEMA_DELIVERIES,
)


def prepare(path: Path, migrations: Sequence[str] = MIGRATIONS) -> sqlite3.Connection:
    """Open the database for writing, made or brought up to date where needed; raises StoreUnavailable."""
    if sqlite3.sqlite_version_info < SQLITE_MIN:
        raise StoreUnavailable(
            f"SQLite {sqlite3.sqlite_version} is too old for the store; use a Python with SQLite 3.37 or later"
        )
    try:
        _inspect(path, len(migrations))
        connection = connect(path)
        # In this order: any of the next two fixes the size of a page.
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        _migrate(connection, migrations)
    except sqlite3.Error as error:
        raise StoreUnavailable(f"the database at {path} cannot be opened: {error}") from error
    return connection


def connect(path: Path, *, readonly: bool = False) -> sqlite3.Connection:
    """Open a connection with the settings that hold for each; transactions are begun by hand."""
    connection = sqlite3.connect(
        address(path, readonly=readonly), uri=True, isolation_level=None, timeout=BUSY_SECONDS, check_same_thread=False
    )
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA journal_size_limit = {JOURNAL_BYTES_MAX}")
    connection.execute("PRAGMA cache_size = -16000")
    return connection


def address(path: Path, *, readonly: bool = False) -> str:
    """Name a database file as SQLite's URI."""
    return f"{path.absolute().as_uri()}?mode={'ro' if readonly else 'rwc'}"


def _inspect(path: Path, newest: int) -> None:
    if not path.exists() or path.stat().st_size == 0:
        return
    try:
        application, version, tables = _described(path, readonly=True)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_READONLY:
            raise
        # Somebody is making it this moment, or was killed while they did: what they began has to be undone first, and
        # only a connection that may write does that.
        application, version, tables = _described(path, readonly=False)
    if application != APPLICATION_ID and (application or version or tables):
        raise StoreUnavailable(f"the file at {path} is no Runcast database; choose another RUNCAST_DIR")
    if version > newest:
        raise StoreUnavailable(
            f"the database at {path} has version {version}, and this Runcast knows {newest}; "
            "upgrade Runcast, the file was not touched"
        )


def _described(path: Path, *, readonly: bool) -> tuple[int, int, int]:
    """Read whose file it is, of which version, and how many things are in it."""
    connection = sqlite3.connect(address(path, readonly=readonly), uri=True, timeout=BUSY_SECONDS)
    try:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    finally:
        connection.close()
    return application, version, tables


def _migrate(connection: sqlite3.Connection, migrations: Sequence[str]) -> None:
    while (version := _version(connection)) < len(migrations):
        # One transaction each: a crash in between leaves the version that the file says.
        script = f"BEGIN IMMEDIATE; {migrations[version]}; PRAGMA user_version = {version + 1};"
        try:
            connection.executescript(f"{script} PRAGMA application_id = {APPLICATION_ID}; COMMIT;")
        except sqlite3.OperationalError:
            connection.execute("ROLLBACK")
            if _version(connection) == version:
                raise  # Else another process did the same a moment earlier.


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
