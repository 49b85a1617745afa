"""What libraries read on the module `wandb` itself and Runcast has no use for."""

from __future__ import annotations

from types import SimpleNamespace

patched: dict[str, list[list[object]]] = {"tensorboard": [], "keras": [], "gym": []}
"""What W&B's client has replaced in other libraries; Ray and gym look here."""

api = SimpleNamespace(api_key=None, settings=lambda *_, **__: {})
"""The old client object, which Ray asks whether there is a key: a server on this machine needs none."""


def ensure_configured() -> None:
    """Do nothing: there is nothing that has to be configured."""
