"""How one setting is read, from a variable's text or from a value that a program gives; UsageError names both."""

from __future__ import annotations

import math
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from runcast.errors import UsageError

URL_SCHEMES = ("redis://", "rediss://", "unix://")
SHARED = "shared"
MODES = ("online", "offline", "disabled", SHARED)
_OLD_MODES = {"dryrun": "offline", "run": "online"}  # As W&B's modes were called.
RESUMES = ("allow", "must", "never", "auto")
REINIT_DEFAULT, RETURN, FINISH, CREATE = "default", "return_previous", "finish_previous", "create_new"
REINITS = (REINIT_DEFAULT, RETURN, FINISH, CREATE)
TAG_CHARS_MAX = 64  # W&B's own limit.

_YES, _NO = frozenset({"1", "true", "yes", "on", "t", "y"}), frozenset({"0", "false", "no", "off", "f", "n"})


def modern(name: str) -> str:
    """Name a setting of W&B's as it is called today: what begins with `x_` began with `_`."""
    return f"x{name}" if name.startswith("_") else name


def text(where: str, value: Any) -> str:
    """Read a text."""
    del where
    return str(value)


def redis_url(where: str, value: Any) -> str:
    """Read the address of a Redis."""
    url = str(value)
    if not url.startswith(URL_SCHEMES):
        # Loaded by whoever mistyped it: a training has no need of it.
        masked = import_module("runcast.surroundings.secrets").mask_text(url)
        raise UsageError(f"{where} is {masked!r}; it begins with one of {', '.join(URL_SCHEMES)}")
    return url


def page_url(where: str, value: Any) -> str:
    """Read the address of pages."""
    del where
    return str(value).rstrip("/")


def words(where: str, value: Any) -> tuple[str, ...]:
    """Read several texts: one variable has commas between them."""
    if isinstance(value, str):
        return tuple(word.strip() for word in value.split(",") if word.strip())
    if not isinstance(value, Iterable):
        raise UsageError(f"{where} is {value!r}; it is a list of texts")
    return tuple(str(word) for word in value)


def tags(value: Any) -> tuple[str, ...]:
    """Read tags; one text is one tag. Raises UsageError for one that is empty or too long."""
    found = (value,) if isinstance(value, str) else tuple(str(tag) for tag in value)
    for tag in found:
        if not 1 <= len(tag) <= TAG_CHARS_MAX:
            raise UsageError(f"the tag {tag[:20]!r} has {len(tag)} characters; use 1 to {TAG_CHARS_MAX}")
    return found


def is_on(value: str) -> bool:
    """Whether a text says yes."""
    return value.strip().lower() in _YES


def lenient_switch(where: str, value: Any) -> bool:
    """Read yes or no; what is neither is no, for nobody wants a training to end over what is printed."""
    del where
    return is_on(value) if isinstance(value, str) else bool(value)


def switch(where: str, value: Any) -> bool:
    """Read yes or no."""
    if not isinstance(value, str):
        return bool(value)
    if value.strip().lower() not in _YES | _NO:
        raise UsageError(f"{where} is {value!r}; it is 0 or 1")
    return is_on(value)


def seconds(where: str, value: Any) -> float:
    """Read a span of time."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = math.nan
    if not 0 <= found < math.inf:
        raise UsageError(f"{where} is {value!r}; it is a number of seconds")
    return found


def folder(where: str, value: Any) -> Path:
    """Read a folder's path."""
    del where
    return Path(value).expanduser().absolute()


def mode(where: str, value: Any) -> str:
    """Read a mode."""
    return _one_of(where, _OLD_MODES.get(value, value), MODES)


def resume(where: str, value: Any) -> str:
    """Read how to go on with a run: W&B's `True` is `auto`, and `False` is not at all."""
    if isinstance(value, bool) or str(value).lower() in _YES | _NO:
        return "auto" if value is True or is_on(str(value)) else ""
    return _one_of(where, value, RESUMES)


def reinit(where: str, value: Any) -> str:
    """Read what a second `init` does: W&B's `True` finishes the active run, and `False` returns it."""
    if isinstance(value, bool) or str(value).lower() in _YES | _NO:
        return FINISH if value is True or is_on(str(value)) else REINIT_DEFAULT
    return _one_of(where, value, REINITS)


def _one_of(where: str, value: Any, known: tuple[str, ...]) -> str:
    if value not in known:
        raise UsageError(f"{where} is {value!r}; it is one of {', '.join(known)}")
    return str(value)
