"""A run's summary: the last value of each key, or what its definition says, and what was set by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

from runcast.definitions import Aggregate, Definitions
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
        return self._settled()[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def __delitem__(self, key: str) -> None:
        del self._settled()[key]
        self._publish({}, (key,))

    def __iter__(self) -> Iterator[str]:
        return iter(self._settled())

    def __len__(self) -> int:
        return len(self._settled())

    def __getattr__(self, key: str) -> Any:
        try:
            return self._settled()[key]
        except KeyError:
            raise AttributeError(key) from None

    def __setattr__(self, key: str, value: Any) -> None:
        self[key] = value

    def __repr__(self) -> str:
        return repr(self._settled())

    def update(self, *others: Any, **more: Any) -> None:
        """Set several values at once."""
        values = {str(key): plain(value) for key, value in dict(*others, **more).items()}
        self._settled().update(values)
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
            if self._aggregates.setdefault(key, aggregate) is not None:
                self._show(values, key, aggregate)
        if definitions.aggregates:
            # The short way looks at the last row of many: now each of them counts.
            object.__setattr__(self, "last", self._each)

    def follows(self, key: str) -> bool:
        """Whether all values of a key have been counted, or need not be."""
        return key in self._aggregates

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
