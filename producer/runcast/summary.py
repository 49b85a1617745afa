"""A run's summary: the last value of each key that was logged, and what was set by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

from runcast.events import Plain
from runcast.journal import Shape
from runcast.rows import plain


class Summary(MutableMapping[str, Any]):
    """Reads like a dict; what is set or deleted is published."""

    def __init__(self, publish: Callable[[dict[str, Plain], tuple[str, ...]], None]) -> None:
        object.__setattr__(self, "_values", {})
        object.__setattr__(self, "_rows", {})
        object.__setattr__(self, "_publish", publish)

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
        self._publish(values, ())

    def track(self, row: Mapping[str, Any]) -> None:
        """Take in a logged row, which publishes itself."""
        self._settled().update(row)

    def last(self, shape: Shape, body: bytes) -> None:
        """Take in a row of plain numbers as it is written: most are never looked at before the next."""
        rows = self._rows
        rows.pop(shape, None)
        rows[shape] = body

    def _settled(self) -> dict[str, Any]:
        rows = self._rows
        # Another thread may log, or settle too, between any two of these lines.
        while (shape := next(iter(rows), None)) is not None:
            body = rows.pop(shape, None)
            if body is not None:
                self._values.update(shape.values(body))
        return self._values
