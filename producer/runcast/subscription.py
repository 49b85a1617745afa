"""What `runcast.subscribe` is: a live subscription as an async iterator.

It reconnects by itself and names what it has, so that every row comes exactly once, however often the line is cut. The
frame under way is acknowledged when its rows are taken: a slow reader slows nobody, and gets larger frames.
"""

from __future__ import annotations

import asyncio
import heapq
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from runcast import discovery, settings
from runcast.errors import LiveRefused, ServerMissing, UsageError
from runcast.frames import CLOSE_FORBIDDEN, CLOSE_UNAUTHORISED, Ack, Points, Subscribe, format_request, parse_frame
from runcast.gate import LOCAL_NAMES
from runcast.names import SYSTEM
from runcast.surroundings.secrets import mask_text

CONNECT_SECONDS_MAX = 10.0  # For the first connection; afterwards the service is waited for.
PAUSE_SECONDS_MIN, PAUSE_SECONDS_MAX = 0.1, 5.0
FRAME_BYTES_MAX = 256 * 1024 * 1024  # A page of rows with a thousand keys each has 33 MB.
REFUSALS = frozenset({1009, *range(4400, 4500)})  # 1009: the message is too large, and will not be smaller.

Marks = dict[str, dict[str, int]]


class Row(Struct, frozen=True):
    """One call of `log`: its numbers by key. Rows of one step amend each other; the last value of a key wins."""

    run: str  # The run's id.
    step: int
    time: float  # Seconds since 1970.
    values: dict[str, float]
    name: str = ""  # The run's name.
    label: str = ""  # Which of the run's processes logged it, such as `rank3`.


class RunUpdate(Struct, frozen=True):
    """A run began, or its state, name, config or summary changed."""

    run: str  # The run's id.
    name: str
    state: str  # running, finished, failed or crashed.
    config: dict[str, Any]
    summary: dict[str, Any]
    created: float  # Seconds since 1970.
    steps: int  # The highest step, plus one.
    stopping: bool = False  # Somebody asked it to stop, and it has not.


class CaughtUp(Struct, frozen=True):
    """Everything that was there when the subscription began has been given; from here on it is live."""


Update = Row | RunUpdate | CaughtUp


async def subscribe(
    project: str,
    run: str | Sequence[str] | None = None,
    metrics: str | Sequence[str] | None = None,
    *,
    url: str | None = None,
    token: str | None = None,
    from_now: bool = False,
    samples: bool = False,
    on_cut: Callable[[str], None] | None = None,
    on_back: Callable[[], None] | None = None,
) -> AsyncGenerator[Update, None]:
    """Follow a project: what is stored, then what comes, each row exactly once.

    `run` is the id of one run, or several; None means all, also those that begin later. `metrics` chooses keys, where
    one may end in `*`; without it come all but the samples of the machine, and these too with `samples`. With
    `from_now` what is stored is left out. `url` is the service's address; without it, the one
    that runs on this machine. `on_cut` is told once each time that the line is cut and not to be had again at once,
    and `on_back` when it is there again.

    Yields `Row`, `RunUpdate` and `CaughtUp`. Raises ServerMissing when no service answers at first, and LiveRefused
    when it answers and refuses.
    """
    follower = _Follower(
        Subscribe(
            project=project,
            runs=_names(run),
            metrics=_names(metrics),
            token=token or settings.token_of(os.environ, settings.directory(os.environ)) or "",
            history=not from_now,
            exact=True,
        ),
        samples=samples or metrics is not None,
    )
    pause, away = PAUSE_SECONDS_MIN, False
    while True:
        try:
            async with asyncio.timeout(CONNECT_SECONDS_MAX):
                line = await _connect(url)
        except (OSError, TimeoutError, InvalidHandshake, ServerMissing) as error:
            if not follower.connected:
                raise error if isinstance(error, ServerMissing) else ServerMissing(_unanswered(url, error)) from error
            if on_cut is not None and not away:
                away = True
                on_cut(str(error) if isinstance(error, ServerMissing) else _unanswered(url, error))
        else:
            if away and on_back is not None:
                on_back()
            away = False
            try:
                async for update in follower.follow(line):
                    pause = PAUSE_SECONDS_MIN
                    yield update
            except ConnectionClosed as closed:
                if closed.rcvd is not None and closed.rcvd.code in REFUSALS:
                    raise LiveRefused(closed.rcvd.code, closed.rcvd.reason) from closed
            finally:
                await line.close()
        await asyncio.sleep(pause)
        pause = min(2 * pause, PAUSE_SECONDS_MAX)


def _names(names: str | Sequence[str] | None) -> tuple[str, ...] | None:
    return None if names is None else (names,) if isinstance(names, str) else tuple(names)


async def _connect(url: str | None) -> ClientConnection:
    if url is None:
        # Looked up each time: a service that restarts may have another port.
        directory = settings.directory(os.environ)
        found = discovery.read(directory)
        if found is None:
            raise ServerMissing(f"no service runs in {directory}; start one with `runcast up`, or give its url")
        url = found.url
    address = live_address(url)
    is_local = (urlsplit(address).hostname or "") in {name.strip("[]") for name in LOCAL_NAMES}
    try:
        return await connect(address, compression=None, max_size=FRAME_BYTES_MAX, proxy=None if is_local else True)
    except InvalidStatus as error:
        status = error.response.status_code
        if status in {401, 403, 421}:
            code = CLOSE_UNAUTHORISED if status == 401 else CLOSE_FORBIDDEN
            raise LiveRefused(code, f"{mask_text(url)} answered {status}") from error
        raise


def live_address(url: str) -> str:
    """Turn a service's address into that of its live websocket; raises UsageError."""
    scheme, slashes, rest = url.rstrip("/").partition("://")
    known = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
    if not slashes or scheme not in known:
        raise UsageError(f"url is {mask_text(url)!r}; it begins with http:// or https://")
    return f"{known[scheme]}://{rest.removesuffix('/live')}/live"


def _unanswered(url: str | None, error: BaseException) -> str:
    where = mask_text(url or "its address")
    return f"no answer from the service at {where}: {error or type(error).__name__}; is it running?"


class _Follower:
    """What a subscription has so far; it outlives its connections, whose numbers it forgets."""

    def __init__(self, subscribe: Subscribe, *, samples: bool) -> None:
        self._asked, self._samples = subscribe, samples
        self._marks: Marks = {}
        self._runs: dict[str, RunUpdate] = {}
        self._fresh()
        self._caught_up = False
        self.connected = False

    def _fresh(self) -> None:
        self._run_ids: dict[int, str] = {}
        self._writers: dict[int, tuple[str, str, str]] = {}  # Run id, writer id, label.
        self._metrics: dict[int, str] = {}

    async def follow(self, line: ClientConnection) -> AsyncIterator[Update]:
        """Give what one connection brings, until it is cut; raises ConnectionClosed."""
        self._fresh()
        # Once it has caught up, a run that it does not know is a new one, and is wanted from its beginning.
        request = msgspec.structs.replace(
            self._asked, resume=self._marks, history=self._asked.history or self._caught_up
        )
        await line.send(format_request(request))
        while True:
            message = await line.recv()
            self.connected = True
            if isinstance(message, str):
                for update in self._hear(msgspec.json.decode(message)):
                    yield update
                continue
            frame = parse_frame(message)
            for row in self._rows(frame.points):
                yield row
            with suppress(ConnectionClosed):  # What was received before the cut is given all the same.
                await line.send(format_request(Ack(frame.seq)))

    def _hear(self, message: Mapping[str, Any]) -> Iterator[Update]:
        match message["ev"]:
            case "welcome":
                self._metrics = dict(enumerate(message["metrics"]))
                for info in message["runs"]:
                    yield from self._run(info)
                for writer in message["writers"]:
                    self._writer(writer)
            case "run":
                yield from self._run(message["run"])
            case "metric":
                self._metrics[message["i"]] = message["name"]
            case "writer":
                self._writer(message)
            case "synced" if not self._caught_up:
                self._caught_up = True
                yield CaughtUp()

    def _run(self, info: Mapping[str, Any]) -> Iterator[RunUpdate]:
        self._run_ids[info["i"]] = info["id"]
        update = RunUpdate(
            run=info["id"],
            name=info["name"],
            state=info["state"],
            config=info["config"],
            summary=info["summary"],
            created=info["created_ms"] / 1000,
            steps=info["steps"],
            stopping=info.get("stopping", False),
        )
        if self._runs.get(update.run) != update:
            self._runs[update.run] = update
            yield update

    def _writer(self, info: Mapping[str, Any]) -> None:
        self._writers[info["i"]] = self._run_ids[info["run"]], info["id"], info["label"]

    def _rows(self, blocks: Sequence[Points]) -> Iterator[Row]:
        before = {run: dict(marks) for run, marks in self._marks.items()}
        fresh: dict[int, list[Iterator[Row]]] = {}
        for block in blocks:
            run, writer, label = self._writers[block.writer]
            had = before.get(run, {}).get(writer, 0)
            marks = self._marks.setdefault(run, {})
            marks[writer] = max(marks.get(writer, 0), block.last)
            if block.last > had and len(block.steps) and (self._samples or not self._is_sample(block)):
                fresh.setdefault(block.writer, []).append(self._read(block, run, label))
        for streams in fresh.values():
            # Rows with different keys come in different blocks; by time they are what was logged.
            yield from streams[0] if len(streams) == 1 else heapq.merge(*streams, key=lambda row: row.time)

    def _is_sample(self, block: Points) -> bool:
        return all(self._metrics[metric].startswith(SYSTEM) for metric in block.metrics)

    def _read(self, block: Points, run: str, label: str) -> Iterator[Row]:
        name = self._runs[run].name
        keys = [self._metrics[metric] for metric in block.metrics]
        for step, time_ms, *values in zip(block.steps, block.times_ms, *block.values, strict=True):
            yield Row(run, int(step), time_ms / 1000, dict(zip(keys, values, strict=True)), name, label)
