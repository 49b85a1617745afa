"""A stage for live tests: a real store, hub and websocket; the test says what is published, and what is stored."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from tests.flow.stored import BEGIN, Publisher, block, leased
from websockets.asyncio.client import ClientConnection, connect

from runcast.blocks import Block, Item
from runcast.events import Start
from runcast.frames import DELTA, SNAPSHOT, Ack, Frame, format_request, parse_frame
from runcast.gate import Gate
from runcast_ingest.batch import Batch
from runcast_ingest.broadcast import Broadcast
from runcast_ingest.live import Live
from runcast_ingest.store import Store, Work

SECONDS_MAX = 10.0


class Trainer(Publisher):
    """A writer whose batches are shown at once, and stored when the test says so."""

    def __init__(self, stage: Stage, path: str = "p/r", writer: str = "a" * 16, label: str = "") -> None:
        super().__init__(stage.store, path, writer, label)
        self._stage = stage
        self._next_step = 0

    async def begin(self, **config: Any) -> None:
        """Begin the run."""
        await self.show(Start(BEGIN, "a run", config, label=self._label))

    async def log(self, rows: int = 1, *, keys: Sequence[str] = ("loss",), store: bool = False) -> None:
        """Log rows whose values are their steps."""
        steps = range(self._next_step, self._next_step + rows)
        self._next_step += rows
        await self.show(block(dict.fromkeys(keys, steps), steps=steps), store=store)

    async def show(self, *items: Item, store: bool = False) -> None:
        """Publish a batch, as the tail does."""
        batch = self.batch(items)
        self._stage.unstored.append(batch)
        self._stage.broadcast.publish(batch)
        if store:
            await self._stage.save()


class Stage:
    """The service's live side, without tail and persister."""

    def __init__(self, store: Store, broadcast: Broadcast, live: Live, url: str) -> None:
        self.store, self.broadcast, self.live, self.url = store, broadcast, live, url
        self.unstored: list[Batch] = []

    async def save(self) -> None:
        """Store what was published, as the persister does."""
        batches, self.unstored = self.unstored, []
        if batches:
            done = await self.store.commit(Work({batch.shard: batch.entry for batch in batches}, batches, [], []))
            self.broadcast.stored(done.stored)


@asynccontextmanager
async def stage(path: Path, *, token: str | None = None, sockets_max: int = 64) -> AsyncIterator[Stage]:
    """Have a stage for as long as the block lasts."""
    async with leased(path) as store:
        broadcast = Broadcast(store)
        app = Starlette()
        gate = Gate(app, token=token)
        live = Live(store, broadcast, gate=gate, sockets_max=sockets_max)
        app.router.routes.append(WebSocketRoute("/live", live.attend))
        line = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(gate, ws="websockets-sansio", ws_per_message_deflate=False, log_config=None)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server._serve([line]))
        while not server.started:  # noqa: ASYNC110  # uvicorn sets a flag, and no event.
            await asyncio.sleep(0.005)
        try:
            yield Stage(store, broadcast, live, f"http://127.0.0.1:{line.getsockname()[1]}")
        finally:
            await live.close()
            server.should_exit = True
            await serving


class Viewer:
    """A client of the live protocol that keeps what it is told, as a page does."""

    def __init__(self, line: ClientConnection) -> None:
        self.line = line
        self.messages: list[dict[str, Any]] = []
        self.frames: list[Frame] = []
        self.bytes = 0
        self.acks = True
        self.points: dict[tuple[str, str], dict[int, list[float]]] = {}  # (run id, metric) → step → values
        self.marks: dict[str, dict[str, int]] = {}
        self._runs: dict[int, str] = {}
        self._writers: dict[int, tuple[str, str]] = {}
        self._metrics: dict[int, str] = {}

    async def say(self, request: Any) -> None:
        """Send a message of the protocol."""
        await self.line.send(format_request(request))

    async def hear(self) -> dict[str, Any] | Frame:
        """Take one message in."""
        async with asyncio.timeout(SECONDS_MAX):
            data = await self.line.recv()
        if isinstance(data, str):
            message: dict[str, Any] = json.loads(data)
            self.messages.append(message)
            self._note(message)
            return message
        frame = parse_frame(data)
        self.frames.append(frame)
        self.bytes += len(data)
        self._take(frame)
        if self.acks:
            await self.say(Ack(frame.seq))
        return frame

    async def until(self, event: str) -> dict[str, Any]:
        """Take in what comes, up to a text message of this kind."""
        while True:
            message = await self.hear()
            if isinstance(message, dict) and message["ev"] == event:
                return message

    async def frame(self) -> Frame:
        """Take in what comes, up to a frame."""
        while True:
            message = await self.hear()
            if isinstance(message, Frame):
                return message

    async def has(self, steps: int, *, run: str = "r", metric: str = "loss") -> None:
        """Take in what comes, until so many steps are there."""
        deadline = time.monotonic() + SECONDS_MAX
        while len(self.points.get((run, metric), {})) < steps:
            assert time.monotonic() < deadline
            await self.hear()

    def complete(self, steps: int, *, run: str = "r", metric: str = "loss") -> bool:
        """Whether every step is there, once."""
        held = self.points.get((run, metric), {})
        return sorted(held) == list(range(steps)) and all(values == [step] for step, values in held.items())

    def _note(self, message: dict[str, Any]) -> None:
        match message["ev"]:
            case "welcome":
                self._metrics = dict(enumerate(message["metrics"]))
                self._runs = {run["i"]: run["id"] for run in message["runs"]}
                self._writers = {each["i"]: (self._runs[each["run"]], each["id"]) for each in message["writers"]}
            case "run":
                self._runs[message["run"]["i"]] = message["run"]["id"]
            case "metric":
                self._metrics[message["i"]] = message["name"]
            case "writer":
                self._writers[message["i"]] = self._runs[message["run"]], message["id"]

    def _take(self, frame: Frame) -> None:
        before = {run: dict(marks) for run, marks in self.marks.items()}
        begun = set()
        for points in frame.points:
            run, writer = self._writers[points.writer]
            if frame.kind == DELTA and points.last <= before.get(run, {}).get(writer, 0):
                continue
            for metric, values in zip(points.metrics, points.values, strict=True):
                place = run, self._metrics[metric]
                if frame.kind == SNAPSHOT and place not in begun:
                    begun.add(place)
                    self.points[place] = {}
                held = self.points.setdefault(place, {}) if frame.kind in {SNAPSHOT, DELTA} else {}
                for step, value in zip(points.steps, values, strict=True):
                    held.setdefault(int(step), []).append(value)
            if frame.kind in {SNAPSHOT, DELTA}:
                marks = self.marks.setdefault(run, {})
                marks[writer] = max(marks.get(writer, 0), points.last)


@asynccontextmanager
async def viewer(url: str, *, origin: str | None = None) -> AsyncIterator[Viewer]:
    """Open a live socket."""
    address = url.replace("http", "ws", 1) + "/live"
    async with connect(address, compression=None, max_size=None, proxy=None, origin=origin) as line:  # type: ignore[arg-type]
        yield Viewer(line)


__all__ = ["Block", "Stage", "Trainer", "Viewer", "stage", "viewer"]
