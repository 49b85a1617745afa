"""A chart of plotly's, kept as the JSON that describes it."""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from typing import Any

from runcast.errors import UsageError
from runcast.events import Plain
from runcast.media.image import figure_of
from runcast.media.shelf import BatchableMedia, Shelf, of_file

FOLDER = "plotly"


class Plotly(BatchableMedia):
    """A chart to be logged: a figure of plotly's, or of matplotlib's where plotly can translate it."""

    def __init__(self, val: Any) -> None:
        if (figure := figure_of(val)) is not None:
            try:
                val = importlib.import_module("plotly.tools").mpl_to_plotly(figure)
            except ImportError:
                raise UsageError("a matplotlib figure as Plotly needs plotly; wandb.Image(figure) does not") from None
        if callable(getattr(val, "to_json", None)):
            text = val.to_json()
        elif isinstance(val, dict):
            text = json.dumps(val)
        else:
            raise UsageError(f"a {type(val).__name__} is no chart of plotly's or matplotlib's")
        self._source = text.encode()

    def shelve(self, shelf: Shelf) -> dict[str, Plain]:
        """Write the dict of a `plotly-file`."""
        return of_file("plotly-file", shelf.add(self._source, FOLDER, "plotly.json"))

    @classmethod
    def shelve_all(cls, items: Sequence[Any], shelf: Shelf) -> dict[str, Plain]:
        """Write the dict of several."""
        return {"_type": "plotly", "count": len(items), "plotly": [item.shelve(shelf) for item in items]}


def is_plotly(value: Any) -> bool:
    """Whether a value is a figure of plotly's."""
    return type(value).__module__.partition(".")[0] == "plotly" and hasattr(value, "to_json")
