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


class Lost(Struct, frozen=True, array_like=True, tag=5):
    """The writer had no room left, on disk and in memory, and dropped its newest rows."""

    time: int
    rows: int
    reason: str


class Rename(Struct, frozen=True, array_like=True, tag=6):
    """The run got another display name."""

    time: int
    name: str


Event = Start | Config | Summary | Finish | Lost | Rename
