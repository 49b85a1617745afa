"""The websocket at `/live`: takes what clients say, and runs a session for each; see docs/live-protocol.md."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from runcast.errors import MalformedEntry, RuncastError
from runcast.frames import (
    CLOSE_BAD_MESSAGE,
    CLOSE_FORBIDDEN,
    CLOSE_UNAUTHORISED,
    Ack,
    Ping,
    Request,
    Subscribe,
    parse_request,
)
from runcast.gate import ADMITTED, Gate
from runcast.names import NAME_CHARS_MAX, RUN_ID_CHARS_MAX
from runcast_ingest.broadcast import Broadcast
from runcast_ingest.session import Session
from runcast_ingest.store import Store

MESSAGE_BYTES_MAX = 64 * 1024
SUBSCRIBE_BYTES_MAX = 4 * 1024 * 1024  # Of one that resumes: marks of a hundred thousand writers, 40 bytes each.
NAMES_MAX = 2000  # In one list of a message.
FIRST_SECONDS_MAX = 10.0  # Whoever connects and says nothing holds a socket for nothing.
REASON_BYTES_MAX = 120  # A close frame has 125 bytes, two of them for the code.
CLOSE_TROUBLE, CLOSE_RESTART = 1011, 1012

_log = logging.getLogger(__name__)


class Counts(msgspec.Struct):
    """What all sockets together did."""

    opened: int = 0
    refused: int = 0
    frames: int = 0
    bytes: int = 0


class Refused(Exception):
    """The socket is to be closed with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        self.code, self.reason = code, reason
        super().__init__(reason)


class Live:
    """Every live websocket of a service."""

    def __init__(self, store: Store, broadcast: Broadcast, *, gate: Gate, sockets_max: int) -> None:
        self._store, self._broadcast, self._gate = store, broadcast, gate
        self._sockets_max = sockets_max  # Of one address.
        self._peers: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing = False
        self.counts = Counts()

    @property
    def sockets(self) -> int:
        """How many are open."""
        return self._peers.total()

    async def attend(self, socket: WebSocket) -> None:
        """Serve one websocket, from its upgrade to its end."""
        await socket.accept()
        try:
            with self._counted(socket):
                await self._serve(socket)
        except Refused as refused:
            self.counts.refused += 1
            await _close(socket, refused.code, refused.reason)
        except MalformedEntry as error:
            self.counts.refused += 1
            await _close(socket, CLOSE_BAD_MESSAGE, str(error))
        except RuncastError as error:
            _log.exception("a live session ended")
            await _close(socket, CLOSE_TROUBLE, str(error))
        except WebSocketDisconnect:
            return

    async def close(self) -> None:
        """Say goodbye to everybody: the service stops."""
        self._closing = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @contextmanager
    def _counted(self, socket: WebSocket) -> Iterator[None]:
        peer = socket.client.host if socket.client else ""
        if self._peers[peer] >= self._sockets_max:
            raise Refused(CLOSE_FORBIDDEN, f"{peer} has {self._sockets_max} sockets open; close some")
        self._peers[peer] += 1
        self.counts.opened += 1
        try:
            yield
        finally:
            self._peers[peer] -= 1
            if not self._peers[peer]:
                del self._peers[peer]

    async def _serve(self, socket: WebSocket) -> None:
        first = await self._first(socket)
        seq = 0
        while True:
            session = Session(
                first,
                store=self._store,
                broadcast=self._broadcast,
                send_text=socket.send_text,
                send_frame=lambda data: self._send_frame(socket, data),
                seq=seq,
            )
            again = await self._converse(socket, session)
            if again is None:
                return
            first, seq = again, session.seq

    async def _first(self, socket: WebSocket) -> Subscribe:
        try:
            async with asyncio.timeout(FIRST_SECONDS_MAX):
                request = await _receive(socket)
        except TimeoutError:
            raise Refused(CLOSE_BAD_MESSAGE, "nothing was said; the first message is `sub`") from None
        if not isinstance(request, Subscribe):
            raise Refused(CLOSE_BAD_MESSAGE, "the first message is `sub`")
        if not socket.scope.get(ADMITTED) and not self._gate.admits(request.token):
            raise Refused(CLOSE_UNAUTHORISED, "this server wants its token in `sub`")
        return request

    async def _converse(self, socket: WebSocket, session: Session) -> Subscribe | None:
        """Run a session; returns the `sub` that replaces it, or None when the socket is closed."""
        pump = asyncio.create_task(session.run())
        reader = asyncio.create_task(_listen(socket, session))
        self._tasks |= {pump, reader}
        try:
            await asyncio.wait({pump, reader}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (pump, reader):
                task.cancel()
            ended = await asyncio.gather(pump, reader, return_exceptions=True)
            self._tasks -= {pump, reader}
        if self._closing:
            with suppress(WebSocketDisconnect, RuntimeError):
                await socket.send_text('{"ev":"bye","reason":"the service stops"}')
            raise Refused(CLOSE_RESTART, "the service stops")
        # A reader that left explains everything else that ended.
        for outcome in sorted(ended, key=lambda outcome: not isinstance(outcome, WebSocketDisconnect)):
            if isinstance(outcome, Exception):
                raise outcome
        return ended[1] if isinstance(ended[1], Subscribe) else None

    async def _send_frame(self, socket: WebSocket, data: bytes) -> None:
        self.counts.frames += 1
        self.counts.bytes += len(data)
        await socket.send_bytes(data)


async def _listen(socket: WebSocket, session: Session) -> Subscribe:
    while True:
        request = await _receive(socket)
        if isinstance(request, Subscribe):
            return request
        if isinstance(request, Ack):
            session.ack(request.seq)
        elif isinstance(request, Ping):
            pong = {"ev": "pong", "t": request.t, "server_ms": time.time() * 1000}
            await socket.send_text(msgspec.json.encode(pong).decode())
        else:
            session.look(request)


async def _receive(socket: WebSocket) -> Request:
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005), message.get("reason"))
    said: str | bytes = message.get("text") or message.get("bytes") or b""
    if len(said) > SUBSCRIBE_BYTES_MAX:
        raise _too_long(said, SUBSCRIBE_BYTES_MAX)
    request = parse_request(said)
    if len(said) > MESSAGE_BYTES_MAX and not (isinstance(request, Subscribe) and request.resume):
        raise _too_long(said, MESSAGE_BYTES_MAX)
    _check(request)
    return request


def _too_long(said: str | bytes, bytes_max: int) -> MalformedEntry:
    return MalformedEntry(f"a message of {len(said)} bytes; at most {bytes_max} are read")


def _check(request: Request) -> None:
    """Refuse lists and names that are longer than anything real; raises MalformedEntry."""
    for field, chars_max in (("runs", RUN_ID_CHARS_MAX), ("metrics", NAME_CHARS_MAX)):
        names = getattr(request, field, None) or ()
        if len(names) > NAMES_MAX:
            raise MalformedEntry(f"`{field}` has {len(names)} names; at most {NAMES_MAX}, or a beginning with `*`")
        if any(len(name) > chars_max + 1 for name in names):
            raise MalformedEntry(f"`{field}` has a name of more than {chars_max} characters")
    if isinstance(request, Subscribe) and len(request.project) > NAME_CHARS_MAX:
        raise MalformedEntry(f"`project` has more than {NAME_CHARS_MAX} characters")


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    if socket.application_state is WebSocketState.CONNECTED and socket.client_state is WebSocketState.CONNECTED:
        with suppress(WebSocketDisconnect, RuntimeError):
            await socket.close(code, reason.encode()[:REASON_BYTES_MAX].decode(errors="ignore"))
