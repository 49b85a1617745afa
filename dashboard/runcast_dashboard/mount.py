"""The dashboard as an ASGI application, to be mounted at `/` beside the API, or served alone.

Streamlit reads no flags when it is mounted, so the options that matter are set here: nothing calls
out, nothing is watched, and no full garbage collection follows each run of a page, which would stall every socket.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pandas  # noqa: F401  # What the pages will import anyway: paid at the start, and frozen with the rest.
import streamlit as st
from starlette.types import ASGIApp
from streamlit.web.bootstrap import load_config_options

from runcast_dashboard.settings import DashboardSettings, use

SCRIPT = Path(__file__).parent / "app.py"

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

    @contextlib.asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        async with dashboard.lifespan()(app):
            gc.collect()
            gc.freeze()
            yield

    return dashboard, lifespan
