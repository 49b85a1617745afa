"""What stands in a table's cells: plain values with the type that W&B names, and pictures and the like by reference."""

from __future__ import annotations

import math
import sys
from datetime import date, datetime
from importlib import import_module
from typing import Any

from runcast.media.image import Image, figure_of, is_pil
from runcast.media.plotly import Plotly, is_plotly
from runcast.media.shelf import Shelf, WBValue
from runcast.rows import plain

NUMBER, STRING, BOOLEAN, NONE, TIMESTAMP = "number", "string", "boolean", "none", "timestamp"
ANY = "any"
UNION_MAX = 5  # Of types in one column; more is `any`.
# Between these a column may go on without being told that types are mixed.
_NUMBERS = {NUMBER, BOOLEAN}


def kind_of(value: Any) -> str:
    """Name the type of a cell."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return NONE
    if isinstance(value, bool) or type(value).__name__ in {"bool_", "bool"}:
        return BOOLEAN
    if isinstance(value, int | float) or _is_number(value):
        return NUMBER
    if isinstance(value, str):
        return STRING
    if isinstance(value, datetime | date):
        return TIMESTAMP
    if isinstance(value, WBValue):
        return type(value).__name__
    if hasattr(value, "shape") and hasattr(value, "tolist"):
        return "ndarray"
    if isinstance(value, list | tuple | set):
        return "list"
    return "dictionary" if isinstance(value, dict) else "object"


def _is_number(value: Any) -> bool:
    return hasattr(value, "dtype") and getattr(value, "shape", None) == () and hasattr(value, "item")


def fits(kind: str, known: set[str]) -> bool:
    """Whether a value of this type may stand in a column of those types."""
    if kind == NONE or not known - {NONE} or kind in known:
        return True
    return kind in _NUMBERS and bool(known & _NUMBERS)


def cell(value: Any, shelf: Shelf) -> Any:
    """Write a cell as JSON knows it; what has files puts them on the shelf."""
    if (shown := shown_by(value)) is not None:
        return shown.shelve(shelf)
    if isinstance(value, list | tuple) and any(isinstance(each, WBValue) for each in value):
        return [cell(each, shelf) for each in value]
    if hasattr(value, "tolist") and hasattr(value, "shape"):
        value = value.item() if value.shape == () else value.tolist()
    return finite(plain(value, lenient=True))


def shown_by(value: Any) -> WBValue | None:
    """Give what shows a value: itself, if it is one of our types, or the type that stands for a figure or a picture."""
    if isinstance(value, WBValue):
        return value
    module = type(value).__module__.partition(".")[0]
    if module in {"matplotlib", "PIL", "plotly", "pandas"} or type(value).__name__ == "module":
        return _foreign(value)
    return None


def _foreign(value: Any) -> WBValue | None:
    if is_plotly(value):
        return Plotly(value)
    if is_pil(value) or figure_of(value) is not None:
        return Image(value)
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(value, pandas.DataFrame):
        table: WBValue = import_module("runcast.media.table").Table(dataframe=value)  # A table's cells may be tables.
        return table
    return None


def finite(value: Any) -> Any:
    """Write NaN and infinities as text: JSON has no words for them."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, list):
        return [finite(each) for each in value]
    if isinstance(value, dict):
        return {key: finite(each) for key, each in value.items()}
    return value


def column_type(kinds: set[str]) -> dict[str, Any]:
    """Describe a column's types as W&B's file does."""
    if not kinds or len(kinds) > UNION_MAX:
        return {"wb_type": ANY}
    written = [{"wb_type": _written(kind)} for kind in sorted(kinds)]
    if len(written) == 1:
        return dict(written[0])
    return {"wb_type": "union", "params": {"allowed_types": written}}


def _written(kind: str) -> str:
    return {"Image": "image-file", "Audio": "audio-file", "Video": "video-file", "Html": "html-file"}.get(kind, kind)
