"""Work that is done in a thread."""

from __future__ import annotations

import asyncio
import time

import pytest

from runcast_ingest.threads import to_its_end


async def test_who_is_cancelled_waits_until_the_thread_is_done() -> None:
    """What the caller closes then is used by nobody any more."""
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()
    done: list[str] = []

    def act() -> None:
        loop.call_soon_threadsafe(begun.set)
        time.sleep(0.1)
        done.append("thread")

    async def call() -> None:
        try:
            await to_its_end(act)
        finally:
            done.append("caller")

    task = asyncio.create_task(call())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == ["thread", "caller"]


async def test_what_the_thread_returns_or_raises_is_its_callers() -> None:
    assert await to_its_end(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await to_its_end(lambda: 1 // 0)
