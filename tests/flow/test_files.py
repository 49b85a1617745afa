"""Files of a run: they reach the service once, whole, whatever happens on the way, and training goes on."""

from __future__ import annotations

import hashlib
import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from tests.flow.running import Running, environment, python, up, wait_until

from runcast import discovery
from runcast.delivery import Delivery, Undelivered
from runcast.drain import drain
from runcast.paths import PART_BYTES
from runcast.spool import Spool, weigh


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with up(tmp_path_factory.mktemp("service"), RUNCAST_FILE_BYTES_MAX="64M") as running:
        yield running


LOG_A_FILE = """
import sys, runcast
run = runcast.init(project="files", id=sys.argv[1])
run.log({"loss": 1.0})
event = run._files.add(b"x" * int(sys.argv[2]) + sys.argv[1].encode(), "some/data.bin")
run.finish()
print(event.digest)
"""


def request(
    running: Running, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(urlsplit(running.api.url).netloc, timeout=30)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def stored(running: Running, digest: str) -> bytes | None:
    path = running.directory / "files" / digest[:2] / digest[2:]
    return path.read_bytes() if path.exists() else None


def journals(running: Running) -> list[Path]:
    return list((running.directory / "journals").iterdir())


def test_a_file_is_stored_under_its_digest_when_finish_returns_and_its_journal_is_gone(service: Running) -> None:
    done = python(LOG_A_FILE, "one", "20000000", RUNCAST_DIR=str(service.directory))
    assert done.returncode == 0, done.stderr
    assert "Synced" in done.stderr
    data = stored(service, done.stdout.strip())
    assert data is not None
    assert hashlib.sha256(data).hexdigest() == done.stdout.strip()
    assert not [path for path in journals(service) if path.name.startswith("one-")]
    listed = service.api.get("/api/v1/projects/files/runs/one/files")["files"]
    assert [(file["name"], file["size"], file["stored"]) for file in listed] == [("some/data.bin", 20000003, True)]
    status, headers, body = request(service, "GET", "/api/v1/projects/files/runs/one/files/some/data.bin")
    assert (status, body == data, headers["content-type"]) == (200, True, "application/octet-stream")
    assert headers["content-disposition"].startswith("attachment")


def test_what_a_killed_process_left_is_sent_by_whoever_comes_next(tmp_path: Path, service: Running) -> None:
    """Nobody served when it was logged; `runcast sync` sends the journal and its files, and a second one nothing."""
    program = LOG_A_FILE.replace("run.finish()", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    done = python(program, "killed", "3000000", RUNCAST_DIR=str(tmp_path))
    assert done.returncode == -signal.SIGKILL
    (journal,) = (tmp_path / "journals").iterdir()
    (waiting,) = Spool(journal).waiting()
    redis = discovery.read(service.directory)
    assert redis is not None
    environ = environment(RUNCAST_DIR=str(service.directory))
    command = [sys.executable, "-m", "runcast.cli", "sync", str(tmp_path)]
    said = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=True)
    assert "1 file" in said.stdout
    assert not journal.exists()
    assert stored(service, waiting.name) is not None
    again = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=True)
    assert "nothing to send" in again.stdout


def test_a_journal_stays_as_long_as_a_file_of_it_waits(tmp_path: Path, redis_server: str) -> None:
    """Its events may all be stored: without the bytes, they speak of nothing."""
    program = LOG_A_FILE.replace("run.finish()", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    python(program, "left", "10", RUNCAST_DIR=str(tmp_path))
    (journal,) = (tmp_path / "journals").iterdir()
    report = drain(tmp_path, lambda: redis_server, wait_seconds=0.2)
    assert report.waiting == [journal]
    assert len(Spool(journal).waiting()) == 1


def test_an_upload_that_was_cut_goes_on_where_it_ended(service: Running, tmp_path: Path) -> None:
    data = os.urandom(PART_BYTES + 1_000_000)
    path = tmp_path / "data"
    path.write_bytes(data)
    digest = weigh(data).digest
    first = data[:5_000_000]
    status, headers, _ = request(
        service, "PUT", f"/api/v1/files/{digest}", first, Content_Range=f"bytes 0-{len(first) - 1}/{len(data)}"
    )
    assert status == 202
    status, headers, _ = request(service, "HEAD", f"/api/v1/files/{digest}")
    assert (status, headers["x-runcast-offset"]) == (404, "5000000")
    sent: list[int] = []
    delivery = Delivery(service.api.url, progress=sent.append)
    delivery.send(digest, path)
    assert sum(sent) == len(data) - len(first)
    assert stored(service, digest) == data
    sent.clear()
    delivery.send(digest, path)
    delivery.close()
    assert sent == []


def test_a_connection_that_breaks_in_the_middle_of_a_part_loses_only_what_was_on_its_way(service: Running) -> None:
    data = os.urandom(4_000_000)
    digest = weigh(data).digest
    connection = http.client.HTTPConnection(urlsplit(service.api.url).netloc, timeout=30)
    connection.putrequest("PUT", f"/api/v1/files/{digest}")
    connection.putheader("Content-Range", f"bytes 0-{len(data) - 1}/{len(data)}")
    connection.putheader("Content-Length", str(len(data)))
    connection.endheaders(data[:3_000_000])
    wait_until(lambda: (int(request(service, "HEAD", f"/api/v1/files/{digest}")[1]["x-runcast-offset"]) > 0) or None)
    connection.close()

    def offset() -> int | None:
        found = int(request(service, "HEAD", f"/api/v1/files/{digest}")[1]["x-runcast-offset"])
        return found if found == 3_000_000 else None

    here = wait_until(offset)
    said = f"bytes {here}-{len(data) - 1}/{len(data)}"
    assert request(service, "PUT", f"/api/v1/files/{digest}", data[here:], Content_Range=said)[0] == 201
    assert stored(service, digest) == data


def test_other_bytes_than_the_digest_says_are_refused_and_may_be_sent_again(service: Running) -> None:
    data = os.urandom(1000)
    digest = weigh(data).digest
    path = f"/api/v1/files/{digest}"
    status, _, said = request(service, "PUT", path, os.urandom(1000), Content_Range="bytes 0-999/1000")
    assert (status, b"other_digest" in said) == (422, True)
    assert stored(service, digest) is None
    assert request(service, "HEAD", path)[1]["x-runcast-offset"] == "0"
    assert request(service, "PUT", path, data, Content_Range="bytes 0-999/1000")[0] == 201


def test_an_empty_file_is_a_file(service: Running) -> None:
    digest = hashlib.sha256().hexdigest()
    assert request(service, "PUT", f"/api/v1/files/{digest}", b"", Content_Range="bytes */0")[0] == 201
    assert stored(service, digest) == b""


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("bytes 0-9/5", 422),
        ("bytes 5-2/10", 422),
        ("bytes 0-9/*", 422),
        ("bytes -1-9/10", 422),
        ("bytes 0-9999999999999999999/99999999999999999999", 422),
        ("items 0-9/10", 422),
        ("", 422),
        ("bytes 3-9/10", 409),
        ("bytes 0-9/100000000", 413),
    ],
)
def test_a_part_that_cannot_be_placed_is_refused_with_a_reason(service: Running, said: str, status: int) -> None:
    found, _, body = request(service, "PUT", f"/api/v1/files/{'ab' * 32}", b"0123456789", Content_Range=said)
    assert (found, b'"message":"' in body) == (status, True)


def test_more_bytes_than_were_announced_are_refused(service: Running) -> None:
    data = b"0123456789"
    path = f"/api/v1/files/{weigh(data).digest}"
    assert request(service, "PUT", path, data * 2, Content_Range="bytes 0-9/10")[0] == 422
    assert request(service, "PUT", path, data, Content_Range="bytes 0-9/10")[0] in {201, 409}


@pytest.mark.parametrize(
    "digest", ["", "a" * 63, "A" * 64, "g" * 64, "..%2f..%2fserver.json", "%2e%2e%2f" * 8, "%00" * 64, "ab/../" * 8]
)
def test_what_is_no_digest_names_no_file(service: Running, digest: str) -> None:
    for method in ("GET", "HEAD", "PUT"):
        status, _, body = request(service, method, f"/api/v1/files/{digest}", b"", Content_Range="bytes */0")
        assert status in {404, 405, 422}
        assert b"redis" not in body


HOSTILE = [
    "../server.json",
    "..\\server.json",
    "%2e%2e%2fserver.json",
    "%252e%252e/server.json",
    ";/../server.json",
    "#/../server.json",
    "file:///etc/passwd",
    "//host/share/x",
    "/etc/passwd",
    "a\x00.png",
    "CON",
    "trailing.",
    "x" * 4096,
    "../../runcast.db",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_reaches_anything_but_the_files_of_the_run(service: Running, name: str) -> None:
    python(LOG_A_FILE, "names", "10", RUNCAST_DIR=str(service.directory))
    for written in (quote(name, safe=""), quote(name), quote(quote(name, safe=""), safe="")):
        status, _, body = request(service, "GET", f"/api/v1/projects/files/runs/names/files/{written}")
        assert status in {404, 422}, (written, body[:200])
        assert b"redis" not in body


LOG_HOSTILE = """
import runcast, time
from runcast import events, spool
run = runcast.init(project="files", id="hostile")
good = run._files.add(b"<script>parent.document.title='owned'</script>", "page.html")
run._files.add(b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "drawing.svg")
run._files.add(b"<script>alert(1)</script>", "picture.png")
run._files.add(b"<script>alert(1)</script>", "unknown.xyz")
run._files.add(b"<script>alert(1)</script>", "none")
run._files.add(b"x", "line.svg.html5")
for name in ("../../../server.json", "/etc/passwd", "a\\\\b", "c:evil", "NUL", "a//b", "x\\n.png"):
    run._publish(events.File(time.time_ns(), name, good.digest, 3))
run.finish()
"""


def test_what_a_run_logged_can_do_no_harm_in_a_browser(service: Running) -> None:
    done = python(LOG_HOSTILE, RUNCAST_DIR=str(service.directory))
    assert done.returncode == 0, done.stderr
    listed = service.api.get("/api/v1/projects/files/runs/hostile/files")["files"]
    names = {file["name"] for file in listed}
    assert names == {"page.html", "drawing.svg", "picture.png", "unknown.xyz", "none", "line.svg.html5"}
    told = {}
    for name in names:
        status, headers, _ = request(service, "GET", f"/api/v1/projects/files/runs/hostile/files/{name}")
        assert status == 200
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "SAMEORIGIN"
        assert "sandbox" in headers["content-security-policy"]
        assert "allow-same-origin" not in headers["content-security-policy"]
        assert "default-src 'none'" in headers["content-security-policy"]
        told[name] = (headers["content-type"], headers["content-disposition"].partition(";")[0])
    assert told == {
        "page.html": ("text/html; charset=utf-8", "inline"),
        "drawing.svg": ("image/svg+xml", "inline"),
        "picture.png": ("image/png", "inline"),
        "unknown.xyz": ("application/octet-stream", "attachment"),
        "none": ("application/octet-stream", "attachment"),
        "line.svg.html5": ("application/octet-stream", "attachment"),
    }
    policy = request(service, "GET", "/api/v1/projects/files/runs/hostile/files/drawing.svg")[1]
    assert "script" not in policy["content-security-policy"]


def test_a_service_that_is_full_takes_no_more_and_says_so(tmp_path: Path) -> None:
    with up(tmp_path, RUNCAST_FILES_BYTES_MAX="1k") as running:
        data = os.urandom(800)
        path = tmp_path / "data"
        path.write_bytes(data)
        delivery = Delivery(running.api.url)
        delivery.send(weigh(data).digest, path)
        path.write_bytes(more := os.urandom(800))
        with pytest.raises(Undelivered, match="RUNCAST_FILES_BYTES_MAX") as refused:
            delivery.send(weigh(more).digest, path)
        delivery.close()
        assert (refused.value.status, refused.value.final) == (507, False)


SEND_A_FILE = """
import sys, pathlib
from runcast.delivery import Delivery
Delivery(sys.argv[1]).send(sys.argv[2], pathlib.Path(sys.argv[3]))
"""


def test_two_processes_that_send_the_same_file_at_once_store_it_once(service: Running, tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(data := os.urandom(40_000_000))
    digest = weigh(data).digest
    command = [sys.executable, "-c", SEND_A_FILE, service.api.url, digest, str(path)]
    senders = [subprocess.Popen(command) for _ in range(3)]
    assert [sender.wait(60) for sender in senders] == [0, 0, 0]
    assert stored(service, digest) == data
    assert not list((service.directory / "files" / "arriving").iterdir())


def test_files_are_sent_with_the_token_that_the_service_asks_for(tmp_path: Path) -> None:
    with up(tmp_path, token="secret-of-the-service") as running:
        done = python(LOG_A_FILE, "asked", "10", RUNCAST_DIR=str(tmp_path), RUNCAST_TOKEN="secret-of-the-service")
        assert "Synced" in done.stderr
        assert stored(running, done.stdout.strip()) is not None
        done = python(LOG_A_FILE, "unasked", "10", RUNCAST_DIR=str(tmp_path))
        assert "RUNCAST_TOKEN" in done.stderr
        assert stored(running, done.stdout.strip()) is None
        assert [path for path in journals(running) if path.name.startswith("unasked-")]


def test_a_trainer_that_knows_only_its_redis_finds_the_service_there(tmp_path: Path, redis_server: str) -> None:
    with up(tmp_path / "service", RUNCAST_URL=redis_server) as running:
        done = python(LOG_A_FILE, "afar", "10", RUNCAST_DIR=str(tmp_path / "trainer"), RUNCAST_URL=redis_server)
        assert "Synced" in done.stderr
        assert stored(running, done.stdout.strip()) is not None
