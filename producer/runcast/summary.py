"""A run's summary: the last value of each key that was logged, and what was set by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

from runcast.events import Plain
from runcast.rows import plain


class Summary(MutableMapping[str, Any]):
    """Reads like a dict; what is set or deleted is published."""

    def __init__(self, publish: Callable[[dict[str, Plain], tuple[str, ...]], None]) -> None:
        object.__setattr__(self, "_values", {})
        object.__setattr__(self, "_publish", publish)

    _values: dict[str, Any]
    _publish: Callable[[dict[str, Plain], tuple[str, ...]], None]

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def __delitem__(self, key: str) -> None:
        del self._values[key]
        self._publish({}, (key,))

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __getattr__(self, key: str) -> Any:
        try:
            return self._values[key]
        except KeyError:
            raise AttributeError(key) from None

    def __setattr__(self, key: str, value: Any) -> None:
        self[key] = value

    def __repr__(self) -> str:
        return repr(self._values)

    def update(self, *others: Any, **more: Any) -> None:
        """Set several values at once."""
        values = {str(key): plain(value) for key, value in dict(*others, **more).items()}
        self._values.update(values)
        self._publish(values, ())

    def track(self, row: Mapping[str, Any]) -> None:
        """Take in a logged row, which publishes itself."""
        self._values.update(row)
