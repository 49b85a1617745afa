"""What numbers of classes mean, for boxes and masks over a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runcast.events import Plain
from runcast.media.shelf import Media, Shelf
from runcast.rows import plain


class Classes(Media):
    """Classes, each a dict with `id` and `name`. Raises TypeError for one that is not."""

    def __init__(self, class_set: Sequence[Mapping[str, Any]]) -> None:
        for each in class_set:
            if not isinstance(each, Mapping) or not {"id", "name"} <= set(each):
                raise TypeError("a class is a dict with 'id' and 'name'")
        self._class_set = [plain(each) for each in class_set]

    def shelve(self, shelf: Shelf) -> dict[str, Plain]:
        """Write them out: they need no file."""
        del shelf
        return {"_type": "classes", "class_set": list(self._class_set)}


def as_classes(given: Classes | Sequence[Mapping[str, Any]] | None) -> Classes | None:
    """Take classes in either form."""
    return given if given is None or isinstance(given, Classes) else Classes(given)
