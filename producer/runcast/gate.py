"""The one door in front of everything that is served: who may come in, from which page, under which name.

Pure ASGI around the whole composed app, so that nothing behind it can be forgotten: every route, HTTP and websocket
alike, is closed unless it stands in OPEN. Without a token only this machine is served, and only under its own names: a
page elsewhere may make a browser knock here (DNS rebinding, cross-site websockets), but it cannot change what Host and
Origin say. It imports nothing that a trainer does not have, and knows no route but its own.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from runcast import signin, tickets
from runcast.frames import CLOSE_FORBIDDEN

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

ADMITTED = "runcast.admitted"  # In the scope: whether the caller showed the token, or need not.
SIGN_IN, SIGN_OUT, LIVE = "/signin", "/signout", "/live"
OPEN = frozenset({"/healthz", "/favicon.ico", SIGN_IN, SIGN_OUT})
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
COOKIE = "runcast_session"
FORM_BYTES_MAX = 4096
REFUSED_SECONDS = 0.5  # Guessing is slow; mistyping hardly is.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"referrer-policy", b"same-origin"),
)


class Gate:
    """An ASGI app around another. `hosts` are the names it is served under (None: with a token, any);
    `origins` are those of pages that may open `/live` from elsewhere, such as `https://dash.example`.
    """

    def __init__(
        self,
        app: App,
        *,
        token: str | None = None,
        hosts: Iterable[str] | None = None,
        origins: Iterable[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._app, self._token, self._clock = app, token, clock
        if hosts is not None:
            self._hosts: frozenset[str] | None = frozenset(name.lower() for name in hosts) | LOCAL_NAMES
        else:
            self._hosts = LOCAL_NAMES if token is None else None
        self._origins = frozenset(origin.lower().rstrip("/") for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or answer it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._http(scope, receive, _with_headers(send))

    def admits(self, shown: str) -> bool:
        """Whether a first message's token opens `/live`: the secret itself, or a ticket for it."""
        return (
            self._token is None
            or tickets.same(self._token, shown)
            or tickets.is_good(self._token, shown, tickets.LIVE, now=self._clock())
        )

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _read_headers(scope)
        path: str = scope["path"]
        if not self._knows_host(headers):
            await _refuse(
                send, 421, "unknown_host", f"this server is not called {headers.get('host', '')[:80]!r}; "
                "use the address that `runcast status` prints, or name it in RUNCAST_HOSTS"
            )  # fmt: skip
            return
        if scope["method"] not in SAFE_METHODS and not self._is_same_origin(headers):
            await _refuse(send, 403, "foreign_origin", "a page of another origin may not change anything here")
            return
        scope[ADMITTED] = self._is_admitted(headers)
        if path in {SIGN_IN, SIGN_OUT}:
            await self._sign(scope, receive, send)
        elif scope[ADMITTED] or path in OPEN:
            await self._app(scope, receive, send)
        elif scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
            await _redirect(send, f"{SIGN_IN}?next={quote(_path_of(scope), safe='')}")
        else:
            await _refuse(
                send, 401, "unauthorised", "this server wants its token: send it as `Authorization: Bearer TOKEN`",
                (b"www-authenticate", b"Bearer"),
            )  # fmt: skip

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _read_headers(scope)
        path: str = scope["path"]
        scope[ADMITTED] = self._is_admitted(headers)
        if not self._knows_host(headers) or not self._may_connect(headers, path):
            await _hang_up(receive, send, accept=path == LIVE)
        elif scope[ADMITTED] or path == LIVE:
            # The first message of /live may bring the token that its upgrade could not.
            await self._app(scope, receive, send)
        else:
            await _hang_up(receive, send, accept=False)

    async def _sign(self, scope: Scope, receive: Receive, send: Send) -> None:
        secure = "; Secure" if scope.get("scheme") == "https" else ""
        if scope["path"] == SIGN_OUT:
            await _redirect(send, SIGN_IN, f"{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict{secure}")
        elif self._token is None:
            await _redirect(send, "/")
        elif scope["method"] != "POST":
            await _page(send, 200)
        elif tickets.same(self._token, _field(await _read_form(receive), "token")):
            ticket = tickets.mint(
                self._token, tickets.SESSION, now=self._clock(), seconds=tickets.SESSION_SECONDS
            )  # fmt: skip
            await _redirect(
                send,
                _local_path(_field(scope.get("query_string", b""), "next")),
                f"{COOKIE}={ticket}; Path=/; Max-Age={tickets.SESSION_SECONDS}; HttpOnly; SameSite=Strict{secure}",
            )
        else:
            await asyncio.sleep(REFUSED_SECONDS)
            await _page(send, 401, refused=True)

    def _is_admitted(self, headers: dict[str, str]) -> bool:
        if self._token is None:
            return True
        scheme, _, shown = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return tickets.same(self._token, shown.strip())
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return False
        return cookie is not None and tickets.is_good(self._token, cookie.value, tickets.SESSION, now=self._clock())

    def _knows_host(self, headers: dict[str, str]) -> bool:
        return self._hosts is None or _without_port(headers.get("host", "")) in self._hosts

    def _is_same_origin(self, headers: dict[str, str]) -> bool:
        # Programs send no Origin; browsers always do where it matters.
        origin = headers.get("origin")
        return origin is None or _netloc(urlsplit(origin).netloc) == _netloc(headers.get("host", ""))

    def _may_connect(self, headers: dict[str, str], path: str) -> bool:
        return self._is_same_origin(headers) or (
            path == LIVE and headers.get("origin", "").lower().rstrip("/") in self._origins
        )


def _read_headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _netloc(netloc: str) -> str:
    return netloc.lower().removesuffix(":80").removesuffix(":443")


def _without_port(host: str) -> str:
    host = host.lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _path_of(scope: Scope) -> str:
    query: bytes = scope.get("query_string", b"")
    return str(scope["path"]) + ("?" + query.decode("latin-1") if query else "")


def _local_path(path: str) -> str:
    # `//evil.example` and `/\evil.example` are other machines to a browser.
    if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable():
        return quote(path, safe="/?&=%#~:+,;@!$'()*")
    return "/"


async def _read_form(receive: Receive) -> bytes:
    body = b""
    while len(body) <= FORM_BYTES_MAX:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body
    return b""


def _field(form: bytes, name: str) -> str:
    try:
        return parse_qs(form.decode("latin-1"), max_num_fields=10).get(name, [""])[0].strip()
    except ValueError:
        return ""


def _with_headers(send: Send) -> Send:
    async def add(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            present = {name.lower() for name, _ in headers}
            message["headers"] = headers + [each for each in _HEADERS if each[0] not in present]
        await send(message)

    return add


async def _answer(send: Send, status: int, body: bytes, kind: bytes, *headers: tuple[bytes, bytes]) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(b"content-type", kind), length, (b"cache-control", b"no-store"), *headers],
        }
    )
    await send({"type": "http.response.body", "body": body})


async def _refuse(send: Send, status: int, code: str, sentence: str, *headers: tuple[bytes, bytes]) -> None:
    body = json.dumps({"error": {"code": code, "message": sentence}}, ensure_ascii=False).encode()
    await _answer(send, status, body, b"application/json", *headers)


async def _page(send: Send, status: int, *, refused: bool = False) -> None:
    body = signin.page(refused=refused)
    await _answer(send, status, body, b"text/html; charset=utf-8", (b"content-security-policy", signin.CSP.encode()))


async def _redirect(send: Send, where: str, cookie: str | None = None) -> None:
    headers = [(b"location", where.encode("latin-1", "replace"))]
    if cookie is not None:
        headers.append((b"set-cookie", cookie.encode()))
    await _answer(send, 303, b"", b"text/plain", *headers)


async def _hang_up(receive: Receive, send: Send, *, accept: bool) -> None:
    await receive()
    if accept:
        # Only an accepted socket can be closed with a code that its page may read.
        await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": CLOSE_FORBIDDEN, "reason": "this page or address may not connect"})
