"""What `init` has decided about a run before it begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runcast.events import JOIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """How a run begins: what it is called, what it was configured with, and what is behind it already."""

    project: str
    run_id: str
    name: str
    config: Mapping[str, Any] = field(default_factory=dict)
    notes: str = ""
    tags: tuple[str, ...] = ()
    group: str = ""
    job_type: str = ""
    label: str = ""  # Which of the run's writers this is.
    begin: str = JOIN  # What becomes of a run that has this id already; see `events`.
    base: str = ""
    base_step: int = 0
    step: int = 0  # The first one to be logged.
    summary: Mapping[str, Any] = field(default_factory=dict)  # Of the rows before that.
    resumed: bool = False
    later: bool = False  # It begins to write only when it is logged to: it was begun in another process.

    @property
    def path(self) -> str:
        """`project/id`: the run's name within everything."""
        return f"{self.project}/{self.run_id}"
