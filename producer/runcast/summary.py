"""A run's summary: the last value of each key, or what its definition says, and what was set by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

from runcast.definitions import Aggregate, Definitions, whole
from runcast.events import Plain
from runcast.journal import Shape
from runcast.rows import plain


class Summary(MutableMapping[str, Any]):
    """Reads like a dict; what is set or deleted is published."""

    def __init__(self, publish: Callable[[dict[str, Plain], tuple[str, ...]], None]) -> None:
        object.__setattr__(self, "_values", {})
        object.__setattr__(self, "_rows", {})
        object.__setattr__(self, "_publish", publish)
        object.__setattr__(self, "_definitions", Definitions())
        object.__setattr__(self, "_aggregates", {})

    _definitions: Definitions
    _aggregates: dict[str, Aggregate | None]  # By key; None: it was set by hand, and that is what counts.
    _values: dict[str, Any]
    _rows: dict[Shape, bytes]  # The last row of each shape, in order, until somebody reads.
    _publish: Callable[[dict[str, Plain], tuple[str, ...]], None]

    def __getitem__(self, key: str) -> Any:
        value = self._settled()[key] if key in self._settled() else self._part(key)
        return Part(self, key, value) if isinstance(value, dict) and "_type" not in value else value

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def __delitem__(self, key: str) -> None:
        names = (key,) if key in self._settled() else tuple(f"{key}.{name}" for name in flat(self._part(key)))
        for name in names:
            del self._values[name]
        self._publish({}, names)

    def __iter__(self) -> Iterator[str]:
        return iter(self._settled())

    def __len__(self) -> int:
        return len(self._settled())

    def __getattr__(self, key: str) -> Any:
        try:
            return self[key]
        except KeyError:
            raise AttributeError(key) from None

    def __setattr__(self, key: str, value: Any) -> None:
        self[key] = value

    def __repr__(self) -> str:
        return repr(self._settled())

    def update(self, *others: Any, **more: Any) -> None:
        """Set several values at once; a dict is brought together with what is there under its name."""
        given = {str(key): plain(value) for key, value in dict(*others, **more).items()}
        held = self._settled()
        # What stands there as a dict is what a definition came to; all other dicts are dotted names, as in rows.
        aggregated = {key for key, value in given.items() if isinstance(held.get(key), dict)}
        values = flat({key: value for key, value in given.items() if key not in aggregated})
        values |= {key: given[key] for key in aggregated}
        held.update(values)
        self._aggregates.update(dict.fromkeys(values))
        self._publish(values, ())

    def track(self, row: Mapping[str, Any]) -> None:
        """Take in a logged row, which publishes itself."""
        values = self._settled()
        for key, value in row.items():
            if not (isinstance(value, int | float) and self._aggregate(key, value)):
                values[key] = value

    def last(self, shape: Shape, body: bytes) -> None:
        """Take in a row of plain numbers as it is written: most are never looked at before the next."""
        rows = self._rows
        rows.pop(shape, None)
        rows[shape] = body

    def define(self, definitions: Definitions, seen: Mapping[str, Aggregate]) -> None:
        """Follow the definitions from now on; `seen` is what was logged before of what they speak of."""
        object.__setattr__(self, "_definitions", definitions)
        values = self._settled()
        for key, aggregate in seen.items():
            if self._aggregates.get(key) is None:
                self._aggregates[key] = aggregate
            self._show(values, key, aggregate)
        if definitions.aggregates:
            # The short way looks at the last row of many: now each of them counts.
            object.__setattr__(self, "last", self._each)

    def follows(self, key: str) -> bool:
        """Whether all values of a key have been counted."""
        return self._aggregates.get(key) is not None

    def last_value(self, key: str) -> Any:
        """Give the last value of a key, whatever the summary shows of it; None for none."""
        aggregate = self._aggregates.get(key)
        value = whole(aggregate.last) if aggregate is not None else self._settled().get(key)
        return None if isinstance(value, dict) else value

    def _part(self, key: str) -> dict[str, Any]:
        """Gather the names below a key; raises KeyError when there is none."""
        start = f"{key}."
        found: dict[str, Any] = {}
        for name, value in list(self._settled().items()):
            if name.startswith(start):
                *path, leaf = name[len(start) :].split(".")
                inner = found
                for step in path:
                    inner = inner.setdefault(step, {})
                inner[leaf] = value
        if not found:
            raise KeyError(key)
        return found

    def _each(self, shape: Shape, body: bytes) -> None:
        self.track(shape.values(body))

    def _aggregate(self, key: str, value: float) -> bool:
        """Bring a value into its key's summary as that is defined; False when that is the last value."""
        definition = self._definitions.of(key)
        if definition is None or not definition.aggregates:
            return False
        aggregate = self._aggregates.setdefault(key, Aggregate())
        if aggregate is None:
            return False
        aggregate.add(float(value))
        self._show(self._values, key, aggregate)
        return True

    def _show(self, values: dict[str, Any], key: str, aggregate: Aggregate) -> None:
        definition = self._definitions.of(key)
        if definition is not None and definition.aggregates:
            if shown := aggregate.shown(definition):
                values[key] = shown
            else:
                values.pop(key, None)

    def _settled(self) -> dict[str, Any]:
        rows = self._rows
        # Another thread may log, or settle too, between any two of these lines.
        while (shape := next(iter(rows), None)) is not None:
            body = rows.pop(shape, None)
            if body is not None:
                self._values.update(shape.values(body))
        return self._values


class Part(MutableMapping[str, Any]):
    """A dict in a summary: reads like one, and what is set in it is published as set in the summary."""

    def __init__(self, whole: MutableMapping[str, Any], key: str, values: dict[str, Any]) -> None:
        object.__setattr__(self, "_whole", whole)
        object.__setattr__(self, "_key", key)
        object.__setattr__(self, "_values", values)

    _whole: MutableMapping[str, Any]
    _key: str
    _values: dict[str, Any]

    def __getitem__(self, key: str) -> Any:
        value = self._values[key]
        return Part(self, key, value) if isinstance(value, dict) and "_type" not in value else value

    def __setitem__(self, key: str, value: Any) -> None:
        self._values[key] = plain(value)
        self._whole[self._key] = self._values

    def __delitem__(self, key: str) -> None:
        del self._values[key]
        del self._whole[self._key]
        self._whole[self._key] = self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __getattr__(self, key: str) -> Any:
        try:
            return self[key]
        except KeyError:
            raise AttributeError(key) from None

    def __setattr__(self, key: str, value: Any) -> None:
        self[key] = value

    def __repr__(self) -> str:
        return repr(self._values)


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Write dicts in dicts as dotted names, as rows have them; what has a `_type` is a value."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict) and "_type" not in value and value:
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found
