"""What can happen in a run.

An event is identified by its writer and its sequence: 1, 2, 3 … without a hole. Logged rows are
events too; on the wire consecutive rows travel together as one `Block` (see `blocks`).

Times are integers, nanoseconds since 1970. Structs are arrays on the wire: a field may be
added at the end, with a default, and none may ever be moved or removed.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

# A value as JSON knows it: what config, summary and the non-numeric part of a row are made of.
Plain = None | bool | int | float | str | list[Any] | dict[str, Any]


JOIN = ""  # Write beside whoever writes to it, or go on where it ended.
FRESH = "fresh"  # Begin anew: what was there is set aside under another id, and stays readable.
REWIND = "rewind"  # Begin anew behind `base_step`; what came after it is set aside.


class Start(Struct, frozen=True, array_like=True, tag=1):
    """A writer begins to publish to a run; its first event."""

    time: int
    name: str  # The run's display name.
    config: dict[str, Plain]
    label: str = ""  # Which of the run's writers this is, such as `rank3`.
    host: str = ""
    pid: int = 0
    program: str = ""
    python: str = ""
    notes: str = ""
    group: str = ""
    job_type: str = ""
    tags: tuple[str, ...] = ()
    begin: str = JOIN  # What becomes of a run that has this id already.
    base: str = ""  # The path of the run whose rows up to `base_step` come before this run's own.
    base_step: int = 0
    # When the run began that a writer begins or, as a child of that process, joins: its own word comes in any order
    # with its children's. 0: it is not known.
    beginning: int = 0


class Config(Struct, frozen=True, array_like=True, tag=2):
    """Config values were set."""

    time: int
    values: dict[str, Plain]


class Summary(Struct, frozen=True, array_like=True, tag=3):
    """Summary values were set by hand, or deleted."""

    time: int
    values: dict[str, Plain]
    deleted: tuple[str, ...] = ()


class Finish(Struct, frozen=True, array_like=True, tag=4):
    """A writer ends. `exit_code` None: the process died without a word, and somebody else drained its journal."""

    time: int
    exit_code: int | None
    whole: bool = False  # The run is over for all its writers: it was copied from elsewhere.


class Lost(Struct, frozen=True, array_like=True, tag=5):
    """The writer had no room left, on disk and in memory, and dropped its newest rows."""

    time: int
    rows: int
    reason: str


class Rename(Struct, frozen=True, array_like=True, tag=6):
    """The run got another display name."""

    time: int
    name: str


class Metric(Struct, frozen=True, array_like=True, tag=7):
    """How a metric is shown and summarised, as W&B's `define_metric` says it; the last word on a name counts."""

    time: int
    name: str  # May end in `*`: then it speaks for every name that begins so and has no definition of its own.
    step_metric: str = ""  # The metric that is its x axis.
    step_sync: bool = False  # Rows that lack the step metric get its last value.
    hidden: bool = False
    summary: tuple[str, ...] = ()  # Of min, max, mean, best, first, last, copy, none.
    goal: str = ""  # What is best: `minimize` or `maximize`.
    # Of the metrics that it speaks for, those that this writer had logged before: count, sum, low, high, first, last.
    seen: dict[str, tuple[int, float, float, float, float, float]] = {}


class Describe(Struct, frozen=True, array_like=True, tag=8):
    """What is known about a run changed: notes, tags, group, job type, git, host, packages … by key."""

    time: int
    values: dict[str, Plain]


class Console(Struct, frozen=True, array_like=True, tag=9):
    """Lines of a writer's output. A line that was written before, such as a progress bar's, is replaced."""

    time: int
    first: int  # The number of the first of `lines`, from 0, over both streams of the writer.
    lines: tuple[str, ...]
    error: bool = False  # From stderr.


class Alert(Struct, frozen=True, array_like=True, tag=10):
    """The training wants somebody's attention."""

    time: int
    title: str
    text: str = ""
    level: str = "INFO"  # Or WARN, or ERROR.
    step: int = 0


class File(Struct, frozen=True, array_like=True, tag=11):
    """A file belongs to the run. Its bytes travel by themselves, under their digest."""

    time: int
    name: str  # Its path within the run, such as `media/images/sample_3_1f0c.png`.
    digest: str  # SHA-256, in hexadecimal digits.
    size: int


class Artifact(Struct, frozen=True, array_like=True, tag=12):
    """A version of an artifact was made; one whose manifest is the newest version's is that version again."""

    time: int
    name: str
    kind: str  # What W&B calls its type: `dataset`, `model` …
    digest: str  # Of the manifest: a JSON file that lists paths with digests and sizes.
    size: int  # Of all files together.
    files: int
    description: str = ""
    metadata: dict[str, Plain] = {}
    aliases: tuple[str, ...] = ()


class Use(Struct, frozen=True, array_like=True, tag=13):
    """The run was made with a version of an artifact."""

    time: int
    name: str
    digest: str


Event = Start | Config | Summary | Finish | Lost | Rename | Metric | Describe | Console | Alert | File | Artifact | Use
