"""Work that is done in a thread, and what it works on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def to_its_end(act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do something in a thread, and be cancelled only when it is done.

    A thread cannot be cancelled: what its caller closes, such as a file or a database, is closed under it, and takes
    the whole process along, or what it writes goes to whoever has the descriptor by then.
    """
    work = asyncio.ensure_future(asyncio.to_thread(act, *args, **kwargs))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise
