"""Say in Redis where this service is reached over HTTP: a trainer that knows only its Redis sends its files there."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress

from runcast import transport
from runcast.streams import SERVICE_HOST, SERVICE_KEY, SERVICE_URL

EVERY_SECONDS = 30.0  # A Redis that forgot everything knows it again soon.


async def announce(redis_url: str, url: str) -> None:
    """Write it down again and again, for as long as the service lives."""
    while True:
        with suppress(*transport.TROUBLE):
            await asyncio.to_thread(_write, redis_url, url)
        await asyncio.sleep(EVERY_SECONDS)


def public(listening: str, *, is_local: bool, given: str | None) -> str:
    """Choose the address that others use: what was given, else this machine's name where it listens to others."""
    if given is not None or is_local:
        return given or listening
    return f"http://{os.uname().nodename}:{listening.rpartition(':')[2]}"


def _write(redis_url: str, url: str) -> None:
    with transport.connect(redis_url) as client:
        client.hset(SERVICE_KEY, mapping={SERVICE_URL: url, SERVICE_HOST: os.uname().nodename})
