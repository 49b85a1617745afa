"""A run's config: set once, locked afterwards, readable by item and by attribute, as in W&B."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from runcast.errors import ConfigError, UsageError
from runcast.events import Plain
from runcast.rows import plain


def read_config(source: Any) -> dict[str, Any]:
    """Read a config from a dict, a JSON or YAML file's path, or anything with `vars`; raises UsageError."""
    if source is None:
        return {}
    if isinstance(source, Mapping):
        return {str(key): value for key, value in source.items()}
    if isinstance(source, str | Path):
        return _read_file(Path(source))
    if callable(getattr(source, "flag_values_dict", None)):  # absl flags
        return dict(source.flag_values_dict())
    try:
        return dict(vars(source))
    except TypeError:
        raise UsageError(f"config is a {type(source).__name__}; give a dict, a Namespace or a file") from None


def _read_file(path: Path) -> dict[str, Any]:
    try:
        data = path.read_bytes()
        decode = msgspec.json.decode if path.suffix == ".json" else msgspec.yaml.decode
        found = decode(data)
    except OSError as error:
        raise UsageError(f"config is the path {str(path)!r}, which cannot be read: {error.strerror}") from error
    except ImportError as error:
        raise UsageError(f"config is the YAML file {str(path)!r}; reading it needs `pip install pyyaml`") from error
    except msgspec.MsgspecError as error:
        raise UsageError(f"config is the path {str(path)!r}, which holds no config: {error}") from error
    if not isinstance(found, dict):
        raise UsageError(f"config is the path {str(path)!r}, which holds a {type(found).__name__}, not a mapping")
    # W&B's own files have {"value": …, "desc": …} for each key.
    return {
        str(key): value["value"] if isinstance(value, dict) and set(value) == {"value", "desc"} else value
        for key, value in found.items()
        if key not in {"_wandb", "wandb_version"}
    }


def read_files(paths: Iterable[str]) -> dict[str, Any]:
    """Read files of defaults, the last goes before the others; raises UsageError."""
    found: dict[str, Any] = {}
    for path in paths:
        found.update(_read_file(Path(path)))
    return found


def choose(
    values: Mapping[str, Any], *, include: Iterable[str] | None, exclude: Iterable[str] | None
) -> dict[str, Any]:
    """Leave out what a program does not want of its config."""
    if include:
        values = {key: value for key, value in values.items() if key in set(include)}
    return {key: value for key, value in values.items() if key not in set(exclude or ())}


class Config:
    """What a run was configured with; what is added later is published."""

    _values: dict[str, Any]
    _publish: Callable[[dict[str, Plain]], None]

    def __init__(self, values: Mapping[str, Any], publish: Callable[[dict[str, Plain]], None]) -> None:
        object.__setattr__(self, "_values", {str(key): plain(value, lenient=True) for key, value in values.items()})
        object.__setattr__(self, "_publish", publish)

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __getattr__(self, key: str) -> Any:
        try:
            return self._values[key]
        except KeyError:
            raise AttributeError(f"{type(self)!r} object has no attribute {key!r}") from None

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def __setattr__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(self._values)

    def keys(self) -> Any:
        """Name the keys."""
        return self._values.keys()

    def values(self) -> Any:
        """Give the values."""
        return self._values.values()

    def items(self) -> Any:
        """Give keys with their values."""
        return self._values.items()

    def get(self, key: str, default: Any = None) -> Any:
        """Give a key's value, or the default if it has none."""
        return self._values.get(key, default)

    def as_dict(self) -> dict[str, Any]:
        """Copy it out."""
        return dict(self._values)

    def update(self, source: Any, allow_val_change: bool | None = None) -> None:
        """Set values; raises ConfigError when one is set already to something else, unless that is allowed."""
        fresh = {str(key): plain(value, lenient=True) for key, value in read_config(source).items()}
        if not allow_val_change:
            for key, value in fresh.items():
                if key in self._values and self._values[key] != value:
                    raise ConfigError(
                        f'Attempted to change value of key "{key}" from {self._values[key]} to {value}\n'
                        "If you really want to do this, pass allow_val_change=True to config.update()"
                    )
        changed = {key: value for key, value in fresh.items() if key not in self._values or self._values[key] != value}
        if changed:
            self._values.update(changed)
            self._publish(changed)

    def setdefaults(self, source: Any) -> None:
        """Set the values of keys that have none."""
        self.update({key: value for key, value in read_config(source).items() if key not in self._values})
