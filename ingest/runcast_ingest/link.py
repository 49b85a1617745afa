"""How the service speaks with Redis: no hidden retry, no endless wait."""

from __future__ import annotations

import asyncio

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

SOCKET_SECONDS = 10.0  # Above every BLOCK, so that only a dead server runs into it.


def connect(url: str) -> Redis:
    """Name a Redis by its URL; nothing is sent before the first command."""
    # The client's own retry sends a command again that may have been done; here every loop starts from what is stored.
    return Redis.from_url(
        url,
        protocol=3,
        legacy_responses=False,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=SOCKET_SECONDS,
        socket_connect_timeout=SOCKET_SECONDS,
    )


def heed_cancellation() -> None:
    """Raise a cancellation that was swallowed on the way; a loop over Redis calls this each time around.

    redis-py sends with asyncio.wait_for, which before Python 3.12 drops a cancellation that arrives as it ends.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
