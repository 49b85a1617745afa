"""`wandb.sdk.lib.ipython`: whether the program is a notebook's."""

from __future__ import annotations

import sys


def in_notebook() -> bool:
    """Whether a Jupyter kernel runs this program."""
    return "ipykernel" in sys.modules


def in_jupyter() -> bool:
    """Whether a Jupyter kernel runs this program; the older name."""
    return in_notebook()
