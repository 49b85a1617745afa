"""Every route of the composed app, with the dashboard in it, is closed unless it is declared open."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.routing import BaseRoute, Mount, WebSocketRoute
from tests.flow.stored import leased

from runcast.gate import LIVE, OPEN, Gate
from runcast_dashboard import mount
from runcast_dashboard.settings import DashboardSettings
from runcast_ingest.app import PREFIX, compose
from runcast_ingest.backlogs import Backlogs
from runcast_ingest.broadcast import Broadcast
from runcast_ingest.files import Files
from runcast_ingest.health import Health
from runcast_ingest.live import Live
from runcast_ingest.persister import Persister
from runcast_ingest.states import States
from runcast_ingest.stops import Stops
from runcast_ingest.tail import Tail

TOKEN = "secret"
NOWHERE = "redis://127.0.0.1:1"  # Nothing here asks Redis.
# Streamlit makes its routes when it starts; these are the ways into it that matter.
STREAMLIT = [
    "/",
    "/run",
    "/_stcore/health",
    "/_stcore/host-config",
    "/_stcore/upload_file/x/y",
    "/media/x",
    "/static/x",
]
STREAMLIT_SOCKET = "/_stcore/stream"
METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"]


@pytest.fixture(scope="module")
def pages() -> Any:
    app, _ = mount.pages(DashboardSettings("http://127.0.0.1:1"))
    return app


@asynccontextmanager
async def served(path: Path, pages: Any) -> AsyncIterator[tuple[Any, Gate]]:
    """Compose the whole app behind its gate, as the service does."""
    async with leased(path) as store:
        persister = Persister(NOWHERE, store)
        tail = Tail(NOWHERE, store, persister)
        broadcast = Broadcast(store)
        gate = Gate(lambda *call: app(*call), token=TOKEN)  # noqa: PLW0108  # The app stands behind its gate, and knows it.
        live = Live(store, broadcast, gate=gate, sockets_max=4)
        files = Files(path / "files")
        files.open()
        stops = Stops(persister, States(lambda _path, _state: asyncio.sleep(0)), broadcast)
        app = compose(Health(store, tail, persister, broadcast, live, Backlogs(), 0.0), files, stops, pages=pages)
        yield app, gate


def walk(routes: list[BaseRoute]) -> Iterator[tuple[str, bool]]:
    """Name every route with something in its parameters, and whether it is a websocket."""
    for route in routes:
        if included := getattr(route, "original_router", None):  # Newer FastAPI keeps an included router whole.
            for path, is_socket in walk(included.routes):
                yield path, is_socket
                yield PREFIX + path, is_socket
        elif isinstance(route, Mount):
            yield route.path + "/anything", False
            yield from walk(list(getattr(route.app, "routes", None) or []))
        else:
            path = route.path  # type: ignore[attr-defined]  # A kind of route without a path would need a look.
            for parameter in (
                "{project:path}",
                "{run}",
                "{writer}",
                "{rest:path}",
                "{digest}",
                "{name:path}",
                "{name}",
                "{artifact}",
                "{version}",
            ):
                path = path.replace(parameter, "x")
            assert "{" not in path, path
            yield path, isinstance(route, WebSocketRoute)


async def test_every_route_is_closed_unless_it_is_declared_open(tmp_path: Path, pages: Any) -> None:
    async with served(tmp_path, pages) as (app, gate):
        found = sorted({path for path, is_socket in walk(app.routes) if not is_socket} | set(STREAMLIT))
        assert {re.sub(r"\{\w+\}", "x", path) for path in app.openapi()["paths"]} <= set(found)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(gate), base_url="http://127.0.0.1") as client:
            for path in found:
                for method in METHODS:
                    answer = await client.request(method, path)
                    if path in OPEN:
                        assert answer.status_code != 401, path
                    else:
                        assert answer.status_code == 401, f"{method} {path}"


async def test_every_socket_is_closed_unless_its_first_message_may_open_it(tmp_path: Path, pages: Any) -> None:
    async with served(tmp_path, pages) as (app, gate):
        sockets = {path for path, is_socket in walk(app.routes) if is_socket} | {STREAMLIT_SOCKET}
        assert sockets == {LIVE, STREAMLIT_SOCKET}
        for path in sockets:
            said = await knock(gate, path)
            if path == LIVE:
                assert said == ["websocket.accept", "websocket.close 4401"]
            else:
                assert said == ["websocket.close 4403"]


async def test_a_token_in_the_address_opens_nothing(tmp_path: Path, pages: Any) -> None:
    async with (
        served(tmp_path, pages) as (_, gate),
        httpx.AsyncClient(transport=httpx.ASGITransport(gate), base_url="http://127.0.0.1") as client,
    ):
        for query in (f"token={TOKEN}", f"access_token={TOKEN}", f"authorization=Bearer%20{TOKEN}"):
            assert (await client.get(f"/api/v1/projects?{query}")).status_code == 401
        assert (await client.get("/api/v1/projects", headers={"authorization": f"Bearer {TOKEN}"})).status_code == 200


async def knock(gate: Gate, path: str) -> list[str]:
    """Open a socket without a token, say `sub`, and note what is answered."""
    said: list[str] = []
    messages = iter(
        [
            {"type": "websocket.connect"},
            {"type": "websocket.receive", "text": '{"op":"sub","project":"p"}'},
            {"type": "websocket.disconnect", "code": 1001},
        ]
    )

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        said.append(f"{message['type']} {message.get('code', '')}".strip())

    scope = {"type": "websocket", "path": path, "query_string": b"", "headers": [(b"host", b"127.0.0.1")]}
    await gate(scope | {"client": ("127.0.0.1", 1), "subprotocols": [], "root_path": ""}, receive, send)
    return said
