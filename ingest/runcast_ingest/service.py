"""The service: tail, persister, store, states, live viewers and the web server as one group of tasks.

The death of one ends all of them, and the process with status 1: a web server that answers while nothing is stored
would look healthy. A signal ends it in order: take no more, store what was taken, close.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from runcast import transport
from runcast.discovery import Discovery
from runcast.errors import StreamUnavailable, StreamUnsafe
from runcast.gate import Gate
from runcast.rules import SILENT_SECONDS_MAX
from runcast.wire import Waiting
from runcast_ingest.address import announce, public
from runcast_ingest.app import Lifespan, compose
from runcast_ingest.backlogs import Backlogs
from runcast_ingest.batch import Batch
from runcast_ingest.broadcast import Broadcast
from runcast_ingest.embedded import embedded
from runcast_ingest.files import FILES, Files
from runcast_ingest.health import Health
from runcast_ingest.live import SUBSCRIBE_BYTES_MAX, Live
from runcast_ingest.lock import lock
from runcast_ingest.notice import Notice
from runcast_ingest.persister import Persister
from runcast_ingest.settings import Settings
from runcast_ingest.silences import Silences
from runcast_ingest.states import FAILED, FINISHED, RUNNING, States
from runcast_ingest.stops import Stops
from runcast_ingest.store import Alarm, Replaced, Store
from runcast_ingest.store.codec import Damaged
from runcast_ingest.tail import Tail
from runcast_ingest.webhook import Webhook

MESSAGE_BYTES_MAX = SUBSCRIBE_BYTES_MAX  # Of any websocket; Streamlit's pages need 1 MB of it.
LOOK_AGAIN_SECONDS = 1.0  # For a Redis that was away.
GRACE_SECONDS = 5  # For answers under way when the service stops.

_log = logging.getLogger(__name__)


async def serve(
    settings: Settings,
    line: socket.socket,
    *,
    pages: ASGIApp | None = None,
    pages_lifespan: Lifespan | None = None,
    on_ready: Callable[[Discovery], None] = lambda _: None,
) -> None:
    """Serve on `line`, a listening socket, until SIGTERM or SIGINT.

    `pages` is mounted at `/`. Raises UsageError when the directory has a service, StreamUnsafe and StoreUnavailable
    when what it stands on is not fit, and an ExceptionGroup when one of its parts died.
    """
    with lock(settings.directory):
        notice = Notice(settings.directory)
        async with _streams(settings, notice) as (redis_url, redis_tcp), Store.open(settings.database) as store:
            found = Discovery(
                version=1,
                pid=os.getpid(),
                url=address(line),
                redis=redis_url,
                redis_tcp=redis_tcp,
                started=time.time_ns(),
                host=os.uname().nodename,
            )
            await _Service(settings, store, redis_url).run(line, notice, found, pages, pages_lifespan, on_ready)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn would raise a captured signal again when it has stopped, and end the process before all is stored.
        yield


class _Service:
    """The parts and what they tell each other."""

    def __init__(self, settings: Settings, store: Store, redis_url: str) -> None:
        self._settings, self._store = settings, store
        self._files = Files(
            settings.directory / FILES, file_bytes_max=settings.file_bytes_max, bytes_max=settings.files_bytes_max
        )
        self._broadcast = Broadcast(store)
        self._webhook = Webhook(store, settings.webhook) if settings.webhook else None
        self._states = States(self._declare)
        self._silences = Silences(self._silent)
        self._backlogs = Backlogs()
        self._persister = Persister(
            redis_url,
            store,
            on_stored=self._broadcast.stored,
            on_state=self._reached,
            on_replaced=self._replaced,
            on_alarms=self._alarmed,
        )
        self._tail = Tail(
            redis_url,
            store,
            self._persister,
            on_batch=self._admitted,
            on_beat=self._heard,
            on_deaf=self._deaf,
        )
        self._persister.on_fenced = self._fenced
        self._stops = Stops(self._persister, self._states, self._broadcast)

    async def run(
        self,
        line: socket.socket,
        notice: Notice,
        found: Discovery,
        pages: ASGIApp | None,
        pages_lifespan: Lifespan | None,
        on_ready: Callable[[Discovery], None],
    ) -> None:
        """Run all parts until a signal, or until one of them dies."""
        await asyncio.to_thread(self._files.open)
        for one in await self._store.living(SILENT_SECONDS_MAX):
            if one.state == RUNNING:
                self._states.begin(one.path, one.writers)
            self._silences.heard(one.path, one.seen)
        gate = Gate(
            self._app, token=self._settings.token, hosts=self._settings.hosts or None, origins=self._settings.origins
        )
        live = Live(self._store, self._broadcast, gate=gate, sockets_max=self._settings.sockets_max)
        health = Health(
            self._store, self._tail, self._persister, self._broadcast, live, self._backlogs, time.time(), self._webhook
        )
        self._composed: ASGIApp = compose(health, self._files, self._stops, pages=pages, pages_lifespan=pages_lifespan)
        server = _Server(_web(gate))
        async with asyncio.TaskGroup() as tasks:

            def start(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
                return tasks.create_task(work, name=f"runcast-{name}")

            persister = start(self._persister.run(), "persister")
            tail = start(self._tail.run(), "tail")
            beside = [
                start(self._store.compact(), "compactor"),
                start(self._store.checkpoint(), "checkpoint"),
                start(self._states.run(), "states"),
                start(self._silences.run(), "silences"),
                start(announce(found.redis, self._public(found.url)), "announce"),
            ]
            if self._webhook is not None:
                beside.append(start(self._webhook.run(), "webhook"))
            web = start(_serve_web(server, line), "web")
            with _signals(server) as stopping:
                await _started(server)
                # What is loaded by now stays: without it each full collection walks all of it, and every viewer waits.
                gc.collect()
                gc.freeze()
                with notice.posted(found) as said:
                    on_ready(said)
                    await stopping.wait()
                await live.close()
                server.should_exit = True
                await web
                for task in (tail, persister, *beside):
                    task.cancel()
                await asyncio.wait([tail, persister, *beside])
                await self._persister.settle()

    def _public(self, listening: str) -> str:
        return public(listening, is_local=self._settings.is_local, given=self._settings.public_url)

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        await self._composed(scope, receive, send)

    def _admitted(self, batch: Batch) -> None:
        self._broadcast.publish(batch)
        self._states.saw(batch)
        self._silences.heard(batch.path)
        self._stops.saw(batch.path)

    def _heard(self, path: str, writer: str, waiting: Waiting | None) -> None:
        self._backlogs.take(path, writer, waiting)
        self._states.heard(path, writer)
        self._silences.heard(path)

    def _deaf(self, since: bool) -> None:
        self._states.deaf(since)
        self._silences.deaf(since)

    async def _silent(self, path: str, heard: int, seconds: float) -> float | None:
        alarms, following = await self._store.silent(path, heard, seconds)
        if alarms:
            self._alarmed(alarms)
        return following

    def _fenced(self, shard: int) -> None:
        self._tail.drop(shard)
        self._broadcast.hub.give_up(shard)

    def _reached(self, path: str, state: str) -> None:
        self._states.committed(path, state)
        if state in {FINISHED, FAILED}:
            self._silences.ended(path)
        self._show(path, state)

    async def _replaced(self, replaced: Replaced) -> None:
        self._states.replaced(replaced.path, replaced.aside, replaced.writers)
        await self._broadcast.replaced(replaced)

    async def _declare(self, path: str, state: str) -> None:
        try:
            changed, alarms = await self._store.set_state(path, state)
        except Damaged as error:
            _log.error("%s is %s, which cannot be stored: %s", path, state, error)
            return
        if changed:
            self._show(path, state)
            self._alarmed(alarms)

    def _alarmed(self, alarms: list[Alarm]) -> None:
        self._broadcast.alarm(alarms)
        if self._webhook is not None:
            self._webhook.wake()

    def _show(self, path: str, state: str) -> None:
        self._stops.changed(path, state)
        self._broadcast.changed(path, state)


@asynccontextmanager
async def _streams(settings: Settings, notice: Notice) -> AsyncIterator[tuple[str, str]]:
    """Have a Redis: yours, or a private one for as long as the service lives."""
    if settings.redis_url is None:
        async with embedded(settings.directory, on_restart=notice.moved) as server:
            yield server.url, server.tcp_url
        return
    checking: asyncio.Task[None] | None = None
    try:
        if caution := await asyncio.to_thread(_check, settings.redis_url):
            _log.warning("%s", caution)
    except StreamUnavailable as error:
        _log.warning("%s; waiting for it", error)
        checking = asyncio.create_task(_check_when_back(settings.redis_url), name="runcast-check-redis")
    try:
        yield settings.redis_url, ""
    finally:
        if checking is not None:
            checking.cancel()
            await asyncio.wait([checking])


async def _check_when_back(url: str) -> None:
    """Look at a Redis that was away when the service started, as soon as it answers.

    One that may lose streams is only complained of now: trainers look too, and send it nothing.
    """
    while True:
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
        try:
            if caution := await asyncio.to_thread(_check, url):
                _log.warning("%s", caution)
            return
        except StreamUnsafe as error:
            _log.error("%s", error)
            return
        except StreamUnavailable:
            continue


def _check(url: str) -> str | None:
    with transport.connect(url) as client:
        return transport.check_safe(client, url)


def _web(app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        lifespan="on",
        ws="websockets-sansio",
        # Points hardly compress, and compressing them costs each viewer more than it saves.
        ws_per_message_deflate=False,
        ws_max_size=MESSAGE_BYTES_MAX,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


async def _serve_web(server: uvicorn.Server, line: socket.socket) -> None:
    await server.serve(sockets=[line])
    if not server.should_exit:
        raise RuntimeError("the web server ended by itself")


async def _started(server: uvicorn.Server) -> None:
    while not server.started:  # noqa: ASYNC110  # uvicorn sets a flag, and no event.
        await asyncio.sleep(0.005)


@contextmanager
def _signals(server: uvicorn.Server) -> Iterator[asyncio.Event]:
    """Turn SIGTERM and SIGINT into an event; the second of them waits for nobody's answer."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        server.force_exit = stopping.is_set()
        stopping.set()

    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop)
    try:
        yield stopping
    finally:
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(each)


def address(line: socket.socket) -> str:
    """Name the address at which this machine reaches a listening socket."""
    host, port, *_ = line.getsockname()
    if host in {"0.0.0.0", "::"}:  # noqa: S104  # Compared, not bound.
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
