"""Artifacts: versions by what is in them, whole when they come back, and kept in their folder whoever wrote them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.flow.running import Running, python, up

from runcast import fetching, manifest
from runcast.errors import MalformedEntry
from runcast.manifest import Content
from runcast.service import Service
from runcast.spool import weigh


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with up(tmp_path_factory.mktemp("service")) as running:
        yield running


def run(running: Running, program: str, folder: Path) -> str:
    done = python(f"import os; os.chdir({str(folder)!r})\n{program}", RUNCAST_DIR=str(running.directory))
    assert done.returncode == 0, done.stderr
    return done.stdout


MAKE = """
import runcast as wandb
with wandb.init(project="shelf") as run:
    for weights in ("one", "one", "two", "one"):
        art = wandb.Artifact("model", type="model", metadata={"weights": weights, "nan": float("nan")})
        with art.new_file("weights.txt") as file:
            file.write(weights)
        art.add_reference("s3://bucket/data.parquet")
        run.log_artifact(art, aliases=[weights])
        print(art.wait().version, art.name)
"""


def test_a_version_is_made_when_something_changed(service: Running, tmp_path: Path) -> None:
    said = run(service, MAKE, tmp_path).split("\n")[:4]
    assert said == ["v0 model:v0", "v0 model:v0", "v1 model:v1", "v2 model:v2"]
    found = service.api.get("/api/v1/projects/shelf/artifacts/model")["versions"]
    assert [(each["version"], sorted(each["aliases"])) for each in found] == [
        ("v2", ["latest", "one"]),
        ("v1", ["two"]),
        ("v0", []),
    ]
    assert found[0]["metadata"] == {"weights": "one", "nan": "NaN"}
    listed = service.api.get("/api/v1/projects/shelf/artifacts")["artifacts"]
    assert [(each["name"], each["type"], each["versions"]) for each in listed] == [("model", "model", 3)]


def test_what_was_logged_comes_back_whole_and_the_runs_know_it(service: Running, tmp_path: Path) -> None:
    (tmp_path / "data" / "deep").mkdir(parents=True)
    (tmp_path / "data" / "deep" / "a.bin").write_bytes(b"a" * 9_000_000)
    (tmp_path / "data" / "b.txt").write_text("b")
    run(
        service,
        """
import runcast as wandb
run = wandb.init(project="trips", id="maker")
art = wandb.Artifact("set", type="dataset", description="two files")
art.add_dir("data")
art.add_file("data/b.txt", name="c.txt")
art.add(wandb.Table(columns=["x", "i"], data=[[1, "q"]]), "rows")
run.log_artifact(art)
open("data/b.txt", "w").write("changed since")
run.finish()
""",
        tmp_path,
    )
    said = run(
        service,
        """
import runcast as wandb
run = wandb.init(project="trips", id="user")
art = run.use_artifact("set:latest", type="dataset")
folder = art.download()
print(folder)
art.verify()
print(art.get("rows").data, art.description, art.version, art.get_path("c.txt").download())
open(folder + "/extra", "w").write("x")
try:
    art.verify()
except ValueError as error:
    print(error)
art.checkout(folder)
art.verify()
open(folder + "/b.txt", "w").write("q")
art.download()
art.verify()
run.finish()
""",
        tmp_path,
    )
    folder = tmp_path / "artifacts" / "set:v0"
    assert said.startswith(f"{folder}\n[[1, 'q']] two files v0")
    assert "Found file extra which is not a member" in said
    assert (folder / "deep" / "a.bin").read_bytes() == b"a" * 9_000_000
    assert (folder / "b.txt").read_text() == (folder / "c.txt").read_text() == "b"
    links = service.api.get("/api/v1/projects/trips/runs/user/artifacts")
    assert [(each["name"], each["version"]) for each in links["used"]] == [("set", "v0")]
    version = service.api.get("/api/v1/projects/trips/artifacts/set/latest")
    assert (version["run"], [each["run"] for each in version["used_by"]]) == ("maker", ["user"])
    with service.api.open("/api/v1/projects/trips/artifacts/set/v0/files/b.txt") as answer:
        assert answer.read() == b"b"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_the_same_bytes_in_two_artifacts_are_stored_once(service: Running, tmp_path: Path) -> None:
    program = """
import runcast as wandb
with wandb.init(project="once") as run:
    for name in ("first", "second"):
        art = wandb.Artifact(name, type="t")
        with art.new_file("same", "wb") as file:
            file.write(b"the same bytes")
        run.log_artifact(art)
"""
    run(service, program, tmp_path)
    place = weigh(b"the same bytes").digest
    assert (service.directory / "files" / place[:2] / place[2:]).exists()
    assert not list((service.directory / "staging").iterdir())


@pytest.mark.parametrize(
    "path", ["../out", "/etc/passwd", "a/../../out", "..\\out", "c:evil", "a\x00b", "CON", "a//b", ".", "x/", "a\nb"]
)
def test_no_manifest_leads_out_of_the_folder(path: str) -> None:
    data = json.dumps({"version": 1, "contents": {path: {"digest": "a" * 64, "size": 1}}}).encode()
    with pytest.raises(MalformedEntry):
        manifest.decode(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b'{"version": 2, "contents": {}}',
        b'{"version": 1, "contents": []}',
        b'{"version": 1, "contents": {"a": {"digest": "../x", "size": 1}}}',
        b'{"version": 1, "contents": {"a": {"digest": "' + b"a" * 64 + b'", "size": -1}}}',
        b'{"version": 1, "contents": {"a": {"digest": "' + b"a" * 64 + b'", "size": true}}}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedEntry):
        manifest.decode(data)


def test_a_path_that_is_a_file_and_a_folder_is_refused() -> None:
    with pytest.raises(MalformedEntry, match="as a file and as a folder"):
        manifest.decode(manifest.encode({"a": Content("a" * 64, 1), "a/b": Content("b" * 64, 1)}))


def test_a_link_in_the_folder_is_not_followed_out_of_it(service: Running, tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "root" / "deep").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(fetching.Damaged, match="leads out"):
        fetching.fetch(Service(service.api.url), "deep/a", Content("a" * 64, 1), tmp_path / "root")
    assert not list((tmp_path / "elsewhere").iterdir())


def test_offline_an_artifact_waits_with_the_run_and_cannot_be_used(service: Running, tmp_path: Path) -> None:
    program = MAKE.replace("print(art.wait().version, art.name)", "") + (
        "    try:\n        run.use_artifact('model:latest')\n    except TypeError as error:\n        print(error)\n"
    )
    done = python(program, RUNCAST_DIR=str(tmp_path / "home"), RUNCAST_MODE="offline")
    assert done.returncode == 0, done.stderr
    assert "offline mode" in done.stdout
    before = service.api.get("/api/v1/projects/shelf/artifacts")["artifacts"]
    assert service.runcast("sync", str(tmp_path / "home")).returncode == 0
    after = service.api.get("/api/v1/projects/shelf/artifacts")["artifacts"]
    assert after[0]["versions"] >= before[0]["versions"] if before else after


def test_code_is_an_artifact_without_what_is_no_code(service: Running, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "net.py").write_text("layers = 3")
    (tmp_path / "train.py").write_text("import src.net")
    (tmp_path / "data.csv").write_text("1,2")
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "pyvenv.cfg").touch()
    (tmp_path / "env" / "lib.py").touch()
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "hook.py").touch()
    said = run(
        service,
        """
import runcast as wandb
with wandb.init(project="code", id="coded") as run:
    art = wandb.log_code().wait()
    print(art.name, art.type, sorted(each.path for each in art.files()))
    print(run.log_code(include_fn=lambda path, root: path.endswith(".csv"), name="numbers").wait().name)
    print(run.log_code("src", include_fn=lambda path: False))
""",
        tmp_path,
    )
    assert said.splitlines()[:3] == [
        "source-code-interactive:v0 code ['src/net.py', 'train.py']",
        "numbers:v0",
        "None",
    ]


def test_sweeps_say_what_does_them_instead(tmp_path: Path) -> None:
    for name in ("sweep", "agent", "controller"):
        done = python(f"import runcast; runcast.{name}('x')", RUNCAST_DIR=str(tmp_path))
        assert f"UnsupportedError: {name}() is not part of Runcast; search with Optuna" in done.stderr
