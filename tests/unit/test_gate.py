"""The gate opens to who may come in, and to nobody else. No server is needed to ask it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from runcast import gate, signin, tickets
from runcast.gate import ADMITTED, Gate

TOKEN = "correct horse"


class Answer:
    """What came back: from the gate, or `inside` when the request passed it."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.inside = False
        self.admitted = False
        self.code = 0


async def ask(
    door: Gate, path: str = "/", *, method: str = "GET", kind: str = "http", body: bytes = b"", **headers: str
) -> Answer:
    """Knock."""
    answer = Answer()
    path, _, query = path.partition("?")
    sent = {"host": "127.0.0.1:8484"} | {name.replace("_", "-"): value for name, value in headers.items()}
    scope: dict[str, Any] = {
        "type": kind,
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "scheme": "http",
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
        "answer": answer,
    }

    async def receive() -> Mapping[str, Any]:
        return {"type": "websocket.connect" if kind == "websocket" else "http.request", "body": body}

    async def send(message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        elif message["type"] == "http.response.body":
            answer.body += message["body"]
        elif message["type"] == "websocket.close":
            answer.code = message["code"]

    await door(scope, receive, send)  # type: ignore[arg-type]
    return answer


async def inside(scope: Any, receive: Any, send: Any) -> None:
    """The app behind the gate."""
    scope["answer"].inside = True
    scope["answer"].admitted = scope[ADMITTED]
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"in"})


@pytest.fixture
def local() -> Gate:
    return Gate(inside)


@pytest.fixture
def guarded() -> Gate:
    return Gate(inside, token=TOKEN, origins=["https://dash.example"], clock=lambda: 1000.0)


@pytest.mark.parametrize("host", ["127.0.0.1:8484", "localhost:1", "LOCALHOST", "[::1]:8484", "[::1]"])
async def test_without_a_token_this_machine_comes_in_under_its_own_names(local: Gate, host: str) -> None:
    assert (await ask(local, host=host)).inside


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8484", "", "[::2]"])
@pytest.mark.parametrize("path", ["/", "/api/v1/projects", "/healthz", "/signin"])
async def test_a_name_that_was_bound_to_this_machine_elsewhere_does_not(local: Gate, host: str, path: str) -> None:
    answer = await ask(local, path, host=host)
    assert answer.status == 421
    assert "RUNCAST_HOSTS" in json.loads(answer.body)["error"]["message"]


async def test_names_can_be_added() -> None:
    door = Gate(inside, hosts=["Runs.Example"])
    assert (await ask(door, host="runs.example:80")).inside
    assert not (await ask(door, host="other.example")).inside


async def test_another_origin_changes_nothing(local: Gate) -> None:
    assert (await ask(local, method="POST", origin="http://evil.example")).status == 403
    assert (await ask(local, method="DELETE", origin="null")).status == 403
    assert (await ask(local, method="POST", origin="http://127.0.0.1:8484")).inside


@pytest.mark.parametrize("path", ["/live", "/_stcore/stream"])
async def test_another_origin_opens_no_socket_here_either(local: Gate, path: str) -> None:
    answer = await ask(local, path, kind="websocket", origin="http://evil.example")
    assert (answer.inside, answer.code) == (False, 4403)
    assert (await ask(local, path, kind="websocket", origin="http://127.0.0.1:8484")).inside
    assert (await ask(local, path, kind="websocket")).inside


async def test_a_program_without_the_token_is_told_how(guarded: Gate) -> None:
    answer = await ask(guarded, "/api/v1/projects")
    assert (answer.status, answer.inside) == (401, False)
    assert json.loads(answer.body)["error"]["code"] == "unauthorised"


async def test_a_browser_without_the_token_is_sent_to_sign_in(guarded: Gate) -> None:
    answer = await ask(guarded, "/run?project=a&run=b", accept="text/html")
    assert answer.status == 303
    assert answer.headers["location"] == "/signin?next=%2Frun%3Fproject%3Da%26run%3Db"


async def test_the_token_opens(guarded: Gate) -> None:
    assert (await ask(guarded, "/api/v1/projects", authorization=f"Bearer {TOKEN}")).inside
    assert not (await ask(guarded, "/api/v1/projects", authorization=f"Bearer {TOKEN}x")).inside
    assert not (await ask(guarded, "/api/v1/projects", authorization=f"Basic {TOKEN}")).inside


async def test_signing_in_leaves_a_cookie_that_opens_and_no_script_can_read(guarded: Gate) -> None:
    form = urlencode({"token": TOKEN}).encode()
    answer = await ask(guarded, "/signin?next=/runs", method="POST", body=form, origin="http://127.0.0.1:8484")
    assert (answer.status, answer.headers["location"]) == (303, "/runs")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert (await ask(guarded, "/runs", cookie=cookie.partition(";")[0])).inside
    assert (await ask(guarded, "/live", kind="websocket", cookie=cookie.partition(";")[0])).admitted


async def test_a_wrong_token_leaves_none(guarded: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "REFUSED_SECONDS", 0.0)
    answer = await ask(guarded, "/signin", method="POST", body=b"token=guess")
    assert answer.status == 401
    assert "set-cookie" not in answer.headers
    assert b"guess" not in answer.body


@pytest.mark.parametrize(
    "where", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", ""]
)
async def test_signing_in_leads_nowhere_else(guarded: Gate, where: str) -> None:
    form = urlencode({"token": TOKEN}).encode()
    answer = await ask(guarded, f"/signin?{urlencode({'next': where})}", method="POST", body=form)
    assert answer.headers["location"] == "/"


async def test_a_cookie_that_ran_out_or_was_made_up_opens_nothing(guarded: Gate) -> None:
    old = tickets.mint(TOKEN, tickets.SESSION, now=0, seconds=10)
    live = tickets.mint(TOKEN, tickets.LIVE, now=1000, seconds=10)
    for value in (old, live, "rc1.session.99999999999.00.00", '"'):
        assert not (await ask(guarded, "/runs", cookie=f"{gate.COOKIE}={value}")).inside


async def test_live_may_upgrade_and_is_told_that_nobody_was_admitted(guarded: Gate) -> None:
    answer = await ask(guarded, "/live", kind="websocket")
    assert (answer.inside, answer.admitted) == (True, False)
    assert not (await ask(guarded, "/_stcore/stream", kind="websocket")).inside


async def test_live_opens_to_pages_of_the_origins_that_were_named(guarded: Gate) -> None:
    assert (await ask(guarded, "/live", kind="websocket", origin="https://dash.example")).inside
    assert not (await ask(guarded, "/live", kind="websocket", origin="https://dash.example.evil")).inside
    assert not (await ask(guarded, "/_stcore/stream", kind="websocket", origin="https://dash.example")).inside


def test_a_first_message_may_bring_the_secret_or_a_ticket_for_it(guarded: Gate) -> None:
    assert guarded.admits(TOKEN)
    assert guarded.admits(tickets.mint(TOKEN, tickets.LIVE, now=1000, seconds=10))
    assert not guarded.admits(tickets.mint(TOKEN, tickets.SESSION, now=1000, seconds=10))
    assert not guarded.admits("")


@pytest.mark.parametrize("path", sorted(gate.OPEN - {"/signout"}))
async def test_what_is_open_is_open(guarded: Gate, path: str) -> None:
    assert (await ask(guarded, path)).status == 200


@pytest.mark.parametrize("path", ["/healthz/", "//healthz", "/healthz/../api/v1/projects", "/HEALTHZ", "/signin/x"])
async def test_what_looks_open_is_not(guarded: Gate, path: str) -> None:
    assert (await ask(guarded, path)).status == 401


async def test_every_answer_says_that_it_is_what_it_says_it_is(local: Gate) -> None:
    headers = (await ask(local)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "SAMEORIGIN"


def test_the_sign_in_page_bears_the_mark_of_the_dashboard() -> None:
    """Whoever is asked for a token sees that it is the same house."""
    logo = (Path(__file__).parents[2] / "dashboard" / "runcast_dashboard" / "logo.svg").read_text()
    page = " ".join(signin.page().decode().split())
    shapes = re.findall(r"<(?:rect|path)[^>]*/>", logo)
    assert len(shapes) == 2
    for shape in shapes:
        assert shape in page
