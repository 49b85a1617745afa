"""What the store takes and gives, as plain values. Times are ns since 1970; rows keep theirs to the millisecond."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from runcast.events import Plain
from runcast.streams import StreamId
from runcast_ingest.batch import Batch, Stored
from runcast_ingest.store.codec import Floats, Ints

RUNNING, FINISHED, FAILED, CRASHED = "running", "finished", "failed", "crashed"
STATES = (RUNNING, FINISHED, FAILED, CRASHED)

# Why an entry is in quarantine.
MALFORMED = "malformed"  # Unreadable, envelope and all.
POISON = "poison"  # Its payload is unreadable; the writer's mark moved past it.
GAP = "gap"  # Something before it is missing; goes when the writer has sent it again.
STRAY = "stray"  # Its writer belongs to another run.
REFUSED = "refused"  # The database did not take it; whole, because the writer's mark moved past it.


class Lease(Struct, frozen=True):
    """The right to store a shard, until somebody with a higher epoch takes it."""

    shard: int
    epoch: int
    cursor: StreamId


class Passed(Struct, frozen=True):
    """The events `first` … `last` of a writer cannot be read: its mark moves past them, and they are in quarantine."""

    path: str
    writer: str
    shard: int
    first: int
    last: int


class QuarantineRecord(Struct, frozen=True):
    """An entry that was not stored, and why. `data` is its beginning as it arrived, up to a bound."""

    kind: str
    shard: int
    entry: StreamId
    path: str
    writer: str
    first: int
    last: int
    reason: str
    received: int
    size: int
    data: bytes = b""


class Work(Struct):
    """What one transaction stores: cursors by shard, and everything that was read up to them."""

    cursors: dict[int, StreamId] = {}
    batches: list[Batch] = []
    passed: list[Passed] = []
    quarantine: list[QuarantineRecord] = []


class Replaced(Struct, frozen=True):
    """A run took the id of another one, which is set aside."""

    path: str
    key: int  # Of the run that has the path now.
    aside: str  # The path of the one that had it.
    writers: tuple[str, ...]  # Who wrote to that one, and has not ended.


class AlertRecord(Struct, frozen=True):
    """Something that the training, or a rule of its project, wanted somebody to know."""

    time: int
    step: int
    level: str
    title: str
    text: str
    label: str
    rule: str = ""  # Its name; empty where the training said it.
    key: int = 0


class Alarm(Struct, frozen=True):
    """An alert that was stored just now, and whose run's it is."""

    path: str
    alert: AlertRecord


class Committed(Struct):
    """What a transaction did: marks that rose, runs that changed state, shards whose lease was lost."""

    stored: list[Stored] = []
    states: list[tuple[str, str]] = []
    fenced: list[int] = []
    replaced: list[Replaced] = []
    alarms: list[Alarm] = []


class ProjectRecord(Struct, frozen=True):
    """A project and how many runs it has."""

    name: str
    runs: int
    created: int
    updated: int


class Living(Struct):
    """A run that is not known to have ended."""

    path: str
    state: str
    writers: dict[str, str] = {}  # Those that have not ended, each with its label.
    seen: int = 0  # When something last came from one of them, ns since 1970.


class WriterRecord(Struct, frozen=True):
    """One process that published to a run, and how far it is stored."""

    id: str
    label: str
    mark: int
    first_time: int
    last_time: int
    exit_code: int | None
    finished: int | None
    seen: int


class Base(Struct, frozen=True):
    """The run whose rows, up to a step, come before another one's own."""

    run: str  # Its id.
    step: int


class RunRecord(Struct, frozen=True):
    """A run with everything but its curves."""

    key: int
    project: str
    id: str
    name: str
    state: str
    config: dict[str, Plain]
    summary: dict[str, Any]
    created: int
    started: int
    updated: int
    finished: int | None
    exit_code: int | None
    steps: int  # The highest step, plus one.
    rows: int  # Calls of log() that are stored.
    host: str
    program: str
    python: str
    notes: str
    group: str
    job_type: str
    tags: tuple[str, ...]
    lost: int
    writers: list[WriterRecord]
    base: Base | None = None
    elders: list[WriterRecord] = []  # Who wrote what comes before, to this run's base and to the base of that.
    aside: bool = False  # Another run has its id by now.
    beginning: int = 0  # As in `Start`.
    facts: dict[str, Any] = {}  # What else is known: git, system, packages, command …
    metrics: dict[str, dict[str, Any]] = {}  # By name, which may end in `*`: how it is shown and summarised.
    damaged: bool = False  # Its config and summary cannot be read, and are empty here.
    hidden: bool = False  # A reader put it aside.
    deleted: int | None = None  # When a reader deleted it: lists leave it out.

    @property
    def path(self) -> str:
        """The run's path, `project/id`."""
        return f"{self.project}/{self.id}"


class KeyRecord(Struct, frozen=True):
    """A key of a run: `kind` is one of f, i, b, or x for what is no number."""

    key: str
    kind: str
    points: int
    last: Any


class Curve(Struct, frozen=True):
    """One key of one writer. Not exact: real points, but only the first, lowest, highest and last of each stretch."""

    key: str
    writer: str
    label: str
    kind: str
    exact: bool
    total: int  # Points that stand behind it.
    steps: Ints
    times: Ints
    values: Floats
    first: int  # The sequences that the curve covers.
    last: int


class View(Struct, frozen=True):
    """Curves of a run and, by writer, the mark that was true in the very same read."""

    marks: dict[str, int]
    curves: list[Curve]


class Series(Struct, frozen=True):
    """One key of a run for a chart: every point, or an envelope. Of an envelope, `values` is empty."""

    key: str
    exact: bool
    total: int
    steps: Ints
    times: Ints
    values: Floats
    low: Floats
    mean: Floats
    high: Floats
    count: Ints


class CheckReport(Struct):
    """What a walk over every stored byte found; `problems` is empty when all is well."""

    writers: int = 0
    events: int = 0
    blobs: int = 0
    bytes: int = 0
    quarantine: dict[str, int] = {}
    problems: list[str] = []


class Stats(Struct, frozen=True):
    """How large the store is, for health pages."""

    runs: int
    writers: int
    events: int
    level0_rows: int
    level0_events: int
    level0_bytes: int
    parts: int
    deliveries: int  # Alerts that wait for the webhook.
    delivery_since: int | None  # When the first of them began to, in ns since 1970.
    deliveries_dropped: int  # Since the start, as too many waited.
    quarantine: dict[str, int]
    quarantine_dropped: int
    damaged: int  # Blobs whose crc failed when they were read.
    file_bytes: int
    wal_bytes: int
    commits: int
    commit_ms: float  # The last commit.
