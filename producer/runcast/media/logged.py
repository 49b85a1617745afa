"""What stands in a row for a value that is more than numbers and text: late, for whoever logs such a thing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runcast.events import Plain
from runcast.files import RunFiles
from runcast.media.cells import shown_by
from runcast.media.shelf import BatchableMedia, RunShelf


def logged(files: RunFiles, key: str, step: int, value: Any) -> Mapping[str, Plain] | None:
    """Put a value's files beside the run, and give names with what stands in the row; None for what is none of ours."""
    if isinstance(value, list | tuple):
        items = [shown_by(each) for each in value]
        kind = type(items[0]) if items else None
        if kind is None or not all(type(item) is kind for item in items) or not issubclass(kind, BatchableMedia):
            return None
        return {key: kind.shelve_all(items, RunShelf(files, key, step))}
    shown = shown_by(value)
    return shown.publish(files, key, step) if shown is not None else None
