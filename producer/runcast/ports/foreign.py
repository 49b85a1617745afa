"""What a run is that another tool recorded: the one shape that every format is read into."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from runcast.events import Event, Start
from runcast.names import RUN_ID_CHARS_MAX

_ID_CHARS = re.compile(r"[^A-Za-z0-9_.-]+")
_DIGEST_CHARS = 8  # Behind an id that had to be made of something else, so that two are not taken for one.


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it was logged."""

    step: int
    time: int  # ns
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Foreign:
    """A run, or a part of one, that was recorded elsewhere.

    `origin` names it for ever: read again, the same origin is the same writer, and what is stored of it already is
    not stored again. So `items` must come in the same order each time, and may only have become more.
    """

    origin: str
    project: str
    id: str
    start: Start
    items: Iterable[Row | Event] = field(default=())
    ended: bool = True  # Nothing follows, as far as is known.
    exit_code: int | None = 0
    end_time: int | None = None  # ns; None: that of the last item.

    @property
    def writer(self) -> str:
        """The writer id that this origin always has."""
        return writer_id(self.origin)


def writer_id(*parts: object) -> str:
    """Make the writer id that these words always make: 16 hexadecimal digits."""
    return sha256("\0".join(["runcast import", *map(str, parts)]).encode()).hexdigest()[:16]


def run_id(name: str, *, origin: str = "") -> str:
    """Make a run id of another tool's name: as it is where it can be, else with what told it apart."""
    plain = _ID_CHARS.sub("-", name).strip("-.")[: RUN_ID_CHARS_MAX - _DIGEST_CHARS - 1]
    if plain and plain == name and not origin:
        return plain
    digest = sha256(f"{origin}\0{name}".encode()).hexdigest()[:_DIGEST_CHARS]
    return f"{plain}-{digest}" if plain else digest
