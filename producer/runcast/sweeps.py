"""W&B's sweeps, which Runcast does not run: who asks for one is told what does it well, and logs here."""

from __future__ import annotations

from typing import Any, NoReturn

from runcast.errors import UnsupportedError


def sweep(sweep: Any = None, *_: Any, **__: Any) -> NoReturn:
    """Raise UnsupportedError."""
    del sweep
    raise UnsupportedError(f"sweep() is not part of Runcast; {_INSTEAD}")


def agent(sweep_id: Any = None, *_: Any, **__: Any) -> NoReturn:
    """Raise UnsupportedError."""
    del sweep_id
    raise UnsupportedError(f"agent() is not part of Runcast; {_INSTEAD}")


def controller(sweep_id: Any = None, *_: Any, **__: Any) -> NoReturn:
    """Raise UnsupportedError."""
    del sweep_id
    raise UnsupportedError(f"controller() is not part of Runcast; {_INSTEAD}")


_INSTEAD = (
    "search with Optuna, whose trials are logged by runcast.integration.optuna, and compare the runs on the board"
)
