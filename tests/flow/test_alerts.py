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
from tests.flow.stored import BEGIN, WRITER, Publisher, block, key_of, leased
from websockets.asyncio.client import connect

from runcast.events import Alert, Finish, Start
from runcast.frames import Subscribe, format_request
from runcast.rules import parse
from runcast.service import Refused, Service, rules_path, run_path
from runcast_ingest.store import Work
from runcast_ingest.store.happenings import RECENT_ALERTS
from runcast_ingest.store.schema import MIGRATIONS, SCHEMA_ALERTS_OF, prepare

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
    other = service.runcast("alert", "add", "p", "loss > 5", "--name", "high").stdout
    assert other == "p has the rule high: loss > 5 (WARN), in the place of loss > 3\n"
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


async def test_who_failed_first_is_told_though_the_launcher_ended_the_others(tmp_path: Path) -> None:
    cases: list[tuple[dict[str, int | None], str | None, int | None]] = [
        ({"rank1": 1, "rank0": 143}, "the run failed with exit code 1", 1),
        ({"rank1": 3, "rank0": 0}, "the run failed with exit code 3", 3),
        ({"rank1": 1, "rank0": None}, "the run failed with exit code 1", None),
        ({"rank1": 143, "rank0": 0}, None, 143),
    ]
    for number, (codes, said, exit_code) in enumerate(cases):
        (tmp_path / str(number)).mkdir()
        async with leased(tmp_path / str(number)) as store:
            ranks = {f"rank{at}": Publisher(store, writer=str(at) * 16, label=f"rank{at}") for at in range(2)}
            for rank in ranks.values():
                await rank.start()
            ends = [(rank, Finish(BEGIN + at * 10**9, code)) for at, (rank, code) in enumerate(codes.items())]
            done = [(await ranks[rank].commit(end)).alarms for rank, end in ends]
            alarms = [(alarm.alert.title, alarm.alert.label) for alarms in done for alarm in alarms]
            assert alarms == ([(said, "rank1")] if said else [])
            run = await store.run("p", "r")
            assert run is not None
            assert run.exit_code == exit_code


async def test_a_run_that_trained_on_after_a_silence_is_told_when_it_fails(tmp_path: Path) -> None:
    async with leased(tmp_path) as store:
        trainer = Publisher(store)
        await trainer.start()
        assert len((await store.set_state("p/r", "crashed"))[1]) == 1
        for step in range(3):
            await trainer.commit(block({"loss": [1.0]}, steps=[step], times=[BEGIN + (step + 1) * 3600 * 10**9]))
        done = await trainer.finish(1)
        assert [alarm.alert.title for alarm in done.alarms] == ["the run failed with exit code 1"]


async def test_that_a_run_failed_is_told_though_it_began_again_in_the_same_commit(tmp_path: Path) -> None:
    async with leased(tmp_path) as store:
        first, second = (Publisher(store, writer=str(at) * 16) for at in range(2))
        await first.start()
        batches = [first.batch([Finish(BEGIN + 10**9, 1)]), second.batch([Start(BEGIN + 2 * 10**9, "a run", {})])]
        done = await store.commit(Work({batches[0].shard: batches[0].entry}, batches, [], []))
        assert [alarm.alert.title for alarm in done.alarms] == ["the run failed with exit code 1"]
        assert done.states == [("p/r", "failed"), ("p/r", "running")]


async def test_a_rule_in_the_place_of_another_begins_anew(tmp_path: Path) -> None:
    async with leased(tmp_path) as store:
        await store.set_rule("p", parse("loss > 3", name="high"))
        trainer = Publisher(store)
        await trainer.start()
        assert len((await trainer.commit(block({"loss": [4.0]}, steps=[0]))).alarms) == 1
        await store.set_rule("p", parse("loss > 100", name="high"))
        (alarm,) = (await trainer.commit(block({"loss": [1000.0]}, steps=[1]))).alarms
        assert alarm.alert.title == "loss is 1000"
        # The same again, with another level, goes on; removed and added again it counts from then on.
        await store.set_rule("p", parse("loss > 100", name="high", level="error"))
        assert (await trainer.commit(block({"loss": [1000.0]}, steps=[2]))).alarms == []
        await store.drop_rule("p", "high")
        await store.set_rule("p", parse("loss > 100 for 1h", name="high"))
        assert (await trainer.commit(block({"loss": [1000.0]}, steps=[3]))).alarms == []


async def test_a_rule_without_a_name_of_its_own_takes_nobodys_place(tmp_path: Path) -> None:
    long = "x" * 70
    async with leased(tmp_path) as store:
        added = [(await store.set_rule("p", parse(f"{long} > {at}"), replace=False))[0].name for at in (1, 2, 2)]
        assert added == ["x" * 60, "x" * 57 + "-2", "x" * 57 + "-2"]
        assert [rule.text for rule in await store.rules("p")][2:] == [f"{long} > 1", f"{long} > 2"]


async def test_a_silence_that_was_told_is_not_told_again_after_a_restart(tmp_path: Path) -> None:
    async with leased(tmp_path) as store:
        await store.set_rule("p", parse("run silent for 30s"))
        trainer = Publisher(store)
        await trainer.start()
        (one,) = await store.living(60.0)
        assert (one.path, one.state, list(one.writers)) == ("p/r", "running", [WRITER])
        await store.set_state("p/r", "crashed")
        (one,) = await store.living(1e10)
        assert one.state == "crashed"
        assert len((await store.silent("p/r", one.seen, 31.0))[0]) == 1
    async with leased(tmp_path) as store:
        (one,) = await store.living(1e10)
        assert await store.silent("p/r", one.seen, 40.0) == ([], None)
        assert await store.living(60.0) == []  # Nobody waits for it any more.


async def test_the_latest_alerts_of_a_project_are_found_without_looking_at_all(tmp_path: Path) -> None:
    """A page asks every two seconds: what it costs is what it shows. Alerts of an older database are found too."""
    older = prepare(tmp_path / "runcast.db", MIGRATIONS[: MIGRATIONS.index(SCHEMA_ALERTS_OF)])
    older.executescript("""
        INSERT INTO project VALUES(1, 'p', 0, 0);
        INSERT INTO run(key, project, id, shard, name, state, created, started, updated, steps, rows, lost, since,
            details, config, summary, crc)
        VALUES(1, 1, 'old', 0, 'old', 'finished', 0, 0, 0, 0, 0, 0, 0, x'', x'', x'', 0);
        INSERT INTO alert VALUES(1, 1, 1, 0, 0, 'WARN', 'of long ago', '', '');
        INSERT INTO delivery VALUES(1, 3, 5);
    """)
    older.close()
    async with leased(tmp_path) as store:
        for path, title in (("p/r", "first"), ("q/r", "other"), ("p/s", "second")):
            trainer = Publisher(store, path, writer=path[0] * 15 + path[-1])
            await trainer.start()
            await trainer.commit(Alert(BEGIN, title))
        waiting = await store.next_delivery()
        assert waiting is not None
        assert (waiting.alert.title, waiting.refused) == ("of long ago", 0)
        assert abs(waiting.since - time.time_ns()) < 60 * 10**9
        found = [(run, alert.title) for run, _, alert in await store.recent_alerts("p", 10)]
        assert found == [("s", "second"), ("r", "first"), ("old", "of long ago")]
        assert [alert.title for _, _, alert in await store.recent_alerts("p", 1)] == ["second"]
        plan = [row[3] for row in await store._readers.rows(f"EXPLAIN QUERY PLAN {RECENT_ALERTS}", ("p", 10))]
        assert any("alert_project" in line for line in plan)
        assert not any("TEMP B-TREE" in line for line in plan)


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
        assert (found.alert.title, found.refused) == ("new", 0)
        assert abs(found.since - now) < 60 * 10**9
        await store.refuse_delivery(found.alert.key, now)
        again = await store.next_delivery()
        assert again is not None
        assert (again.alert.title, again.since, again.refused) == ("new", found.since, now)
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
