"""`runcast.Api()` on files and artifacts: what a run kept comes back whole, and only where it may lie."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from tests.flow.running import Running, python, up

from runcast.apis.api import Api
from runcast.errors import CommError, UsageError
from runcast.fetching import Damaged

PROGRAM = """
import os, sys
os.chdir(sys.argv[1])
from pathlib import Path
import runcast as wandb
with wandb.init(project="team/shelf", id="maker", tags=["old"]) as run:
    Path(run.dir, "deep").mkdir(parents=True)
    Path(run.dir, "deep", "a.txt").write_text("one")
    Path(run.dir, "b%.bin").write_bytes(bytes(range(256)) * 40_000)
    run.log({"image": wandb.Image(__import__("numpy").eye(4))})
    for weights in ("one", "two"):
        model = wandb.Artifact("model", type="model")
        with model.new_file("w.txt") as file:
            file.write(weights)
        run.log_artifact(model, aliases=[weights]).wait()
    data = wandb.Artifact("data", type="dataset")
    data.add(wandb.Table(columns=["x"], data=[[1]]), "rows")
    run.log_artifact(data).wait()
with wandb.init(project="team/shelf", id="user") as run:
    run.use_artifact("model:one")
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with up(tmp_path_factory.mktemp("read")) as running:
        done = python(PROGRAM, str(tmp_path_factory.mktemp("work")), RUNCAST_DIR=str(running.directory))
        assert done.returncode == 0, done.stderr
        yield running


@pytest.fixture
def api(service: Running) -> Api:
    return Api(server=service.api.url)


def read(file: IO[str]) -> str:
    with file:
        return file.read()


def test_a_runs_files_are_listed_and_come_back(api: Api, tmp_path: Path) -> None:
    run = api.run("team/shelf/maker")
    names = [file.name for file in run.files()]
    assert names[:2] == ["b%.bin", "deep/a.txt"]
    assert [name for name in names if name.startswith("media/images/")]
    assert [file.name for file in run.files(pattern="deep/%")] == ["deep/a.txt"]
    assert [file.name for file in run.files(["b%.bin", "nothing"])] == ["b%.bin"]
    whole = run.file("b%.bin")
    with whole.download(tmp_path) as file:
        assert Path(file.name).read_bytes() == bytes(range(256)) * 40_000
    assert (whole.size, whole.stored, whole.mimetype) == (10_240_000, True, "application/octet-stream")
    assert whole.sha256 == hashlib.sha256(bytes(range(256)) * 40_000).hexdigest()
    assert read(run.file("deep/a.txt").download(tmp_path)) == "one"
    with pytest.raises(UsageError, match="run 'maker' has no file 'nothing'"):
        run.file("nothing")
    with pytest.raises(UsageError, match="names or a pattern"):
        run.files(["a"], pattern="b")


def test_a_file_that_lies_there_stays_unless_it_may_be_replaced(api: Api, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.txt").write_text("mine")
    file = api.run("team/shelf/maker").file("deep/a.txt")
    with pytest.raises(ValueError, match="File already exists"):
        file.download(tmp_path)
    assert read(file.download(tmp_path, exist_ok=True)) == "mine"
    assert read(file.download(tmp_path, replace=True)) == "one"


def test_a_file_is_not_written_through_a_link_that_leads_out(api: Api, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "deep").symlink_to(tmp_path / "outside")
    with pytest.raises(Damaged):
        api.run("team/shelf/maker").file("deep/a.txt").download(tmp_path / "inside")
    assert not list((tmp_path / "outside").iterdir())


def test_a_damaged_file_is_not_handed_out(service: Running, api: Api, tmp_path: Path) -> None:
    file = api.run("team/shelf/maker").files(pattern="media/%")[0]
    stored = service.directory / "files" / file.sha256[:2] / file.sha256[2:]
    kept = stored.read_bytes()
    stored.chmod(0o600)
    try:
        stored.write_bytes(kept[:-1] + b"?")
        with pytest.raises((Damaged, CommError)):
            file.download(tmp_path)
        assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    finally:
        stored.write_bytes(kept)


def test_an_artifact_is_found_by_its_name_and_knows_its_runs(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # Artifacts are downloaded below the working directory.
    model = api.artifact("anybody/team/shelf/model:one", type="model")
    assert (model.name, model.aliases, model.logged_by().id) == ("model:v0", ["one"], "maker")
    assert [run.id for run in model.used_by()] == ["user"]
    assert (Path(model.download()) / "w.txt").read_text() == "one"
    assert api.artifact("team/shelf/model").version == "v1"
    assert api.artifact("team/shelf/data:latest").get("rows").data == [[1]]
    assert [each.version for each in api.artifacts("model", "team/shelf/model")] == ["v1", "v0"]
    assert [each.name for each in api.artifact_collections("team/shelf", "model")] == ["model"]
    assert api.artifact_exists("team/shelf/model:two")
    assert not api.artifact_exists("team/shelf/model:v9")
    with pytest.raises(ValueError, match="this artifact is of type model"):
        api.artifact("team/shelf/model", type="dataset")
    with pytest.raises(UsageError, match="there is no artifact model:v9 in project 'team/shelf'"):
        api.artifact("team/shelf/model:v9")


def test_a_run_knows_what_it_made_and_used(api: Api) -> None:
    made = api.run("team/shelf/maker").logged_artifacts()
    assert [each.name for each in made] == ["model:v0", "model:v1", "data:v0"]
    assert [each.name for each in api.run("team/shelf/user").used_artifacts()] == ["model:v0"]
    assert len(api.run("team/shelf/user").logged_artifacts()) == 0


def test_tags_are_changed_and_runs_left_out(api: Api) -> None:
    run = api.run("team/shelf/maker")
    run.tags.append("best")
    run.tags.remove("old")
    run.update()
    assert api.run("team/shelf/maker").tags == run.tags == ["best"]
    assert [each.id for each in api.runs("team/shelf", {"tags": "best"})] == ["maker"]
    with pytest.raises(UsageError, match="does not run"):
        run.stop()
    api.run("team/shelf/user").delete()
    assert [each.id for each in api.runs("team/shelf")] == ["maker"]


def test_what_is_changed_since_the_commit_is_a_file_of_the_run(service: Running, api: Api, tmp_path: Path) -> None:
    """With the values of secret variables masked."""
    (tmp_path / "train.py").write_text("rate = 0.1\n")
    words = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(tmp_path)]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*words, *command], check=True)
    (tmp_path / "train.py").write_text("rate = 0.2\nkey = 'k3yTh4tNobodyMaySee'\n")
    program = f"""
import os; os.chdir({str(tmp_path)!r})
import time
import runcast
with runcast.init(project="team/git", id="dirty") as run:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:  # Git is asked behind the training's back.
        try:
            runcast.Api().run("team/git/dirty").file("diff.patch")
            break
        except runcast.UsageError:
            time.sleep(0.05)
"""
    environ = {"RUNCAST_DIR": str(service.directory), "RUNCAST_GIT": "1", "SERVICE_API_KEY": "k3yTh4tNobodyMaySee"}
    done = python(program, **environ)
    assert done.returncode == 0, done.stderr
    run = api.run("team/git/dirty")
    assert run.metadata["git"]["diff"] == "diff.patch"
    assert run.file("diff.patch").stored
    patch = read(run.file("diff.patch").download(tmp_path))
    assert "-rate = 0.1\n+rate = 0.2\n+key = '****'\n" in patch
