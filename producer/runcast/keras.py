"""`from runcast.keras import WandbCallback`: the place where tutorials look for the callbacks of Keras."""

from __future__ import annotations

from runcast.integration.keras import WandbCallback, WandbEvalCallback, WandbMetricsLogger, WandbModelCheckpoint

__all__ = ["WandbCallback", "WandbEvalCallback", "WandbMetricsLogger", "WandbModelCheckpoint"]
