"""A webhook hears each alert, in order, whatever its receiver does; what it does not take is seen."""

from __future__ import annotations

import asyncio
import json
import socket
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.flow.running import python, up, wait_until
from tests.flow.stored import Publisher, leased

from runcast.events import Alert
from runcast_ingest.store import Store
from runcast_ingest.webhook import Webhook

PAUSE = (0.05, 0.2)
DRIP = 0  # In the place of a status: one byte now and then, and never an answer.


class Receiver:
    """Hears what a webhook sends, by the titles of alerts; `answers` says with which status, 200 as a rule."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.answers: dict[str, int] = {}
        self.url = ""

    def taken(self) -> list[str]:
        """List what was answered with 200, in the order in which it came."""
        return self._taken

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        size = int(head.partition("content-length: ")[2].split()[0])
        title = json.loads(await reader.readexactly(size))["alert"]["title"]
        self.heard.append(title)
        status = self.answers.get(title, 200)
        if status == 200:
            self._taken.append(title)
        with suppress(OSError):
            while status == DRIP:
                writer.write(b"H")
                await writer.drain()
                await asyncio.sleep(0.1)
            writer.write(b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" if status == 200 else b"")
            writer.write(f"HTTP/1.1 {status} Said\r\ncontent-length: 0\r\n\r\n".encode())
            await writer.drain()
        writer.close()

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator[Receiver]:
        """Listen on a free port."""
        receiver = cls()
        receiver._taken = []
        serving: set[asyncio.Task[None]] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            serving.add(task)
            await receiver.answer(reader, writer)

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/services/SECRET"
        try:
            yield receiver
        finally:
            server.close()
            for task in serving:
                task.cancel()
            await asyncio.gather(*serving, return_exceptions=True)

    _taken: list[str]


@asynccontextmanager
async def sending(store: Store, url: str) -> AsyncIterator[Webhook]:
    """Have a webhook for as long as the block lasts."""
    webhook = Webhook(store, url, pause=PAUSE)
    task = asyncio.create_task(webhook.run())
    try:
        yield webhook
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(fact: Callable[[], object], *, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, f"it did not come to hold within {seconds} s"
        await asyncio.sleep(0.01)


async def settled(store: Store) -> None:
    """Wait until nothing waits for the webhook."""
    deadline = time.monotonic() + 10.0
    while await store.next_delivery() is not None:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def say(store: Store, webhook: Webhook, *titles: str) -> None:
    """Store alerts that a program gave, each in a run of its own."""
    for title in titles:
        trainer = Publisher(store, f"p/{title}", writer=title.ljust(16, "w"))
        await trainer.start()
        await trainer.commit(Alert(time.time_ns(), title))
    webhook.wake()


async def test_while_the_receiver_is_away_all_wait_and_then_go_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    async with leased(tmp_path) as store, Receiver.open() as receiver, sending(store, receiver.url) as webhook:
        receiver.answers["first"] = 503
        await say(store, webhook, "first")
        await until(lambda: receiver.heard)
        await say(store, webhook, "second", "third")
        await until(lambda: receiver.heard.count("first") > 3)
        assert receiver.taken() == []
        del receiver.answers["first"]
        await settled(store)
        assert receiver.taken() == ["first", "second", "third"]


async def test_an_alert_that_is_refused_steps_aside_and_is_given_up_after_an_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with leased(tmp_path) as store, Receiver.open() as receiver, sending(store, receiver.url) as webhook:
        receiver.answers["odd"] = 400
        await say(store, webhook, "odd", "plain")
        await until(lambda: receiver.heard.count("odd") > 8)  # It was given up after five, within 15 s.
        await say(store, webhook, "later")
        await until(lambda: receiver.taken() == ["plain", "later"])
        found = await store.next_delivery()
        assert found is not None
        assert (found.alert.title, webhook.given_up) == ("odd", 0)
        monkeypatch.setattr("runcast_ingest.webhook.REFUSED_SECONDS_MAX", 0.1)
        await settled(store)
        assert webhook.given_up == 1
        assert "gave it up" in caplog.text
        assert "SECRET" not in caplog.text


async def test_a_wrong_address_loses_nothing_when_it_is_put_right_within_the_hour(tmp_path: Path) -> None:
    async with leased(tmp_path) as store, Receiver.open() as receiver:
        receiver.answers |= {"one": 404, "two": 404}
        async with sending(store, receiver.url) as webhook:
            await say(store, webhook, "one", "two")
            await until(lambda: len(receiver.heard) > 8)
        receiver.answers.clear()
        async with sending(store, receiver.url):
            await settled(store)
        assert receiver.taken() == ["one", "two"]


async def test_what_was_taken_and_cannot_be_written_down_is_not_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A full disk, say: the receiver has it, and the others wait until that is written down."""
    monkeypatch.setattr("runcast_ingest.webhook.LOOK_SECONDS", 0.05)
    monkeypatch.setattr("runcast_ingest.webhook.SETTLE_SECONDS", 0.05)
    tries = 0

    def full(*_: object) -> None:
        nonlocal tries
        tries += 1
        raise sqlite3.OperationalError("database or disk is full")

    async with leased(tmp_path) as store, Receiver.open() as receiver, sending(store, receiver.url) as webhook:
        with monkeypatch.context() as disk:
            disk.setattr(store._ledger.sentry, "delivered", full)
            await say(store, webhook, "first", "second")
            await until(lambda: tries > 3)
            assert receiver.heard == ["first"]
        await settled(store)
        assert receiver.heard == ["first", "second"]
    assert "cannot write down" in caplog.text
    assert "cannot read" not in caplog.text


async def test_a_receiver_that_drips_is_waited_for_no_longer_than_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte came in time, and so it held the whole webhook for as long as it pleased."""
    monkeypatch.setattr("runcast_ingest.webhook.ANSWER_SECONDS_MAX", 0.3)
    async with leased(tmp_path) as store, Receiver.open() as receiver, sending(store, receiver.url) as webhook:
        receiver.answers["slow"] = DRIP
        await say(store, webhook, "slow")
        await until(lambda: len(receiver.heard) > 1)
        assert webhook.said == "it did not answer within 0.3 s"
        receiver.answers.clear()
        await settled(store)


def test_a_service_ends_although_its_webhook_hangs(tmp_path: Path) -> None:
    """Docker kills what has not ended within 10 s."""
    with socket.create_server(("127.0.0.1", 0)) as line:
        held: list[socket.socket] = []
        threading.Thread(target=lambda: held.append(line.accept()[0]), daemon=True).start()
        with up(tmp_path, RUNCAST_WEBHOOK=f"http://127.0.0.1:{line.getsockname()[1]}/") as service:
            program = "import runcast\nrun = runcast.init(project='p')\nrun.alert('x')"
            python(program, RUNCAST_DIR=str(service.directory))
            wait_until(lambda: held or None)
            began = time.monotonic()
        assert time.monotonic() - began < 6
        held[0].close()


def test_a_webhook_that_takes_nothing_is_a_trouble_of_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as line:
        port = line.getsockname()[1]  # Of nobody, when it is closed.
    with up(tmp_path, RUNCAST_WEBHOOK=f"http://127.0.0.1:{port}/services/SECRET") as service:
        program = "import runcast\nrun = runcast.init(project='p')\nrun.alert('x')\nrun.alert('y')"
        python(program, RUNCAST_DIR=str(service.directory))

        def told() -> dict[str, Any] | None:
            said: dict[str, Any] = service.api.get("/api/v1/health")
            return said if any("webhook" in each["what"] for each in said["troubles"]) else None

        said = wait_until(told, 40.0)
        (what,) = [each["what"] for each in said["troubles"] if "webhook" in each["what"]]
        assert what.startswith("2 alerts wait for the webhook at 127.0.0.1, the first for ")
        assert "it did not answer" in what
        assert "SECRET" not in json.dumps(said)
        assert (said["webhook"]["waiting"], said["webhook"]["given_up"]) == (2, 0)
        with service.api.open("/metrics") as answer:
            figures = answer.read().decode()
        assert "runcast_webhook_waiting 2.0" in figures
        assert "runcast_webhook_given_up_total 0.0" in figures
