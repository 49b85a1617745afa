"""What artifacts are called: `[[ENTITY/]PROJECT/]NAME[:VERSION]`. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from runcast.errors import UsageError

LATEST = "latest"  # Stands for the newest version, of every name.
NAME_CHARS_MAX = 128
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_VERSION = re.compile(r"v\d{1,9}")


class Reference(NamedTuple):
    """Which version is meant; `project` is empty where none was named."""

    project: str
    name: str
    version: str


def is_name(name: str) -> bool:
    """Whether an artifact may be called so."""
    return _NAME.fullmatch(name) is not None and name not in {".", ".."}


def check_name(name: str) -> str:
    """Return an artifact's name if it may be one; raises UsageError."""
    if not isinstance(name, str) or not is_name(name):
        raise UsageError(
            f"Artifact name may only contain alphanumeric characters, dashes, underscores, and dots, at most "
            f"{NAME_CHARS_MAX} of them. Invalid name: {str(name)[:200]!r}"
        )
    return name


def is_version(text: str) -> bool:
    """Whether that is a version's own name, such as v3, which no alias may be."""
    return _VERSION.fullmatch(text) is not None


def parse(text: str) -> Reference:
    """Read a reference; without a version it is the latest. Raises UsageError."""
    path, _, version = text.partition(":")
    *before, name = path.removesuffix("/").split("/")
    if not is_name(name) or len(before) > 2:
        raise UsageError(f"{text[:300]!r} names no artifact; write NAME:ALIAS or PROJECT/NAME:ALIAS")
    return Reference(before[-1] if before else "", name, version or LATEST)
