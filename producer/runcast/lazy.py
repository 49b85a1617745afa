"""Modules that are imported late, by threads: Redis and the asyncio behind it alone take 60 ms.

An import in one thread and a fork in another do not mix: the fork takes the import lock and logging's, the
import wants both, and each waits for the other. So a fork waits until the import is over.
"""

from __future__ import annotations

# What the late import would register for the exit cannot be registered any more when the exit has begun, as it has
# for a program that ends within these 60 ms.
import concurrent.futures.thread  # noqa: F401
import importlib

# Imported so that its fork hook is registered first: hooks run in reverse, and ours comes before it takes its lock.
import logging
import os
import threading
from types import ModuleType

TRANSPORT = "runcast.transport"
FORK_SECONDS_MAX = 10.0  # An import that takes longer than this hangs on something else.

_idle = threading.Event()
_idle.set()
_lock = threading.Lock()
logging.getLogger("runcast")


def transport() -> ModuleType:
    """Import the way to Redis, once; called by senders' threads."""
    return load(TRANSPORT)


def load(name: str) -> ModuleType:
    """Import a module in a thread; a fork in another waits for it."""
    with _lock:
        _idle.clear()
        try:
            return importlib.import_module(name)
        finally:
            _idle.set()


def _before_fork() -> None:
    _idle.wait(FORK_SECONDS_MAX)


os.register_at_fork(before=_before_fork)
