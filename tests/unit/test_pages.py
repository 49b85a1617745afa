"""The dashboard loads while the service serves already."""

from __future__ import annotations

import asyncio
import importlib
import threading
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp

from runcast.cli.pages import Later
from runcast_dashboard import mount
from runcast_dashboard.settings import DashboardSettings

SETTINGS = DashboardSettings("http://127.0.0.1:1", "")


def client(app: ASGIApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


async def test_a_page_asked_for_too_early_waits_until_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    may_load, opened = threading.Event(), list[str]()

    @asynccontextmanager
    async def lifespan(_: Any) -> Any:
        opened.append("open")
        yield
        opened.append("closed")

    def load(_: str) -> Any:
        may_load.wait(10)
        return SimpleNamespace(pages=lambda _: (PlainTextResponse("a page"), lifespan))

    monkeypatch.setattr(importlib, "import_module", load)
    app = Later(SETTINGS)
    async with app.lifespan(None), client(app) as browser:
        asked = asyncio.create_task(browser.get("/"))
        await asyncio.sleep(0.05)
        assert not asked.done()
        may_load.set()
        assert (await asked).text == "a page"
    assert opened == ["open", "closed"]


async def test_pages_that_cannot_be_loaded_say_why(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def load(_: str) -> Any:
        raise ImportError("numpy is broken")

    monkeypatch.setattr(importlib, "import_module", load)
    app = Later(SETTINGS)
    async with app.lifespan(None), client(app) as browser:
        answer = await browser.get("/")
    assert (answer.status_code, answer.text) == (503, "the dashboard cannot be loaded: numpy is broken")
    assert "the dashboard cannot be loaded" in caplog.text


@pytest.mark.parametrize(
    ("said", "status", "heard"),
    [
        (JSONResponse({"allowedOrigins": []}), 200, '{"allowedOrigins":[],"blockErrorDialogs":true}'),
        (PlainTextResponse("Not Found", 404), 404, "Not Found"),
        (PlainTextResponse(""), 200, ""),
    ],
)
async def test_a_page_hears_of_its_host_what_streamlit_says(said: ASGIApp, status: int, heard: str) -> None:
    """It asks below the path of each page first, where Streamlit has nothing to say."""
    async with client(mount._without_dialogs(said)) as browser:
        answer = await browser.get("/run/_stcore/host-config")
    assert (answer.status_code, answer.text) == (status, heard)
