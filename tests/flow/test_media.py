"""Pictures, sounds and tables on their way: as they were when they were logged, stored once, and never in the way."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.flow.running import Running, python, rows_of, up


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with up(tmp_path_factory.mktemp("service")) as running:
        yield running


def run(directory: Path, program: str, folder: Path, **environ: str) -> str:
    begin = f"import os; os.chdir({str(folder)!r})\nimport numpy as np\nimport runcast as wandb\n"
    done = python(begin + program, RUNCAST_DIR=str(directory), **environ)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(service: Running, run_id: str) -> list[dict[str, Any]]:
    return [dict(row) for row in rows_of(service.api, "m", run_id)]


def fetched(service: Running, run_id: str, told: dict[str, Any]) -> bytes:
    path = quote(told["path"])
    with urllib.request.urlopen(f"{service.api.url}/api/v1/projects/m/runs/{run_id}/files/{path}") as answer:
        data: bytes = answer.read()
    return data


def test_a_file_is_kept_as_it_was_when_it_was_logged(service: Running, tmp_path: Path) -> None:
    """What the training writes over, or deletes, the next moment is another thing."""
    run(
        service.directory,
        """
from pathlib import Path
run = wandb.init(project="m", id="as-it-was")
sound, page, film = Path("a.wav"), Path("p.html"), Path("film.mp4")
sound.write_bytes(b"first" * 1000)
page.write_text("<p>first")
film.write_bytes(b"first" * 400_000)
run.log({"sound": wandb.Audio("a.wav"), "page": wandb.Html("p.html"), "film": wandb.Video("film.mp4")})
with sound.open("r+b") as file:  # In place.
    file.write(b"later" * 1000)
page.unlink()
with film.open("r+b") as file:
    file.write(b"later")
run.finish()
""",
        tmp_path,
    )
    (row,) = rows(service, "as-it-was")
    assert fetched(service, "as-it-was", row["sound"]) == b"first" * 1000
    assert fetched(service, "as-it-was", row["film"]) == b"first" * 400_000
    assert fetched(service, "as-it-was", row["page"]).endswith(b"<p>first")


def test_the_same_picture_is_stored_once(service: Running, tmp_path: Path) -> None:
    run(
        service.directory,
        """
run = wandb.init(project="m", id="same")
for step in range(5):
    run.log({"one": wandb.Image(np.eye(20)), "two": wandb.Image(np.eye(20))})
run.finish()
""",
        tmp_path,
    )
    told = [row[key] for row in rows(service, "same") for key in ("one", "two")]
    assert len({each["sha256"] for each in told}) == 1
    assert len({each["path"] for each in told}) == 10
    digest = told[0]["sha256"]
    assert (service.directory / "files" / digest[:2] / digest[2:]).stat().st_size == told[0]["size"]


def test_an_incremental_table_sends_what_came_since(service: Running, tmp_path: Path) -> None:
    run(
        service.directory,
        """
run = wandb.init(project="m", id="grows")
table = wandb.Table(columns=["step", "said"], log_mode="INCREMENTAL")
for step in range(3):
    table.add_data(step, "x" * step)
    run.log({"table": table})
run.finish()
""",
        tmp_path,
    )
    told = [row["table"] for row in rows(service, "grows")]
    assert [each["nrows"] for each in told] == [1, 2, 3]
    assert [len(each["previous_increments_paths"]) for each in told] == [0, 1, 2]
    parts = [json.loads(fetched(service, "grows", each))["data"] for each in told]
    assert parts == [[[0, ""]], [[1, "x"]], [[2, "xx"]]]


def test_what_was_logged_without_a_service_comes_with_sync(service: Running, tmp_path: Path) -> None:
    (tmp_path / "away").mkdir()
    run(
        tmp_path / "away",
        """
run = wandb.init(project="m", id="away")
run.log({"image": wandb.Image(np.eye(9)), "chart": wandb.plot.line(wandb.Table(["x", "y"], [[1, 2]]), "x", "y")})
run.finish()
""",
        tmp_path,
        RUNCAST_MODE="offline",
    )
    synced = service.runcast("sync", str(tmp_path / "away"))
    assert synced.returncode == 0, synced.stdout + synced.stderr
    (row,) = rows(service, "away")
    assert fetched(service, "away", row["image"]).startswith(b"\x89PNG")
    assert not list((tmp_path / "away" / "journals").iterdir())


def test_lists_figures_and_data_frames_need_no_wrapping(service: Running, tmp_path: Path) -> None:
    run(
        service.directory,
        """
import pandas as pd, PIL.Image
run = wandb.init(project="m", id="bare")
run.log({"pil": PIL.Image.new("L", (3, 2)), "frame": pd.DataFrame({"a": [1]}), "several": [wandb.Image(np.eye(2))] * 3})
run.finish()
""",
        tmp_path,
    )
    (row,) = rows(service, "bare")
    kinds = {key: row[key]["_type"] for key in ("pil", "frame", "several")}
    assert kinds == {"pil": "image-file", "frame": "table-file", "several": "images/separated"}


def test_what_cannot_be_kept_is_said_and_the_training_goes_on(service: Running, tmp_path: Path) -> None:
    """The caller's own mistake raises at once; nothing else of the run suffers."""
    said = run(
        service.directory,
        """
run = wandb.init(project="m", id="refused")
try:
    run.log({"image": wandb.Image(np.zeros((3, 3, 9)))})
except wandb.UsageError as error:
    print(error)
run.log({"loss": 1})
run.finish()
""",
        tmp_path,
    )
    assert "an array of shape (3, 3, 9) is no picture; it has height × width (× 1 to 4 channels)" in said
    assert [row["loss"] for row in rows(service, "refused")] == [1]
