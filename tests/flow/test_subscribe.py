"""`runcast.subscribe`: every row exactly once, from the store into the stream, across cuts and restarts."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest
from tests.flow.stage import Trainer, stage
from websockets.asyncio.client import ClientConnection

import runcast
from runcast import subscription
from runcast.errors import LiveRefused, ServerMissing, UsageError
from runcast.subscription import CaughtUp, Row, RunUpdate, Update, live_address

SECONDS_MAX = 10.0


class Cut:
    """A wire to a service that can be cut."""

    def __init__(self) -> None:
        self.url = ""
        self._writers: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """Cut every connection, without a word."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()


@asynccontextmanager
async def wire(url: str) -> AsyncIterator[Cut]:
    """Put a wire in front of a service."""
    line, port = Cut(), int(url.rpartition(":")[2])

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        line._writers |= {writer, back}
        await asyncio.gather(pipe(reader, back), pipe(there, writer))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    async with server:
        line.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield line
        line.cut()


async def take(updates: AsyncIterator[Update], rows: int) -> list[Row]:
    """Take so many rows."""
    found: list[Row] = []
    async with asyncio.timeout(SECONDS_MAX):
        async for update in updates:
            if isinstance(update, Row):
                found.append(update)
                if len(found) == rows:
                    break
    return found


async def eventually(fact: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(SECONDS_MAX):
        while not fact():  # noqa: ASYNC110  # What is asked has no event of its own.
            await asyncio.sleep(0.01)


async def test_what_is_stored_comes_first_and_then_what_happens(tmp_path: Path) -> None:
    async with stage(tmp_path) as live:
        trainer = Trainer(live, label="rank3")
        await trainer.begin(lr=0.5)
        await trainer.log(3, keys=("loss", "acc"), store=True)
        async with aclosing(runcast.subscribe("p", url=live.url)) as updates:
            seen = [await anext(updates) for _ in range(5)]
            assert isinstance(seen[0], RunUpdate)
            assert (seen[0].run, seen[0].state, seen[0].config) == ("r", "running", {"lr": 0.5})
            assert seen[1] == Row("r", 0, 1_764_000_000.0, {"loss": 0.0, "acc": 0.0}, "a run", "rank3")
            assert isinstance(seen[4], CaughtUp)
            await trainer.log(1)
            (row,) = await take(updates, 1)
            assert (row.step, row.values) == (3, {"loss": 3.0})


async def test_rows_with_different_keys_come_in_the_order_of_their_times(tmp_path: Path) -> None:
    async with stage(tmp_path) as live:
        trainer = Trainer(live)
        await trainer.begin()
        for number in range(50):
            await trainer.log(1, keys=("loss",) if number % 2 else ("acc", "loss"))
        await live.save()
        await live.store.compact_once(everything=True)
        async with aclosing(runcast.subscribe("p", url=live.url)) as updates:
            assert [row.step for row in await take(updates, 50)] == list(range(50))


async def test_a_long_history_comes_whole(tmp_path: Path) -> None:
    async with stage(tmp_path) as live:
        trainer = Trainer(live)
        await trainer.begin()
        for _ in range(10):
            await trainer.log(5000, store=True)
            await live.store.compact_once(everything=True)
        await trainer.log(10)
        async with aclosing(runcast.subscribe("p", url=live.url)) as updates:
            assert [row.step for row in await take(updates, 50_010)] == list(range(50_010))


async def test_cuts_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    """Rows are logged, stored and compacted while the line is cut again and again."""
    async with stage(tmp_path) as live, wire(live.url) as line:
        trainers = [Trainer(live, f"p/r{number}", f"{number:016x}") for number in range(2)]
        for trainer in trainers:
            await trainer.begin()

        async def work() -> None:
            for number in range(300):
                await trainers[number % 2].log(3)
                if number % 10 == 0:
                    await live.save()
                if number % 50 == 25:
                    line.cut()
                await asyncio.sleep(0.004)

        working = asyncio.create_task(work())
        async with aclosing(runcast.subscribe("p", url=line.url)) as updates:
            rows = await take(updates, 900)
            await working
            for number in range(2):
                assert [row.step for row in rows if row.run == f"r{number}"] == list(range(450))
            await trainers[0].log(1)  # What comes next is what was logged next, and nothing again.
            assert [row.step for row in await take(updates, 1)] == [450]


async def test_from_now_leaves_out_what_was_and_misses_nothing_after_a_cut(tmp_path: Path) -> None:
    async with stage(tmp_path) as live, wire(live.url) as line:
        trainer, quiet = Trainer(live), Trainer(live, "p/quiet", "b" * 16)
        for each in (trainer, quiet):
            await each.begin()
            await each.log(5, store=True)
            await each.log(5)
        async with aclosing(runcast.subscribe("p", url=line.url, from_now=True)) as updates:
            while not isinstance(await anext(updates), CaughtUp):
                pass
            await trainer.log(1)
            assert [row.step for row in await take(updates, 1)] == [10]
            line.cut()
            await quiet.log(2, store=True)
            assert [(row.run, row.step) for row in await take(updates, 2)] == [("quiet", 10), ("quiet", 11)]


async def test_whoever_follows_is_told_when_the_service_is_away_and_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []

    async def refused(_: str | None) -> ClientConnection:
        raise ConnectionRefusedError

    async with stage(tmp_path) as live, wire(live.url) as line:
        trainer = Trainer(live)
        await trainer.begin()
        following = runcast.subscribe(
            "p", url=line.url, on_cut=lambda _: heard.append("away"), on_back=lambda: heard.append("back")
        )
        async with aclosing(following) as updates:
            while not isinstance(await anext(updates), CaughtUp):
                pass
            row = asyncio.create_task(take(updates, 1))
            with monkeypatch.context() as away:
                away.setattr(subscription, "_connect", refused)
                line.cut()
                await eventually(lambda: heard == ["away"])
            await eventually(lambda: heard == ["away", "back"])
            await trainer.log(1)
            await row


async def test_runs_and_metrics_are_chosen(tmp_path: Path) -> None:
    async with stage(tmp_path) as live:
        for number in range(2):
            trainer = Trainer(live, f"p/r{number}", f"{number:016x}")
            await trainer.begin()
            await trainer.log(2, keys=("train/loss", "train/acc", "lr"), store=True)
        async with aclosing(runcast.subscribe("p", "r1", "train/*", url=live.url)) as updates:
            rows = await take(updates, 2)
            assert {row.run for row in rows} == {"r1"}
            assert all(set(row.values) == {"train/loss", "train/acc"} for row in rows)


async def test_a_token_opens_and_its_absence_is_said(tmp_path: Path) -> None:
    async with stage(tmp_path, token="secret") as live:
        trainer = Trainer(live)
        await trainer.begin()
        await trainer.log(1, store=True)
        async with aclosing(runcast.subscribe("p", url=live.url, token="secret")) as updates:
            assert len(await take(updates, 1)) == 1
        with pytest.raises(LiveRefused) as refused:
            await anext(runcast.subscribe("p", url=live.url, token="guess"))
        assert refused.value.code == 4401


async def test_no_service_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNCAST_DIR", str(tmp_path))
    with pytest.raises(ServerMissing, match="runcast up"):
        await anext(runcast.subscribe("p"))
    with socket.create_server(("127.0.0.1", 0)) as line:
        port = line.getsockname()[1]
    with pytest.raises(ServerMissing, match=str(port)):
        await anext(runcast.subscribe("p", url=f"http://127.0.0.1:{port}"))


async def test_giving_up_in_the_middle_leaves_no_socket_behind(tmp_path: Path) -> None:
    async with stage(tmp_path) as live:

        async def follow() -> None:
            async with aclosing(runcast.subscribe("p", url=live.url)) as updates:
                async for _ in updates:
                    pass

        following = asyncio.create_task(follow())
        await eventually(lambda: live.live.sockets == 1)
        following.cancel()
        await eventually(lambda: live.live.sockets == 0)


@pytest.mark.parametrize(
    ("url", "address"),
    [("http://h:1", "ws://h:1/live"), ("https://h/rc/", "wss://h/rc/live"), ("ws://h:1/live", "ws://h:1/live")],
)
def test_an_address_becomes_that_of_the_socket(url: str, address: str) -> None:
    assert live_address(url) == address


def test_an_address_without_a_scheme_is_refused() -> None:
    with pytest.raises(UsageError, match="http://"):
        live_address("localhost:8484")
