"""A TCP proxy that does to a connection what networks do: cut, refuse, delay, lose the answers, tear a command in half.

It runs in a thread of its own; the switches are plain attributes, and `port` stays the same for its life.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress


class Proxy:
    """Pass bytes between whoever connects to `port` and `target`, as long as nothing is switched on."""

    def __init__(self, target: Callable[[], int]) -> None:
        self._target = target  # Asked for each connection: a server may come back elsewhere.
        self.delay_seconds = 0.0
        self.lose_replies = False  # Requests arrive, answers do not: what makes duplicates.
        self.refuse = False
        self.tear_after: int | None = None  # So many more bytes of requests, then a reset: half a command.
        self.port = 0
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fault-proxy", daemon=True)

    def __enter__(self) -> Proxy:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def cut(self) -> None:
        """Reset every connection."""
        self._loop.call_soon_threadsafe(self._cut)

    def heal(self) -> None:
        """Switch everything off."""
        self.delay_seconds, self.lose_replies, self.refuse, self.tear_after = 0.0, False, False, None

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        try:
            self._loop.run_forever()
        finally:
            server.close()
            self._cut()
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self._loop.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuse:
            _reset(writer)
            return
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target())
        except OSError:
            _reset(writer)
            return
        self._open |= {writer, server_writer}
        requests = asyncio.ensure_future(self._pass(reader, server_writer, replies=False))
        replies = asyncio.ensure_future(self._pass(server_reader, writer, replies=True))
        try:
            with suppress(asyncio.CancelledError):  # At the end; a stream's server would print it.
                await asyncio.wait([requests, replies], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (requests, replies):
                task.cancel()
            for side in (writer, server_writer):
                self._open.discard(side)
                _reset(side)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, replies: bool) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                if replies and self.lose_replies:
                    continue
                if not replies and self.tear_after is not None:
                    if len(data) >= self.tear_after:
                        writer.write(data[: self.tear_after])
                        self.tear_after = None
                        await writer.drain()
                        self._cut()
                        return
                    self.tear_after -= len(data)
                writer.write(data)
                await writer.drain()

    def _cut(self) -> None:
        for writer in list(self._open):
            _reset(writer)
        self._open.clear()


def _reset(writer: asyncio.StreamWriter) -> None:
    line = writer.get_extra_info("socket")
    if line is not None:
        with suppress(OSError):
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
