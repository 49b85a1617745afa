"""A page: text, or a file with some. It is shown in a world of its own, without network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runcast.events import Plain
from runcast.media.shelf import BatchableMedia, Shelf, of_file

FOLDER = "html"
PATH_CHARS_MAX = 1024


class Html(BatchableMedia):
    """A page to be logged: HTML, an open file, or a path that ends in .html, unless `data_is_not_path`."""

    def __init__(self, data: Any, inject: bool = True, data_is_not_path: bool = False) -> None:
        if hasattr(data, "read"):
            if hasattr(data, "seek"):
                data.seek(0)
            data = data.read()
        elif isinstance(data, os.PathLike) or (not data_is_not_path and _is_path(data)):
            data = Path(data).read_text(encoding="utf-8", errors="replace")
        if isinstance(data, bytes):
            data = data.decode("utf-8", "replace")
        if not isinstance(data, str):
            raise ValueError("data must be a string or an io object")
        self.html = _with_base(data) if inject else data

    def shelve(self, shelf: Shelf) -> dict[str, Plain]:
        """Write the dict of an `html-file`."""
        return of_file("html-file", shelf.add(self.html.encode("utf-8", "replace"), FOLDER, "html"))

    @classmethod
    def shelve_all(cls, items: Sequence[Any], shelf: Shelf) -> dict[str, Plain]:
        """Write the dict of several."""
        return {"_type": "html", "count": len(items), "html": [item.shelve(shelf) for item in items]}


def _is_path(data: Any) -> bool:
    if not isinstance(data, str) or len(data) > PATH_CHARS_MAX or not data.endswith(".html"):
        return False
    return Path(data).is_file()


def _with_base(text: str) -> str:
    """Let links open elsewhere, as W&B does: a page within a page would lose itself."""
    base = '<base target="_blank">'
    lowered = text.lower()
    for tag in ("<head>", "<html>"):
        if (at := lowered.find(tag)) >= 0:
            return text[: at + len(tag)] + base + text[at + len(tag) :]
    return base + text
