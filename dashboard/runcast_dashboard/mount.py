"""The dashboard as an ASGI application, to be mounted at `/` beside the API, or served alone.

Streamlit reads no flags when it is mounted, so the options that matter are set here: nothing calls
out, nothing is watched, and no full garbage collection follows each run of a page, which would stall every socket.
"""

from __future__ import annotations

import contextlib
import gc
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pandas  # noqa: F401  # What the pages will import anyway: paid at the start, and frozen with the rest.
import streamlit as st
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.web.bootstrap import load_config_options

from runcast_dashboard.settings import DashboardSettings, use

SCRIPT = Path(__file__).parent / "app.py"
HOST_CONFIG = "/_stcore/host-config"  # What Streamlit's page asks first of all.

Lifespan = Callable[[Any], AbstractAsyncContextManager[None]]

OPTIONS: dict[str, object] = {
    "browser_gatherUsageStats": False,
    "client_toolbarMode": "minimal",
    "client_showErrorDetails": "none",
    "global_developmentMode": False,
    "runner_postScriptGC": False,  # 90 ms with the interpreter's lock held, after every script run.
    "server_enableWebsocketCompression": False,
    "server_fileWatcherType": "none",
    "theme_light_primaryColor": "#3b6cf6",
    "theme_light_backgroundColor": "#ffffff",
    "theme_light_secondaryBackgroundColor": "#f6f7f9",
    "theme_light_textColor": "#1b2230",
    "theme_light_borderColor": "#e4e7ec",
    "theme_dark_primaryColor": "#6d93ff",
    "theme_dark_backgroundColor": "#151a23",
    "theme_dark_secondaryBackgroundColor": "#0e1219",
    "theme_dark_textColor": "#e6eaf2",
    "theme_dark_borderColor": "#262d3a",
}


def pages(settings: DashboardSettings) -> tuple[ASGIApp, Lifespan]:
    """Return the dashboard and the lifespan that must be open around it. One per process."""
    use(settings)
    dashboard = st.App(SCRIPT)
    load_config_options(OPTIONS)
    quiet = _without_dialogs(dashboard)

    @contextlib.asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        async with dashboard.lifespan()(app):
            gc.collect()
            gc.freeze()
            yield

    return quiet, lifespan


def _without_dialogs(dashboard: ASGIApp) -> ASGIApp:
    """Keep Streamlit from laying a dialog over the page when the line is cut.

    A board goes on without a line: what is there can be read and replayed, and it says itself what is wrong.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].endswith(HOST_CONFIG):
            await dashboard(scope, receive, send)
            return
        held: list[Message] = []

        async def hold(message: Message) -> None:
            held.append(message)

        await dashboard(scope, receive, hold)
        if (told := _told(held)) is not None:
            answered = JSONResponse(told | {"blockErrorDialogs": True}, headers={"Cache-Control": "no-cache"})
            await answered(scope, receive, send)
            return
        # Streamlit's page asks first below its own path, where there is nothing, and is to hear that.
        for message in held:
            await send(message)

    return answer


def _told(messages: Sequence[Message]) -> dict[str, Any] | None:
    """Read the object that an answer is; None where it is something else."""
    if any(message.get("status", 200) != 200 for message in messages):
        return None
    try:
        told = json.loads(b"".join(message.get("body", b"") for message in messages))
    except ValueError:
        return None
    return told if isinstance(told, dict) else None
