"""`wandb.sdk.lib.disabled`: classes of old releases that libraries name in `isinstance`; a disabled run is a `Run`."""

from __future__ import annotations

from typing import Any


class RunDisabled:
    """No run is one of these."""


class SummaryDisabled(dict[str, Any]):
    """No summary is one of these."""
