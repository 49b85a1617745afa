"""What a trainer logs arrives once and in order, whatever its Redis does; and no trouble of Redis's ever reaches it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import redis
from tests.conftest import eventually
from tests.flow.running import environment
from tests.flow.shelf import Shelf, paused

from runcast import discovery, sender, streams, transport, wire
from runcast.beginning import Beginning
from runcast.drain import drain, find_dead, journals
from runcast.errors import StreamUnavailable, StreamUnsafe
from runcast.events import Finish, Start
from runcast.messages import Messages
from runcast.run import Run
from runcast.settings import Settings
from runcast_ingest.server_folder import StreamServer

Begin = Callable[..., Run]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Begin runs that publish to a server, and end them with the test."""
    runs: list[Run] = []

    def begun(url: str | None, run_id: str = "r") -> Run:
        made = Run(
            settings=Settings(directory=tmp_path, url=url),
            beginning=Beginning(project="p", run_id=run_id, name="calm-river-1"),
            messages=Messages(),
        )
        runs.append(made)
        return made

    yield begun
    for made in runs:
        with suppress(KeyboardInterrupt):
            made.end(0, patience_seconds=0)


def test_rows_arrive_once_in_order_and_the_journal_goes(
    begin: Begin, redis_server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Start, every row, Finish; then there is nothing left to keep."""
    with Shelf(redis_server) as shelf:
        made = begin(redis_server)
        for step in range(5000):
            made.log({"loss": step / 2, "step": step})
        made.finish()
    assert shelf.steps() == list(range(5000))
    assert [type(event) for event in shelf.events] == [Start, Finish]
    assert journals(tmp_path) == []
    assert "runcast: Synced calm-river-1: p/r" in capsys.readouterr().err


def test_a_lone_row_leaves_at_once(begin: Begin, redis_server: str) -> None:
    with Shelf(redis_server) as shelf:
        made = begin(redis_server)
        eventually(lambda: shelf.stored == 1)
        times = []
        for stored in range(2, 12):
            time.sleep(0.03)
            logged = time.monotonic()
            made.log({"loss": 1.0})
            eventually(lambda stored=stored: shelf.stored == stored)  # type: ignore[misc]
            times.append(time.monotonic() - logged)
    assert sorted(times)[5] < 0.1


def test_a_trainer_that_is_behind_says_what_it_holds_until_it_is_stored(
    begin: Begin, redis_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its Redis answers, and nobody stores: the heartbeat has events, bytes and seconds."""
    monkeypatch.setattr(sender, "BEAT_SECONDS", 0.2)
    monkeypatch.setattr(sender, "BEHIND_SECONDS", 0.4)
    with redis.Redis.from_url(redis_server) as client, Shelf(redis_server) as shelf:
        made = begin(redis_server)
        eventually(lambda: shelf.stored == 1)
        key = streams.stream_key(streams.shard_of(made.path))

        def beats() -> list[wire.Waiting | None]:
            found: Any = client.xrange(key, "-")
            entries = [wire.decode(fields) for _, fields in found]
            return [entry.waiting for entry in entries if not entry.count]

        with shelf.turn:
            for step in range(1000):
                made.log({"loss": step / 2})
            eventually(lambda: any(waiting is not None and waiting.events == 1000 for waiting in beats()))
            (told, *_) = [waiting for waiting in beats() if waiting is not None and waiting.events == 1000]
            assert 16_000 < told.bytes < 1_000_000
        eventually(lambda: shelf.stored == 1001)
        eventually(lambda: beats()[-1] is None)


def test_a_server_that_forgets_everything_costs_nothing(begin: Begin, redis_server: str) -> None:
    """After FLUSHALL, with entries in it that nobody had stored, the writer goes back to what is stored."""
    with redis.Redis.from_url(redis_server) as client, Shelf(redis_server) as shelf:
        made = begin(redis_server)
        for burst in range(3):
            with shelf.turn:
                for step in range(1000):
                    made.log({"loss": step}, step=1000 * burst + step)
                eventually(lambda: made._sender.window.next > made._journal.sequence)
                client.flushall()
        made.finish()
    assert shelf.steps() == list(range(3000))


def test_a_new_connection_begins_at_the_mark(begin: Begin, redis_server: str) -> None:
    """A server that was replaced by an empty one says nothing about what it lacks; nobody waits for a timeout."""
    with redis.Redis.from_url(redis_server) as client, Shelf(redis_server) as shelf:
        made = begin(redis_server)
        with shelf.turn:
            for step in range(1000):
                made.log({"loss": step})
            eventually(lambda: made._sender.window.next > made._journal.sequence)
            client.flushall()
            client.client_kill_filter(_type="normal", skipme=True)
        eventually(lambda: shelf.stored == 1001)
    assert shelf.steps() == list(range(1000))


def test_cut_connections_cost_nothing(begin: Begin, redis_server: str) -> None:
    with redis.Redis.from_url(redis_server) as client, Shelf(redis_server) as shelf:
        made = begin(redis_server)
        for step in range(3000):
            made.log({"loss": step})
            if step % 500 == 250:
                time.sleep(0.01)
                client.client_kill_filter(_type="normal", skipme=True)
        made.finish()
    assert shelf.steps() == list(range(3000))


def test_a_server_without_memory_is_waited_for(
    begin: Begin, redis_server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line says so; rows stay in the journal and arrive when there is room again."""
    with redis.Redis.from_url(redis_server) as client, Shelf(redis_server) as shelf:
        made = begin(redis_server)
        eventually(lambda: shelf.stored == 1)
        with paused(client):
            for step in range(1000):
                made.log({"loss": step})
            eventually(lambda: made._sender.failures > 1)
        made.finish()
    assert shelf.steps() == list(range(1000))
    assert capsys.readouterr().err.count("out of memory") == 1


def test_a_server_that_may_evict_streams_is_refused(
    begin: Begin, redis_server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says why, and the journal keeps everything."""
    with redis.Redis.from_url(redis_server) as client:
        client.config_set("maxmemory", 10**9)
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            made = begin(redis_server)
            made.log({"loss": 1.0})
            eventually(lambda: made._sender.refused is not None)
            made.finish()
            assert client.dbsize() == 0
        finally:
            client.config_set("maxmemory", 0)
            client.config_set("maxmemory-policy", "noeviction")
    said = capsys.readouterr().err
    assert "maxmemory-policy allkeys-lru: when memory runs out it deletes whole streams" in said
    assert "runcast sync" in said
    assert len(journals(tmp_path)) == 1


def test_policies_that_spare_streams_are_taken(redis_server: str) -> None:
    """Our keys have no expiry, and the volatile policies delete only what has one."""
    with redis.Redis.from_url(redis_server) as client:
        client.config_set("maxmemory", 10**9)
        client.config_set("maxmemory-policy", "volatile-lru")
        try:
            transport.check_safe(client, redis_server)
        finally:
            client.config_set("maxmemory", 0)
            client.config_set("maxmemory-policy", "noeviction")


def test_a_policy_that_would_evict_is_cautioned_against_while_there_is_no_limit(redis_server: str) -> None:
    """With maxmemory 0 nothing is evicted: there is nothing to refuse, and something to say."""
    with redis.Redis.from_url(redis_server) as client:
        assert transport.check_safe(client, redis_server) is None
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            said = transport.check_safe(client, redis_server)
        finally:
            client.config_set("maxmemory-policy", "noeviction")
    assert said is not None
    assert "allkeys-lru and no maxmemory: nothing is deleted now" in said
    assert "maxmemory-policy noeviction" in said


def test_an_old_server_is_refused(redis_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with transport.connect(redis_server) as client:
        monkeypatch.setattr(client, "info", lambda _section: {"redis_version": "6.2.14"})
        with pytest.raises(StreamUnsafe, match=r"is 6\.2\.14; Runcast needs 7\.0"):
            transport.check_safe(client, redis_server)


def test_nobody_there_is_an_error_with_the_next_step(tmp_path: Path) -> None:
    url = f"unix://{tmp_path}/none.sock"
    with transport.connect(url) as client, pytest.raises(StreamUnavailable, match="start it with `runcast up`"):
        transport.check_safe(client, url)


def test_without_a_server_the_end_is_quick_and_says_what_to_do(
    begin: Begin, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = begin(None)
    made.log({"loss": 1.0})
    begun = time.monotonic()
    made.finish()
    assert time.monotonic() - begun < 20  # Not the minute that a store would be waited for.
    said = capsys.readouterr().err
    assert f"3 events of calm-river-1 wait in {tmp_path}/journals/r-" in said
    assert "send them with `runcast sync`" in said


def test_a_server_that_appears_in_the_middle_gets_everything(
    begin: Begin, redis_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "DISCOVER_SECONDS", 0.05)
    made = begin(None)
    made.log({"loss": 1.0})
    discovery.write(tmp_path, discovery.Discovery(1, os.getpid(), "http://127.0.0.1:1", redis_server))
    with Shelf(redis_server) as shelf:
        eventually(lambda: shelf.steps() == [0])
        made.finish()
    assert made.url == "http://127.0.0.1:1/run?project=p&run=r"


def test_while_nobody_stores_a_writer_takes_no_more_than_its_share_of_redis(
    begin: Begin, redis_server: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rest waits in the journal, and the end does not wait for nobody."""
    monkeypatch.setattr("runcast.window.IN_FLIGHT_BYTES_MAX", 2**20)
    monkeypatch.setattr(sys.modules["runcast.writer"], "SERVED_SECONDS_MAX", 0.5)
    made = begin(redis_server)
    row = {f"m{key}": 1.0 for key in range(100)}
    for _ in range(5000):
        made.log(row)
    key = streams.stream_key(streams.shard_of(made.path))
    with redis.Redis.from_url(redis_server) as client:
        # Redis counts another way than the writer: what one calls a full share is a little less or more to the other.
        eventually(lambda: int(client.memory_usage(key, samples=0) or 0) > 2**19)
        begun = time.monotonic()
        made.finish()
        assert time.monotonic() - begun < 20
        assert int(client.memory_usage(key, samples=0) or 0) < 3 * 2**20  # Of four that were logged.
    assert "events of calm-river-1 wait in" in capsys.readouterr().err


def test_who_ends_the_waiting_hears_where_the_rows_are(redis_server: str, tmp_path: Path) -> None:
    """Ctrl-C while nobody stores: the program ends at once, and every row is in the journal."""
    program = "import runcast; runcast.init(); runcast.log({'a': 1})"
    environ = environment(RUNCAST_DIR=str(tmp_path), RUNCAST_URL=redis_server)
    with subprocess.Popen([sys.executable, "-c", program], env=environ, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while "Ctrl-C leaves them in the journal" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert "3 events of" in said
    assert "send them with `runcast sync`" in said
    assert "Traceback" not in said
    assert len(journals(tmp_path)) == 1


def test_silence_is_filled_with_heartbeats(begin: Begin, redis_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that logs nothing for long is still seen to live."""
    monkeypatch.setattr(sender, "BEAT_SECONDS", 0.1)
    monkeypatch.setattr(sender, "IDLE_SECONDS", 0.05)
    with Shelf(redis_server) as shelf:
        begin(redis_server)
        eventually(lambda: shelf.heartbeats > 2)


def test_a_dead_journal_is_drained_once_and_ended(begin: Begin, redis_server: str, tmp_path: Path) -> None:
    """Under its old writer id, so that nothing is stored twice; what was stored already is not sent again."""
    with Shelf(redis_server) as shelf:
        made = begin(redis_server)
        for step in range(100):
            made.log({"loss": step})
        eventually(lambda: shelf.stored == 101)
        made._sender.stop()
        for step in range(100, 110):
            made.log({"loss": step})
        made._journal.close()  # As when the process is killed.
        assert shelf.received == 101
        report = drain(tmp_path, lambda: redis_server, wait_seconds=10.0)
        assert (report.runs, report.waiting, report.unreadable) == (["p/r"], [], {})
        assert shelf.steps() == list(range(110))
        assert isinstance(shelf.events[-1], Finish)
        assert shelf.events[-1].exit_code is None
        assert shelf.received == 101 + 11
        assert journals(tmp_path) == []
        assert drain(tmp_path, lambda: redis_server).runs == []


def test_a_journal_whose_process_lives_is_nobodys_to_drain(begin: Begin, tmp_path: Path) -> None:
    begin(None)
    assert list(find_dead(tmp_path)) == []


def test_a_child_that_logs_is_a_writer_of_its_own(begin: Begin, redis_server: str) -> None:
    """A sequence has one owner: parent and child publish to one run side by side."""
    with Shelf(redis_server) as shelf:
        made = begin(redis_server)
        made.log({"loss": 0})
        pid = os.fork()
        if pid == 0:
            status = 1
            with suppress(BaseException):
                made.forked()
                for step in range(100):
                    made.log({"loss": step}, step=step)
                made.finish()
                status = 0
            os._exit(status)
        for _ in range(99):
            made.log({"loss": 0})
        assert os.waitpid(pid, 0)[1] == 0
        made.finish()
    assert len(shelf.items) == 2
    assert sorted(shelf.steps()) == sorted([*range(100), *range(100)])
    labels = {event.label for event in shelf.events if isinstance(event, Start)}
    assert labels == {"", f"fork-{pid}"}


def test_a_password_is_never_said(stream_server: StreamServer) -> None:
    assert transport.where("redis://:secret@cache:6380/0") == "cache:6380"
    assert transport.where("unix://:secret@/tmp/redis.sock") == "unix:/tmp/redis.sock"
    assert transport.is_local(stream_server.url)
    assert not transport.is_local("redis://:secret@cache:6380/0")


def test_what_a_disk_damaged_is_set_aside_and_the_rest_is_stored(
    begin: Begin, redis_server: str, tmp_path: Path
) -> None:
    """Rows before the damage arrive; what stands behind it is kept for whoever wants to look."""
    made = begin(None)
    for step in range(10):
        made.log({"loss": step})
    made._sender.stop()
    made._journal.close()
    [journal] = journals(tmp_path)
    segment = journal / "000001.journal"
    size = segment.stat().st_size
    with segment.open("r+b") as file:
        file.seek(size - 3 * 40)
        file.write(b"\x40\x00\x00\x00" + b"\xaa" * (3 * 40 - 4))
    with Shelf(redis_server) as shelf:
        report = drain(tmp_path, lambda: redis_server, wait_seconds=10.0)
    assert shelf.steps() == list(range(7))
    [(kept, reason)] = report.unreadable.items()
    assert "first damaged record" in reason
    assert kept.read_bytes().endswith(b"\xaa" * 100)
    assert journals(tmp_path) == []


def test_a_journal_without_a_header_is_named_and_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "journals" / "r-0"
    folder.mkdir(parents=True)
    (folder / "000001.journal").write_bytes(b"nothing of ours")
    report = drain(tmp_path, lambda: None)
    assert list(report.unreadable) == [folder]
    assert (folder / "000001.journal").exists()


def test_an_emptied_journal_goes(tmp_path: Path) -> None:
    """Its process died between the last row's deletion and the folder's."""
    folder = tmp_path / "journals" / "r-0"
    folder.mkdir(parents=True)
    (folder / "lock").touch()
    assert drain(tmp_path, lambda: None).unreadable == {}
    assert not folder.exists()
