"""What an artifact holds: paths, each with the digest and the size of what lies there. Pure.

Its own digest names a version: the same files under the same paths are the same version, in whatever order they came.
What comes from elsewhere is checked path by path before anybody writes a file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runcast.errors import MalformedEntry
from runcast.paths import is_digest, is_safe_path

VERSION = 1


@dataclass(frozen=True, slots=True)
class Content:
    """What lies at a path: a file, or with `ref` something that lies elsewhere and was only named."""

    digest: str
    size: int
    ref: str = ""


Contents = Mapping[str, Content]


def encode(contents: Contents) -> bytes:
    """Write a manifest, the same bytes for the same contents."""
    told = {
        path: {"digest": each.digest, "size": each.size} | ({"ref": each.ref} if each.ref else {})
        for path, each in sorted(contents.items())
    }
    return json.dumps({"contents": told, "version": VERSION}, sort_keys=True, separators=(",", ":")).encode()


def decode(data: bytes) -> dict[str, Content]:
    """Read a manifest; raises MalformedEntry for one that is none, or that leads out of its folder."""
    try:
        read = json.loads(data)
        if read["version"] != VERSION:
            raise MalformedEntry(f"a manifest of version {read['version']!r}; upgrade Runcast")
        found = {path: _content(path, each) for path, each in read["contents"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MalformedEntry(f"what should be an artifact's manifest is none: {error}") from error
    # A file cannot lie where a folder does: whoever follows the one would write through the other.
    folders = {path.rsplit("/", at)[0] for path in found for at in range(1, path.count("/") + 1)}
    if clash := folders & set(found):
        raise MalformedEntry(f"the manifest has {min(clash)!r} as a file and as a folder")
    return found


def _content(path: str, each: Any) -> Content:
    digest, size, ref = str(each["digest"]), each["size"], str(each.get("ref", ""))
    if not is_safe_path(path):
        raise MalformedEntry(f"the manifest has the path {path[:200]!r}, which leads out of its folder")
    if not is_digest(digest) or not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise MalformedEntry(f"the manifest has no digest and size for {path[:200]!r}")
    return Content(digest, size, ref)


def size_of(contents: Contents) -> int:
    """Add up the files that it holds; what lies elsewhere has no size here."""
    return sum(each.size for each in contents.values() if not each.ref)
