"""Which runs are meant: a tree of conditions as SQL with parameters, and a field as what can be sorted by.

No word of a reader becomes part of the SQL. What SQLite cannot look into, a config, a summary, tags, is opened by
functions that are added to its connection; they answer numbers, texts and nothing, by the rule of `runcast.conditions`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import aiosqlite
import msgspec

from runcast.conditions import (
    CONFIG,
    FIELDS,
    HIGHEST,
    LOWEST,
    SUMMARY,
    WORDS,
    All,
    Compare,
    Condition,
    Contains,
    Either,
    Exists,
    Field,
    Like,
    Not,
    Value,
    like,
    plain,
    within,
)
from runcast.errors import UsageError
from runcast_ingest.store.codec import unpack_document

DOCUMENTS_KEPT = 8  # Opened ones: a row's are asked several things, one after the other.
Extremes = Mapping[tuple[int, str], tuple[float | None, float | None]]  # By run and metric: lowest and highest value.

COLUMNS = {
    "name": "run.name",
    "id": "run.id",
    "state": "run.state",
    "created": "run.created / 1e9",
    "updated": "run.updated / 1e9",
    "finished": "run.finished / 1e9",
    "duration": "max(0, coalesce(run.finished, run.updated) - run.created) / 1e9",
    "steps": "run.steps",
    "rows": "run.rows",
    "exit_code": "run.exit_code",
    "hidden": "CASE WHEN curation.hidden THEN 'true' ELSE 'false' END",
}
NOTES = "coalesce(curation.notes, runcast_detail(run.details, 'notes'))"
TAGS = "runcast_tags(run.details, curation.added, curation.removed)"

Sql = tuple[str, list[Any]]


def where(condition: Condition) -> Sql:
    """Write a condition as SQL that is 1 or 0; raises UsageError for a regular expression."""
    match condition:
        case All(parts):
            return _joined(" AND ", parts, empty="1")
        case Either(parts):
            return _joined(" OR ", parts, empty="0")
        case Not(part):
            sql, values = where(part)
            return f"(NOT {sql})", values
        case Compare(field, operator, value):
            return _compare(field, operator, value)
        case Contains(field, value):
            sql, values = _listed(field)
            return f"(EXISTS (SELECT 1 FROM json_each({sql}) WHERE json_each.value = ?))", [*values, value]
        case Like(field, pattern):
            listed, given = _listed(field)
            several = f"EXISTS (SELECT 1 FROM json_each({listed}) WHERE runcast_like(json_each.value, ?))"
            if field.kind == WORDS:
                return f"({several})", [*given, pattern]
            sql, values = value_of(field)
            sql = sql.replace("runcast_field(", "runcast_text(", 1)
            return f"(runcast_like({sql}, ?) OR {several})", [*values, pattern, *given, pattern]
        case Exists(field):
            sql, values = value_of(field)
            return f"({sql} IS NOT NULL)", values
    raise UsageError("the service does not search by regular expressions; ~ finds a part of a text")


def value_of(field: Field) -> Sql:
    """Write a field as SQL for its value: a number, a text, or NULL."""
    if field.name in {LOWEST, HIGHEST}:
        return "runcast_extreme(run.key, ?, ?)", [field.path, field.name]
    if field.name in {CONFIG, SUMMARY}:
        return f"runcast_field(run.{field.name}, ?)", [field.path]
    if field.kind == WORDS:
        return f"runcast_words({TAGS})", []
    if field.name == "notes":
        return NOTES, []
    if field.name in COLUMNS:
        return COLUMNS[field.name], []
    if field.name not in FIELDS:
        raise UsageError(f"runs have no field {field.name!r}")
    return "runcast_detail(run.details, ?)", [field.name]


def order(field: Field) -> Sql:
    """Write a field as two columns to sort by, `rank` and `value`: numbers stand before words, NaN, and nothing."""
    if field.name == "created":
        return "0 AS rank, run.created AS value", []
    sql, values = value_of(field)
    rank = f"CASE typeof({sql}) WHEN 'text' THEN CASE {sql} WHEN 'NaN' THEN 2 ELSE 1 END WHEN 'null' THEN 3 ELSE 0 END"
    return f"{rank} AS rank, coalesce({sql}, 0) AS value", values * 3


def metrics_of(condition: Condition | None, *fields: Field) -> set[str]:
    """Name the metrics whose lowest and highest values are asked for."""
    found = {field.path for field in fields if field.name in {LOWEST, HIGHEST}}
    match condition:
        case None:
            pass
        case All(parts) | Either(parts):
            for part in parts:
                found |= metrics_of(part)
        case Not(part):
            found |= metrics_of(part)
        case _:
            found |= metrics_of(None, condition.field)
    return found


def _joined(word: str, parts: Sequence[Condition], *, empty: str) -> Sql:
    made = [where(part) for part in parts]
    return f"({word.join(sql for sql, _ in made) or empty})", [value for _, values in made for value in values]


def _compare(field: Field, operator: str, value: Value) -> Sql:
    sql, values = value_of(field)
    if value is None:
        return f"({sql} IS {'' if operator == '==' else 'NOT '}NULL AND {int(operator == '==')})", values
    if field.name in {LOWEST, HIGHEST} and isinstance(value, str):
        return "(0)", []
    if field.name not in COLUMNS:
        # Numbers compare with numbers, and words with words: in SQLite any word is larger than any number.
        kind = "text" if isinstance(value, str) else "number"
        sql = sql.replace("runcast_field(", f"runcast_{kind}(", 1)
    return f"(coalesce({sql} {operator} ?, 0))", [*values, value]


def _listed(field: Field) -> Sql:
    if field.kind == WORDS:
        return TAGS, []
    if field.name in {CONFIG, SUMMARY}:
        return f"runcast_list(run.{field.name}, ?)", [field.path]
    return "'[]'", []


# The functions.


@lru_cache(DOCUMENTS_KEPT)
def _opened(document: bytes) -> Any:
    return unpack_document(document)


def _found(document: bytes, path: str) -> Value | list[Value]:
    try:
        return plain(within(_opened(document), path))
    except (ValueError, RecursionError, msgspec.DecodeError):
        return None  # A damaged row, which is listed, and fits nothing.


def _field(document: bytes, path: str) -> Any:
    """Find a value: a number, a text, a list as text, or None."""
    found = _found(document, path)
    return _json(found) if isinstance(found, list) else found


def _number(document: bytes, path: str) -> Any:
    found = _found(document, path)
    return None if isinstance(found, str | list) else found


def _text(document: bytes, path: str) -> Any:
    found = _found(document, path)
    return found if isinstance(found, str) else None


def _detail(details: bytes, name: str) -> str | None:
    """Find what a program said about itself: a text as it is, be it "Infinity"."""
    try:
        found = _opened(details).get(name)
    except (ValueError, RecursionError, msgspec.DecodeError, AttributeError):
        return None
    return found if isinstance(found, str) else None


def _list(document: bytes, path: str) -> str:
    found = _found(document, path)
    return _json(found if isinstance(found, list) else [])


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def tags_of(given: Sequence[Any], added: str | None, removed: str | None) -> list[str]:
    """Bring together the tags that a program gave and those that readers added and took away."""
    gone = set(msgspec.json.decode(removed)) if removed else set()
    every = [*map(str, given), *(msgspec.json.decode(added) if added else ())]
    return [tag for tag in dict.fromkeys(every) if tag not in gone]


def _tags(details: bytes, added: str | None, removed: str | None) -> str:
    try:
        given = _opened(details).get("tags", ())
    except (ValueError, RecursionError, msgspec.DecodeError, AttributeError):
        given = ()
    return _json(tags_of(given, added, removed))


def _words(tags: str) -> str | None:
    """Join words to what can be sorted by; None where there are none."""
    every = msgspec.json.decode(tags)
    return ", ".join(every) if every else None


def functions(extremes: Extremes) -> list[tuple[str, int, Callable[..., Any]]]:
    """Give what a connection needs: name, number of arguments, function."""

    def extreme(run: int, metric: str, which: str) -> float | None:
        found = extremes.get((run, metric))
        return None if found is None else found[which == HIGHEST]

    return [
        ("runcast_field", 2, _field),
        ("runcast_number", 2, _number),
        ("runcast_text", 2, _text),
        ("runcast_list", 2, _list),
        ("runcast_detail", 2, _detail),
        ("runcast_tags", 3, _tags),
        ("runcast_words", 1, _words),
        ("runcast_like", 2, lambda held, pattern: int(like(held, pattern))),
        ("runcast_extreme", 3, extreme),
    ]


async def equip(db: aiosqlite.Connection, extremes: Extremes) -> None:
    """Add the functions to a connection."""
    for name, arguments, function in functions(extremes):
        await db.create_function(name, arguments, function, deterministic=name != "runcast_extreme")
