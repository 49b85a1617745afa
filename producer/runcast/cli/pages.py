"""The dashboard as `runcast up` mounts it: under the service's own address, sharing its token and its live socket.

Streamlit and pandas behind it take longer to load than all the rest. The service does not wait for them: trainings are
heard at once, and whoever asks for a page in the first seconds waits until there is one.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import Any

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from runcast.errors import ServerMissing
from runcast_dashboard.settings import DashboardSettings
from runcast_ingest.app import Lifespan
from runcast_ingest.service import address
from runcast_ingest.settings import Settings

_log = logging.getLogger(__name__)


class Later:
    """An ASGI application that loads in a thread while its lifespan lasts; requests wait for it."""

    def __init__(self, settings: DashboardSettings) -> None:
        self._settings = settings
        self._app: asyncio.Future[ASGIApp] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the page, or say why there is none."""
        assert self._app is not None  # noqa: S101  # A server opens the lifespan before it takes a request.
        try:
            app = await asyncio.shield(self._app)
        except Exception as error:
            if scope["type"] == "http":
                await PlainTextResponse(f"the dashboard cannot be loaded: {error}", 503)(scope, receive, send)
            return
        await app(scope, receive, send)

    @asynccontextmanager
    async def lifespan(self, app: Any) -> AsyncIterator[None]:
        """Load the pages, and end them at the end."""
        self._app = asyncio.get_running_loop().create_future()
        closing = asyncio.Event()
        # In a task of its own: what a lifespan opens must be closed by the task that opened it.
        task = asyncio.create_task(self._serve(app, self._app, closing))
        try:
            yield
        finally:
            closing.set()
            await task

    async def _serve(self, around: Any, loaded: asyncio.Future[ASGIApp], closing: asyncio.Event) -> None:
        try:
            mount = await asyncio.to_thread(importlib.import_module, "runcast_dashboard.mount")
            pages, lifespan = mount.pages(self._settings)
            # Streamlit lets every logger speak; what a web server does when all is well is no news.
            for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
                logging.getLogger(name).setLevel(logging.WARNING)
            async with lifespan(around):
                loaded.set_result(pages)
                await closing.wait()
        except Exception as error:
            _log.exception("the dashboard cannot be loaded")
            if not loaded.done():
                loaded.set_exception(error)
                loaded.exception()  # Seen: nobody has to ask for a page.


def mounted(settings: Settings, line: socket.socket) -> tuple[ASGIApp, Lifespan]:
    """Make the pages for a service that will listen on `line`; raises ServerMissing when the extra is not there."""
    if find_spec("streamlit") is None:
        raise ServerMissing(
            "`runcast up` needs streamlit, which is not installed; pip install 'runcast[all]', or give --no-dashboard"
        )
    pages = Later(DashboardSettings(address(line), settings.token or ""))
    return pages, pages.lifespan
