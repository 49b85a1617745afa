"""A chart: a table, and which of its columns are drawn how. W&B's presets by name."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from runcast import events
from runcast.events import Plain
from runcast.files import RunFiles
from runcast.media.shelf import WBValue
from runcast.media.table import Table
from runcast.rows import plain

SPLIT = "Custom Chart Tables/"


class CustomChart(WBValue):
    """A table with a way to draw it. In a row stands the table alone, under its key with `_table` behind it."""

    def __init__(
        self,
        id: str,  # noqa: A002  # W&B's keyword.
        data: Table,
        fields: Mapping[str, Any],
        string_fields: Mapping[str, Any] | None = None,
        split_table: bool = False,
    ) -> None:
        if not isinstance(data, Table):
            raise TypeError(f"a chart draws a wandb.Table, not a {type(data).__name__}")
        self.id, self.table = id, data
        self.fields, self.string_fields = dict(fields), dict(string_fields or {})
        self.split_table = split_table

    def publish(self, files: RunFiles, key: str, step: int) -> dict[str, Plain]:
        """Say once how it is drawn, and give the table."""
        name = f"{SPLIT if self.split_table else ''}{key}_table"
        drawn = {"preset": self.id, "table": name, "fields": self.fields, "strings": self.string_fields}
        files.tell(events.Describe(time.time_ns(), {f"chart.{key}": plain(drawn, lenient=True)}))
        return self.table.publish(files, name, step)


Visualize = CustomChart
