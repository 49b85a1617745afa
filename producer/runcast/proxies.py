"""`runcast.config` and `runcast.summary`: the active run's own, and W&B's error while there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


class Proxy:
    """Stands for something of the active run; `find` gives it, and raises UsageError with what was asked for."""

    __slots__ = ("_find", "_name")

    def __init__(self, name: str, find: Callable[[str], Any]) -> None:
        object.__setattr__(self, "_name", name)
        object.__setattr__(self, "_find", find)

    def _of(self, what: str) -> Any:
        return object.__getattribute__(self, "_find")(f"{object.__getattribute__(self, '_name')}{what}")

    def __getattr__(self, key: str) -> Any:
        # What Python itself looks for, such as `__wrapped__`, is no value of anybody's.
        if key.startswith("__"):
            raise AttributeError(key)
        return getattr(self._of(f".{key}"), key)

    def __setattr__(self, key: str, value: Any) -> None:
        setattr(self._of(f".{key}"), key, value)

    def __delattr__(self, key: str) -> None:
        del self._of(f".{key}")[key]

    def __getitem__(self, key: str) -> Any:
        return self._of(f"[{key!r}]")[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._of(f"[{key!r}]")[key] = value

    def __delitem__(self, key: str) -> None:
        del self._of(f"[{key!r}]")[key]

    def __contains__(self, key: object) -> bool:
        return key in self._of(f"[{key!r}]")

    def __iter__(self) -> Iterator[str]:
        return iter(self._of(".keys"))

    def __len__(self) -> int:
        return len(self._of(".keys"))

    def __repr__(self) -> str:
        try:
            return repr(self._of(""))
        except Exception:  # Whoever prints it before `init` wants to see that, and no error.
            return f"<{object.__getattribute__(self, '_name')} before init()>"
