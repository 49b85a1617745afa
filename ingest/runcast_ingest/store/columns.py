"""Which keys the configs and summaries of many runs have, and what their values are. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from runcast.conditions import plain
from runcast_ingest.store.codec import unpack_document

RUNS_MAX = 20_000  # Looked at, the newest: a key that only older ones have can still be named.
VALUES_MAX = 400_000  # Looked at, of the newest runs first: half a second, also where each run has thousands of keys.
COLUMNS_MAX = 5000  # Of configs and of summaries, each; those that most runs have.
DISTINCT_MAX = 50  # Counted so far; beyond them nobody wants to group by it.
DEPTH_MAX = 20


class Column(Struct, frozen=True):
    """A key, how many runs have it, for how many it is a number, and how many different values it has, to a bound."""

    key: str
    runs: int
    numbers: int
    distinct: int


def columns_of(documents: Iterable[bytes]) -> list[Column]:
    """Count the keys of documents, as they are packed; a damaged one has none."""
    runs: dict[str, int] = {}
    numbers: dict[str, int] = {}
    values: dict[str, set[Any]] = {}
    looked = 0
    for packed in documents:
        if looked > VALUES_MAX:
            break
        try:
            document = unpack_document(packed)
        except (ValueError, RecursionError, msgspec.DecodeError):
            continue
        if not isinstance(document, dict):
            continue
        for key, value in flat(document):
            looked += 1
            runs[key] = runs.get(key, 0) + 1
            if value == "NaN" or not isinstance(value, str):
                numbers[key] = numbers.get(key, 0) + 1
            seen = values.setdefault(key, set())
            if len(seen) < DISTINCT_MAX:
                seen.add(value)
    often = sorted(runs, key=lambda key: -runs[key])[:COLUMNS_MAX]  # In order of appearance where they are as frequent.
    return [Column(key, runs[key], numbers.get(key, 0), len(values[key])) for key in often]


def flat(values: Mapping[str, Any], prefix: str = "", depth: int = 0) -> Iterable[tuple[str, Any]]:
    """Give nested values with dotted names, and lists as text; what is neither number nor text is left out."""
    for key, value in values.items():
        if isinstance(value, dict) and value and depth < DEPTH_MAX:
            yield from flat(value, f"{prefix}{key}.", depth + 1)
            continue
        held = plain(value)
        if held is not None:
            yield f"{prefix}{key}", str(held) if isinstance(held, list) else held
