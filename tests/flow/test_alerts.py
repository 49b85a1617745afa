"""A project's rules are judged as rows arrive; what they say is stored once, told live, and heard by a webhook."""

from __future__ import annotations

import asyncio
import json
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.flow.running import Running, python, up, wait_until
from tests.flow.stored import BEGIN, Publisher, block, key_of, leased
from websockets.asyncio.client import connect

from runcast.events import Alert, Finish
from runcast.frames import Subscribe, format_request
from runcast.rules import parse
from runcast.service import Refused, Service, rules_path, run_path

TRAIN = """
import sys, runcast as wandb
run = wandb.init(project="p", id=sys.argv[1], name=sys.argv[1])
for value in sys.argv[2:]:
    wandb.log({"loss": float(value)})
"""


class Receiver(HTTPServer):
    """Hears what a webhook sends; the first `refusals` times it says that it cannot."""

    def __init__(self, refusals: int = 0) -> None:
        self.heard: list[dict[str, Any]] = []
        self.refusals = refusals
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/services/SECRET"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers["content-length"])))
        refused = self.server.refusals > 0
        self.server.refusals -= refused
        if not refused:
            self.server.heard.append(said)
        self.send_response(503 if refused else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def receiving(refusals: int = 0) -> Iterator[Receiver]:
    with Receiver(refusals) as receiver:
        thread = threading.Thread(target=receiver.serve_forever)
        thread.start()
        try:
            yield receiver
        finally:
            receiver.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def hearing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Receiver]]:
    with receiving(refusals=1) as receiver, up(tmp_path_factory.mktemp("alerts"), RUNCAST_WEBHOOK=receiver.url) as it:
        yield it, receiver


def alerts_of(api: Service, run: str) -> list[dict[str, Any]]:
    try:
        return list(api.get(f"{run_path('p', run)}/alerts")["alerts"])
    except Refused:
        return []


def test_a_nan_is_told_within_a_second_to_the_board_the_store_and_the_webhook(
    hearing: tuple[Running, Receiver],
) -> None:
    service, receiver = hearing
    seen = asyncio.run(_watched(service, "nan"))
    (alert,) = wait_until(lambda: alerts_of(service.api, "nan") or None)
    assert (alert["title"], alert["step"], alert["level"], alert["rule"]) == ("loss is nan", 2, "ERROR", "nan")
    assert {key: seen[key] for key in ("ev", "run", "title", "step", "id")} == {
        "ev": "alert",
        "run": "nan",
        "title": "loss is nan",
        "step": 2,
        "id": alert["id"],
    }
    assert seen["late"] < 5  # A tenth of a second, as a rule; other processes share the machine.
    said = wait_until(lambda: next((each for each in receiver.heard if each["alert"]["run"] == "nan"), None))
    assert "*loss is nan* in p / nan at step 2" in said["text"]
    assert [each["alert"]["id"] for each in receiver.heard].count(alert["id"]) == 1


async def _watched(service: Running, run: str) -> dict[str, Any]:
    async with connect(service.api.url.replace("http", "ws") + "/live") as socket:
        await socket.send(format_request(Subscribe("p", history=False)))
        training = asyncio.create_task(
            asyncio.to_thread(python, TRAIN, run, "2", "1", "nan", RUNCAST_DIR=str(service.directory))
        )
        async with asyncio.timeout(60):
            async for message in socket:
                found = json.loads(message) if isinstance(message, str) else {}
                if found.get("ev") == "alert":
                    found["late"] = time.time() - found["time_ms"] / 1000
                    break
        await training
    return dict(found)


def test_rules_are_added_listed_and_removed_from_the_command_line(hearing: tuple[Running, Receiver]) -> None:
    service, _ = hearing
    added = service.runcast("alert", "add", "p", "loss > 3", "--name", "high")
    assert (added.returncode, added.stdout) == (0, "p has the rule high: loss > 3 (WARN)\n")
    listed = service.runcast("alert", "list", "p").stdout
    assert [line.split()[0] for line in listed.splitlines()[1:]] == ["nan", "fails", "high"]
    python(TRAIN, "high", "1", "7", "8", RUNCAST_DIR=str(service.directory))
    (alert,) = wait_until(lambda: alerts_of(service.api, "high") or None)
    assert (alert["title"], alert["step"], alert["rule"]) == ("loss is 7", 1, "high")
    assert service.runcast("alert", "remove", "p", "high").returncode == 0
    again = service.runcast("alert", "remove", "p", "high")
    assert (again.returncode, again.stderr) == (1, "runcast: project 'p' has no rule 'high'\n")
    python(TRAIN, "low", "9", RUNCAST_DIR=str(service.directory))
    wait_until(lambda: service.api.get(run_path("p", "low"))["state"] == "finished" or None)
    assert alerts_of(service.api, "low") == []
    wrong = service.runcast("alert", "add", "p", "loss >")
    assert wrong.returncode == 1
    assert "cannot be read; rules are such as" in wrong.stderr


def test_a_training_that_fails_is_told_and_so_is_what_it_said_itself(hearing: tuple[Running, Receiver]) -> None:
    service, receiver = hearing
    python(
        TRAIN + "\nrun.alert('<!channel> low accuracy', 'see *this*')\nraise RuntimeError",
        "failing",
        RUNCAST_DIR=str(service.directory),
    )
    found = wait_until(lambda: found if len(found := alerts_of(service.api, "failing")) == 2 else None)
    assert [alert["title"] for alert in found] == ["the run failed with exit code 1", "<!channel> low accuracy"]
    heard = wait_until(
        lambda: found if len(found := [e for e in receiver.heard if e["alert"]["run"] == "failing"]) == 2 else None
    )
    assert "&lt;!channel&gt; low accuracy" in heard[0]["text"]


def test_rules_are_asked_for_with_the_token_and_at_most_fifty(tmp_path: Path) -> None:
    with up(tmp_path, token="secret-token") as service:
        with pytest.raises(Refused) as refused:
            Service(service.api.url).post(rules_path("p"), {"text": "loss > 3"})
        assert refused.value.status == 401
        for at in range(48):
            service.api.post(rules_path("p"), {"text": f"loss > {at}"})
        with pytest.raises(Refused) as refused:
            service.api.post(rules_path("p"), {"text": "loss > 99"})
        assert "remove one" in str(refused.value)


async def test_an_alert_is_there_once_however_often_the_service_begins_again(tmp_path: Path) -> None:
    async with leased(tmp_path) as store:
        await store.set_rule("p", parse("loss > 3 for 1s"))
        trainer = Publisher(store)
        await trainer.start()
        await trainer.commit(block({"loss": [4.0] * 5}, steps=range(5)))
    for first in (5, 10, 15):
        async with leased(tmp_path) as store:
            trainer._store = store
            done = await trainer.commit(block({"loss": [4.0] * 5}, steps=range(first, first + 5)))
            assert len(done.alarms) == (first == 10)
            alerts = await store.alerts(await key_of(store))
    assert [(alert.title, alert.step) for alert in alerts] == [("loss is 4 for 1s", 10)]


async def test_a_run_that_fell_silent_and_is_then_known_to_have_died_is_told_once(tmp_path: Path) -> None:
    async with leased(tmp_path) as store:
        trainer = Publisher(store)
        await trainer.start()
        changed, alarms = await store.set_state("p/r", "crashed")
        assert changed
        assert [alarm.alert.title for alarm in alarms] == ["the run crashed"]
        await trainer.commit(block({"loss": [1.0]}, steps=[0]))
        assert (await trainer.finish(None)).alarms == []


async def test_what_a_webhook_is_to_hear_waits_in_the_store(tmp_path: Path) -> None:
    now = time.time_ns()
    async with leased(tmp_path) as store:
        store.deliver()
        trainer = Publisher(store)
        await trainer.start()
        await trainer.commit(
            Alert(now, "new"), Alert(BEGIN, "of an imported run"), block({"loss": [math.nan]}, steps=[0])
        )
        await trainer.commit(Finish(now, 0))
    async with leased(tmp_path) as store:
        found = await store.next_delivery()
        assert found is not None
        assert (found.alert.title, found.tries) == ("new", 0)
        await store.settle_delivery(found.alert.key, now + 10**12)
        again = await store.next_delivery()
        assert again is not None
        assert (again.alert.title, again.tries, again.due) == ("new", 1, now + 10**12)
        await store.settle_delivery(found.alert.key)
        assert await store.next_delivery() is None


async def test_a_silent_run_is_told_once_for_each_silence_and_not_when_it_ended(tmp_path: Path) -> None:
    async with leased(tmp_path) as store:
        await store.set_rule("p", parse("run silent for 30s"))
        await store.set_rule("p", parse("run silent for 5m", level="error"))
        trainer = Publisher(store)
        await trainer.start()
        heard = time.time_ns() - 40 * 10**9
        assert await store.silent("p/r", heard + 20 * 10**9, 20.0) == ([], 30.0)
        (alarm,), following = await store.silent("p/r", heard, 40.0)
        assert (alarm.alert.title, following) == ("nothing was heard of the run for 30s", 300.0)
        assert await store.silent("p/r", heard, 41.0) == ([], 300.0)
        # A run that is known to have crashed is silent all the same.
        await store.set_state("p/r", "crashed")
        (alarm,), following = await store.silent("p/r", heard, 301.0)
        assert (alarm.alert.level, following) == ("ERROR", None)
        # Heard again, and silent again.
        (alarm,), _ = await store.silent("p/r", time.time_ns() + 10**9, 31.0)
        assert alarm.alert.rule == "run-silent-for-30s"
        await trainer.finish(0)
        assert await store.silent("p/r", time.time_ns() + 10**10, 400.0) == ([], None)


def test_an_idle_gpu_is_told_by_its_samples(hearing: tuple[Running, Receiver]) -> None:
    service, _ = hearing
    service.runcast("alert", "add", "p", "gpu idle for 1s")
    training = """
import sys, time, runcast as wandb
run = wandb.init(project="p", id="idle")
for number in range(12):
    run.sample(number, {"_system/gpu.0.gpu": 97.0, "_system/gpu.1.gpu": 1.0, "_system/cpu": 1.0})
    time.sleep(0.15)
"""
    assert python(training, RUNCAST_DIR=str(service.directory)).returncode == 0
    (alert,) = wait_until(lambda: alerts_of(service.api, "idle") or None)
    assert (alert["title"], alert["rule"]) == ("_system/gpu.1.gpu is 1 for 1s", "gpu-idle-for-1s")
    # All of a project's alerts stand together, with the names of their runs.
    recent = service.api.get("/api/v1/projects/p/alerts")["alerts"]
    assert [each["run"] for each in recent if each["id"] == alert["id"]] == ["idle"]
