"""Names of files within a run or an artifact, and the digests that their bytes are known by. Pure.

A name is a label: relative, with `/` between its parts, and safe to write on any system, so that whoever downloads it
stays in the folder that was meant.
"""

from __future__ import annotations

import re

from runcast.errors import UsageError

PART_BYTES = 8 * 1024 * 1024  # What one request carries: a proxy in between may hold it all in memory.
PATH_CHARS_MAX = 1024
PART_CHARS_MAX = 255
_DIGEST = re.compile(r"[0-9a-f]{64}")
# Names that Windows keeps for devices, whatever stands behind their first dot.
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}
_STRANGE = re.compile(r'[\\:*?"<>|\x00-\x1f\x7f]')


def is_digest(text: str) -> bool:
    """Whether that is a SHA-256 as it is written here."""
    return _DIGEST.fullmatch(text) is not None


def is_safe_path(path: str) -> bool:
    """Whether a path stays where it is put, on any system."""
    if not path or len(path) > PATH_CHARS_MAX or "\\" in path or ":" in path or not path.isprintable():
        return False
    return all(
        part not in {"", ".", ".."}
        and len(part) <= PART_CHARS_MAX
        and not part.endswith((".", " "))
        and part.split(".")[0].lower() not in _DEVICES
        for part in path.split("/")
    )


def check_path(path: str) -> str:
    """Return a path if it is safe; raises UsageError."""
    if not is_safe_path(path):
        raise UsageError(
            f"{path[:300]!r} cannot be a file's path here; it is relative, with / between names that every system has"
        )
    return path


def safe_part(text: str) -> str:
    """Make a name for a file out of any text, such as a metric's name; slashes stay."""
    kept = "".join(char if char.isprintable() else "_" for char in _STRANGE.sub("_", text))
    parts = [part.strip(" .")[-100:] for part in kept.split("/")]
    return "/".join(f"_{part}" if part.split(".")[0].lower() in _DEVICES else part for part in parts if part) or "_"
