"""Runs that other tools recorded come in as they were, once, however often they are imported."""

from __future__ import annotations

import json
import math
import shutil
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.flow.running import Running, environment, up, wait_until

from runcast.protobuf import varint_bytes
from runcast.tensorboard_events import _masked_crc

RECORDED = Path(__file__).parent / "recorded"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with up(tmp_path_factory.mktemp("rc")) as running:
        yield running


def bring(service: Running, *arguments: str | Path) -> str:
    """Import, and give what was said last."""
    done = service.runcast("import", *map(str, arguments))
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def only(service: Running, project: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Give a project's one run, and its rows without those of the machine."""
    [run] = service.api.runs(project)
    rows = []
    for row in service.api.history(project, str(run["id"])):
        logged = {key: value for key, value in row.items() if not key.startswith("_system/")}
        if logged.keys() - {"_step", "_timestamp", "_runtime"}:
            rows.append(logged)
    return dict(run), rows


def test_a_run_of_the_official_client(service: Running, tmp_path: Path) -> None:
    folder = tmp_path / "wandb" / "offline-run-20261123_110451-abc12345"
    folder.mkdir(parents=True)
    shutil.copy(RECORDED / "run-abc12345.wandb", folder)
    assert bring(service, "wandb", tmp_path / "wandb").startswith("1 run, ")
    run, rows = only(service, "ported")
    assert (run["id"], run["name"], run["state"], run["exit_code"]) == ("abc12345", "first", "failed", 3)
    assert run["config"] == {"lr": 0.1, "opt": {"name": "adam"}, "later": 7}
    assert [row["_step"] for row in rows] == [0, 1, 2, 3, 4, 20]
    assert rows[1] | {"nan": 0, "_timestamp": 0, "_runtime": 0} == {
        "loss": 0.5,
        "nest.x": 1,
        "txt": "s1",
        "nan": 0,
        "h": {"_type": "histogram", "values": [3, 2, 2, 3], "bins": [0, 2.25, 4.5, 6.75, 9]},
        "_step": 1,
        "_timestamp": 0,
        "_runtime": 0,
    }
    assert math.isnan(rows[1]["nan"])
    assert (rows[5]["late"], rows[5]["z"]) == (1, 2)
    assert (run["summary"]["best"], run["summary"]["z"], run["summary"]["loss"]) == (3, 2, 0.2)
    assert bring(service, "wandb", folder).endswith("; 0 events were new")
    assert only(service, "ported") == (run, rows)


def event(step: int, **scalars: float) -> bytes:
    """Write a TFRecord with an event of TensorBoard's."""

    def part(number: int, data: bytes) -> bytes:
        return bytes([number << 3 | 2]) + varint_bytes(len(data)) + data

    values = b"".join(
        part(1, part(1, tag.encode()) + b"\x15" + struct.pack("<f", value)) for tag, value in scalars.items()
    )
    data = b"\x09" + struct.pack("<d", 1_700_000_000.0 + step) + b"\x10" + varint_bytes(step) + part(5, values)
    head = struct.pack("<Q", len(data))
    return head + struct.pack("<I", _masked_crc(head)) + data + struct.pack("<I", _masked_crc(data))


def test_event_files_of_tensorboard_and_what_is_added_to_them(service: Running, tmp_path: Path) -> None:
    file = tmp_path / "runs" / "lr=0.1" / "events.out.tfevents.1700000000.host.1.0"
    file.parent.mkdir(parents=True)
    file.write_bytes(event(0, loss=1.0) + event(0, acc=0.25) + event(1, loss=0.5)[:-3])  # It is being written.
    assert bring(service, "tensorboard", tmp_path / "runs", "--project", "board") == "1 run, 2 rows; 3 events were new"
    run, rows = only(service, "board")
    assert (run["name"], run["state"], len(rows)) == ("lr=0.1", "finished", 1)
    assert (rows[0]["loss"], rows[0]["acc"], rows[0]["_timestamp"]) == (1.0, 0.25, 1_700_000_000.0)
    file.write_bytes(event(0, loss=1.0) + event(0, acc=0.25) + event(1, loss=0.5))
    assert bring(service, "tensorboard", tmp_path / "runs", "--project", "board") == "1 run, 3 rows; 1 event were new"
    run, rows = only(service, "board")
    assert (run["state"], [row["loss"] for row in rows]) == ("finished", [1.0, 0.5])


def test_event_files_are_followed_while_they_grow(service: Running, tmp_path: Path) -> None:
    file = tmp_path / "events.out.tfevents.1700000000.host.1.0"
    file.write_bytes(event(0, loss=0.0))
    command = [sys.executable, "-m", "runcast.cli", "import", "tensorboard", str(tmp_path), "--follow"]
    following = subprocess.Popen(
        [*command, "--project", "growing"],
        env=environment(RUNCAST_DIR=str(service.directory)),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:

        def losses() -> list[float]:
            runs = list(service.api.runs("growing")) if _exists(service, "growing") else []
            return [row["loss"] for run in runs for row in service.api.history("growing", str(run["id"]))]

        wait_until(lambda: losses() == [0.0] or None, 20)
        for step in range(1, 4):
            with file.open("ab") as open_file:
                open_file.write(event(step, loss=float(step)))
            wait_until(lambda: losses() == [float(each) for each in range(step + 1)] or None, 20)  # noqa: B023
    finally:
        following.send_signal(2)
        said, _ = following.communicate(timeout=30)
    assert following.returncode == 0
    assert said.splitlines()[-1] == "4 rows followed"
    assert only(service, "growing")[0]["state"] == "finished"


def _exists(service: Running, project: str) -> bool:
    return project in {each["name"] for each in service.api.projects()}


def test_runs_of_mlflow_from_its_database(service: Running, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as db, db:
        # As MLflow 3 makes them, without what is not read.
        db.executescript(
            """
            CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name VARCHAR(256) NOT NULL);
            CREATE TABLE runs (run_uuid VARCHAR(32) PRIMARY KEY, name VARCHAR(250), status VARCHAR(9),
                start_time BIGINT, end_time BIGINT, lifecycle_stage VARCHAR(20), experiment_id INTEGER);
            CREATE TABLE metrics (key VARCHAR(250), value FLOAT, timestamp BIGINT, run_uuid VARCHAR(32),
                step BIGINT, is_nan BOOLEAN);
            CREATE TABLE params (key VARCHAR(250), value VARCHAR(8000), run_uuid VARCHAR(32));
            CREATE TABLE tags (key VARCHAR(250), value VARCHAR(8000), run_uuid VARCHAR(32));
            INSERT INTO experiments VALUES (1, 'vision');
            INSERT INTO runs VALUES ('0123456789abcdef', 'm1', 'KILLED', 1700000000000, 1700000060000, 'active', 1),
                ('ffff', 'gone', 'FINISHED', 1, 2, 'deleted', 1);
            INSERT INTO params VALUES ('lr', '0.1', '0123456789abcdef'), ('net', 'resnet', '0123456789abcdef');
            """
        )
        rows = [("loss", 1 / (step + 1), 1_700_000_000_000 + step, "0123456789abcdef", step, 0) for step in range(9)]
        db.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", rows)
        db.execute("INSERT INTO metrics VALUES ('acc', 0, 1700000000003, '0123456789abcdef', 3, 1)")
    assert bring(service, "mlflow", tmp_path) == "1 run, 9 rows; 10 events were new"
    run, history = only(service, "vision")
    assert (run["id"], run["name"], run["state"], run["exit_code"]) == ("0123456789abcdef", "m1", "failed", 137)
    assert run["config"] == {"lr": 0.1, "net": "resnet"}
    assert [row["loss"] for row in history] == [1 / (step + 1) for step in range(9)]
    assert math.isnan(history[3]["acc"])
    assert bring(service, "mlflow", tmp_path).endswith("; 0 events were new")


def test_runs_of_mlflow_from_its_folders(service: Running, tmp_path: Path) -> None:
    run = tmp_path / "mlruns" / "7" / "b3e5"
    for folder in ("metrics/val", "params", "tags"):
        (run / folder).mkdir(parents=True)
    (run.parent / "meta.yaml").write_text("experiment_id: '7'\nname: folders\n")
    (run / "meta.yaml").write_text(
        "run_id: b3e5\nrun_name: m2\nstatus: 3\nstart_time: 1700000000000\nend_time: 1700000001000\n"
    )
    (run / "metrics" / "val" / "loss").write_text("1700000000001 1.0 0\n1700000000002 nan 1\n")
    (run / "params" / "depth").write_text("3")
    assert bring(service, "mlflow", tmp_path / "mlruns") == "1 run, 2 rows; 3 events were new"
    found, history = only(service, "folders")
    assert (found["name"], found["state"], found["config"]) == ("m2", "finished", {"depth": 3})
    assert (history[0]["val/loss"], math.isnan(history[1]["val/loss"])) == (1.0, True)
    assert bring(service, "mlflow", tmp_path / "mlruns").endswith("; 0 events were new")


def test_databases_of_trackio(service: Running, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "tracked.db")) as db, db:
        db.executescript(
            """
            CREATE TABLE metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, timestamp TEXT NOT NULL,
                run_name TEXT NOT NULL, step INTEGER NOT NULL, metrics TEXT NOT NULL, log_id TEXT, space_id TEXT);
            CREATE TABLE configs (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, run_name TEXT NOT NULL,
                config TEXT NOT NULL, created_at TEXT NOT NULL, UNIQUE(run_id));
            CREATE TABLE system_metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL,
                timestamp TEXT NOT NULL, run_name TEXT NOT NULL, metrics TEXT NOT NULL);
            INSERT INTO configs VALUES (1, 'e5bc', 'r1', '{"lr": 0.1, "_Username": null}', '');
            INSERT INTO system_metrics VALUES (1, 'e5bc', '2026-03-01T09:30:00+00:00', 'r1', '{"cpu": 12.5}');
            """
        )
        for step in range(3):
            values = ("e5bc", f"2026-03-01T09:30:0{step}+00:00", "r1", step, json.dumps({"loss": step, "n": {"x": 1}}))
            db.execute("INSERT INTO metrics(run_id, timestamp, run_name, step, metrics) VALUES(?, ?, ?, ?, ?)", values)
    assert bring(service, "trackio", tmp_path) == "1 run, 4 rows; 6 events were new"
    run, history = only(service, "tracked")
    assert (run["id"], run["name"], run["state"], run["config"]) == ("e5bc", "r1", "finished", {"lr": 0.1})
    assert [(row["loss"], row["n.x"]) for row in history if "loss" in row] == [(0, 1), (1, 1), (2, 1)]
    assert bring(service, "trackio", tmp_path / "tracked.db").endswith("; 0 events were new")


def test_a_table_of_comma_separated_values(service: Running, tmp_path: Path) -> None:
    table = tmp_path / "results.csv"
    table.write_text(
        "run,step,time,loss,note\na,0,1700000000,1.5,x\na,5,1700000001,nan,\nb,0,2023-11-14T22:13:20+00:00,2,y\n"
    )
    assert bring(service, "csv", table, "--project", "tables") == "2 runs, 3 rows; 5 events were new"
    runs = {run["name"]: run for run in service.api.runs("tables")}
    rows = {name: list(service.api.history("tables", str(run["id"]))) for name, run in runs.items()}
    assert [(row["_step"], row["_timestamp"]) for row in rows["a"]] == [(0, 1.7e9), (5, 1.7e9 + 1)]
    assert math.isnan(rows["a"][1]["loss"])
    assert (rows["b"][0]["loss"], rows["b"][0]["note"], rows["b"][0]["_timestamp"]) == (2, "y", 1.7e9)
    assert bring(service, "csv", table, "--project", "tables").endswith("; 0 events were new")


@pytest.mark.parametrize(
    ("what", "name", "content", "sentence"),
    [
        ("csv", "a.csv", "step,loss\nfour,1\n", "has the step 'four' in line 2; it is a number"),
        ("csv", "a.csv", "", "is empty; its first line names the columns"),
        ("wandb", "a.wandb", "nothing", "is no .wandb file"),
        ("mlflow", "a.db", "nothing", "is no database of MLflow"),
        ("trackio", "a.db", "nothing", "is no database of trackio"),
    ],
)
def test_what_cannot_be_read_is_named(
    service: Running, tmp_path: Path, what: str, name: str, content: str, sentence: str
) -> None:
    (tmp_path / name).write_text(content)
    done = service.runcast("import", what, str(tmp_path / name))
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_to_import_and_nowhere_to_bring_it(service: Running, tmp_path: Path) -> None:
    done = service.runcast("import", "tensorboard", str(tmp_path))
    assert (done.returncode, f"there is nothing of tensorboard in {tmp_path}" in done.stderr) == (1, True)
    done = service.runcast("sync", str(RECORDED))
    assert f"`runcast import wandb {RECORDED}`" in done.stderr
