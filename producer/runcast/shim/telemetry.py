"""`wandb.sdk.lib.telemetry`: libraries say here which of their features is used, and Runcast does not listen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class TelemetryRecord:
    """Takes any attribute of any attribute, and keeps none of it."""

    def __getattr__(self, name: str) -> TelemetryRecord:
        if name.startswith("__"):
            raise AttributeError(name)
        return TelemetryRecord()

    def __setattr__(self, name: str, value: Any) -> None:
        """Forget it."""


@contextmanager
def context(run: object = None, obj: object = None) -> Iterator[TelemetryRecord]:
    """Give a record to write on."""
    del run, obj
    yield TelemetryRecord()
