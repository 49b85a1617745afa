"""What the API answers: projects, runs, curves, rows and files; and a sentence when something is amiss."""

from __future__ import annotations

import csv
import io
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow.parquet as pq
import pytest
from tests.flow.running import Running, python, up

from runcast.service import Refused

PROGRAM = """
import runcast as wandb
for number, lr in enumerate((0.1, 0.2, 0.3)):
    run = wandb.init(project="team/vision", id=f"run{number}", name=f"n{number}", config={"lr": lr})
    for step in range(1000):
        wandb.log({"loss": 1 / (step + 1), "good": step % 2 == 0, "epoch": step // 100, "nested": {"x": step}})
    wandb.log({"odd": float("nan"), "huge": float("inf"), "note": "=HYPERLINK(1)", "list": [1, 2]})
    wandb.finish(exit_code=number // 2)
"""
PROJECT = "team%2Fvision"
ROWS = 1001


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with up(tmp_path_factory.mktemp("api")) as running:
        done = python(PROGRAM, RUNCAST_DIR=str(running.directory))
        assert done.returncode == 0, done.stderr
        yield running


def get(service: Running, path: str) -> tuple[int, bytes, dict[str, str]]:
    """Ask, and take whatever comes."""
    try:
        with urllib.request.urlopen(service.api.url + path, timeout=30) as answer:
            return answer.status, answer.read(), dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), dict(error.headers)


def ask(service: Running, path: str) -> Any:
    """Ask for JSON that is there, and strictly JSON."""
    status, body, _ = get(service, f"/api/v1{path}")
    assert status == 200, body
    return json.loads(body, parse_constant=lambda token: pytest.fail(f"{token} is no JSON"))


def trouble(service: Running, path: str) -> tuple[int, str, str]:
    """Ask for what is refused: status, code and sentence."""
    status, body, _ = get(service, path)
    error = json.loads(body)["error"]
    return status, error["code"], error["message"]


def test_projects_are_listed(service: Running) -> None:
    (project,) = ask(service, "/projects")["projects"]
    assert (project["name"], project["runs"]) == ("team/vision", 3)


def test_a_run_is_described_whole(service: Running) -> None:
    run = ask(service, f"/projects/{PROJECT}/runs/run1")
    assert (run["id"], run["name"], run["state"], run["exit_code"]) == ("run1", "n1", "finished", 0)
    assert run["config"] == {"lr": 0.2}
    assert (run["rows"], run["steps"], run["lost"]) == (ROWS, ROWS, 0)
    assert run["summary"]["nested.x"] == 999
    assert (run["summary"]["odd"], run["summary"]["huge"]) == ("NaN", "Infinity")
    assert run["duration"] > 0
    assert {key["key"]: key["kind"] for key in run["keys"]}["loss"] == "f"
    assert run["writers"][0]["stored"] == ROWS + 2  # Start and Finish are events too.


def test_a_slash_in_a_project_may_stand_as_it_is(service: Running) -> None:
    assert ask(service, "/projects/team/vision/runs/run1") == ask(service, f"/projects/{PROJECT}/runs/run1")


def test_runs_are_filtered_sorted_and_paged(service: Running) -> None:
    assert [run["id"] for run in ask(service, f"/projects/{PROJECT}/runs?state=failed")["runs"]] == ["run2"]
    assert ask(service, f"/projects/{PROJECT}/runs?state=running")["runs"] == []
    first = ask(service, f"/projects/{PROJECT}/runs?sort=name&limit=2")
    second = ask(service, f"/projects/{PROJECT}/runs?sort=name&limit=2&cursor={quote(first['next'])}")
    assert [run["id"] for run in first["runs"] + second["runs"]] == ["run0", "run1", "run2"]
    assert second["next"] is None


def test_history_gives_every_row_as_it_was_logged(service: Running) -> None:
    status, body, headers = get(service, f"/api/v1/projects/{PROJECT}/runs/run0/history")
    rows = [json.loads(line) for line in body.splitlines()]
    assert (status, headers["content-type"], len(rows)) == (200, "application/x-ndjson", ROWS)
    assert [row["_step"] for row in rows] == list(range(ROWS))
    assert rows[4]["loss"] == 0.2
    assert rows[4]["good"] is True
    assert rows[4]["nested.x"] == 4
    assert rows[4]["_runtime"] >= 0
    assert b'"odd":NaN,"huge":Infinity' in body


def test_strict_history_is_json_to_everybody(service: Running) -> None:
    _, body, _ = get(service, f"/api/v1/projects/{PROJECT}/runs/run0/history?strict=1&keys=odd,huge")
    (row,) = [json.loads(line, parse_constant=pytest.fail) for line in body.splitlines()]
    assert (row["odd"], row["huge"]) == ("NaN", "Infinity")


def test_history_of_some_keys_has_their_rows_alone(service: Running) -> None:
    _, body, _ = get(service, f"/api/v1/projects/{PROJECT}/runs/run0/history?keys=loss&keys=epoch")
    rows = [json.loads(line) for line in body.splitlines()]
    assert len(rows) == 1000
    assert {key for row in rows for key in row} == {"loss", "epoch", "_step", "_timestamp", "_runtime"}


def test_history_of_several_keys_has_the_rows_that_have_all_of_them(service: Running) -> None:
    """`odd` and `huge` were logged together, `odd` and `loss` never."""
    path = f"/api/v1/projects/{PROJECT}/runs/run0"
    assert len(get(service, f"{path}/history?keys=odd,huge,_step")[1].splitlines()) == 1
    assert get(service, f"{path}/history?keys=loss,odd,_step")[1] == b""
    exported = get(service, f"{path}/export?format=jsonl&keys=loss,odd")[1].splitlines()
    assert len(exported) >= 1000


def test_a_short_curve_is_exact_and_a_long_one_says_that_it_is_not(service: Running) -> None:
    path = f"/projects/{PROJECT}/runs/run0/series?key=loss"
    exact = ask(service, f"{path}&points=2000")
    assert (exact["exact"], exact["total"], len(exact["values"])) == (True, 1000, 1000)
    band = ask(service, f"{path}&points=100")
    assert (band["exact"], band["total"]) == (False, 1000)
    assert 10 <= len(band["steps"]) <= 100
    assert max(band["high"]) == 1.0
    assert min(band["low"]) == 0.001
    assert sum(band["count"]) == 1000


def test_a_stretch_of_a_curve(service: Running) -> None:
    found = ask(service, f"/projects/{PROJECT}/runs/run0/series?key=nested.x&from=10&to=12")
    assert (found["steps"], found["values"]) == ([10, 11, 12], [10, 11, 12])
    begin, end = found["times"][0], found["times"][-1]
    by_time = ask(service, f"/projects/{PROJECT}/runs/run0/series?key=nested.x&x=time&from={begin}&to={end}")
    assert set(by_time["values"]) >= {10, 11, 12}


def test_what_is_no_number_is_null_in_a_curve(service: Running) -> None:
    assert ask(service, f"/projects/{PROJECT}/runs/run0/series?key=odd")["values"] == [None]


def test_csv_has_a_column_for_each_key_and_computes_nothing(service: Running) -> None:
    _, body, headers = get(service, f"/api/v1/projects/{PROJECT}/runs/run0/export?format=csv")
    rows = list(csv.DictReader(io.StringIO(body.decode())))
    assert headers["content-disposition"] == 'attachment; filename="run0.csv"'
    assert len(rows) == ROWS
    assert rows[-1]["note"] == "'=HYPERLINK(1)"
    assert rows[3]["loss"] == "0.25"


def test_parquet_has_the_types_that_were_logged(service: Running, tmp_path: Path) -> None:
    _, body, _ = get(service, f"/api/v1/projects/{PROJECT}/runs/run0/export?format=parquet")
    (tmp_path / "run.parquet").write_bytes(body)
    table = pq.read_table(tmp_path / "run.parquet")
    types = {field.name: str(field.type) for field in table.schema}
    assert (types["loss"], types["good"], types["epoch"]) == ("double", "bool", "int64")
    assert table.num_rows == ROWS
    assert table.column("epoch").to_pylist()[250] == 2
    assert json.loads(table.column("_extra").to_pylist()[-1]) == {"list": [1, 2]}


def test_json_lines_are_the_history(service: Running) -> None:
    path = f"/api/v1/projects/{PROJECT}/runs/run0"
    assert get(service, f"{path}/export?format=jsonl")[1] == get(service, f"{path}/history")[1]


def test_a_writer_is_told_how_far_it_is_stored(service: Running) -> None:
    writer = ask(service, f"/projects/{PROJECT}/runs/run0")["writers"][0]
    assert ask(service, f"/writers/{writer['id']}/stored") == {"writer": writer["id"], "stored": ROWS + 2}
    assert ask(service, f"/writers/{'0' * 16}/stored")["stored"] == 0


@pytest.mark.parametrize(
    ("path", "code", "near"),
    [
        ("/projects/team%2Fvison/runs", "unknown_project", "team/vision"),
        (f"/projects/{PROJECT}/runs/run9", "unknown_run", "run0"),
        (f"/projects/{PROJECT}/runs/run0/series?key=los", "unknown_key", "loss"),
        (f"/projects/{PROJECT}/runs/RUN0/history", "unknown_run", "run0"),
        ("/nothing", "unknown_path", "openapi.json"),
    ],
)
def test_what_is_not_there_is_a_404_that_lists_what_is(service: Running, path: str, code: str, near: str) -> None:
    status, found, sentence = trouble(service, f"/api/v1{path}")
    assert (status, found) == (404, code)
    assert near in sentence


@pytest.mark.parametrize(
    ("path", "names"),
    [
        (f"/projects/{PROJECT}/runs?limit=0", "limit is '0'"),
        (f"/projects/{PROJECT}/runs?limit=many", "limit is 'many'"),
        (f"/projects/{PROJECT}/runs?state=sleeping", "'sleeping'"),
        (f"/projects/{PROJECT}/runs?sort=colour", "'colour'"),
        (f"/projects/{PROJECT}/runs?cursor=%00garbage", "cursor"),
        (f"/projects/{PROJECT}/runs/run0/series", "key is missing"),
        (f"/projects/{PROJECT}/runs/run0/series?key=loss&points=1000000", "points is '1000000'"),
        (f"/projects/{PROJECT}/runs/run0/series?key=loss&x=colour", "'colour'"),
        (f"/projects/{PROJECT}/runs/run0/series?key=loss&from=nan", "from is nan"),
        (f"/projects/{PROJECT}/runs/run0/series?key=loss&from=1e300", "from is 1e+300"),
        (f"/projects/{PROJECT}/runs/run0/series?key=loss&from=5&to=1", "from comes first"),
        (f"/projects/{PROJECT}/runs/run0/export?format=exe", "'exe'"),
        (f"/projects/{PROJECT}/runs/run0/history?keys={'k' * 300}", "at most 256"),
        ("/writers/xyz/stored", "'xyz'"),
    ],
)
def test_a_value_out_of_range_is_a_422_that_names_it(service: Running, path: str, names: str) -> None:
    status, _, sentence = trouble(service, f"/api/v1{path}")
    assert status == 422
    assert names in sentence


@pytest.mark.parametrize(
    "name", ["..%2f..%2fetc%2fpasswd", "%2e%2e", "a%00b", "%F0%9F%9A%80", "x" * 3000, "'; DROP TABLE run"]
)
def test_a_strange_name_is_only_unknown(service: Running, name: str) -> None:
    status, _, _ = get(service, f"/api/v1/projects/{quote(name, safe='%')}/runs/{quote(name, safe='%')}/history")
    assert status in {404, 422}


def test_every_answer_of_the_api_is_described_and_runs_nothing(service: Running) -> None:
    _, body, headers = get(service, "/api/v1/openapi.json")
    described = json.loads(body)
    for path, methods in described["paths"].items():
        for method in methods.values():
            assert method["summary"], path
            assert method.get("description"), path
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def test_the_probes_say_how_it_is(service: Running) -> None:
    assert get(service, "/healthz")[:2] == (200, b'{"status":"ok"}')
    status, body, _ = get(service, "/readyz")
    assert (status, json.loads(body)["status"]) == (200, "ready")
    status, body, _ = get(service, "/metrics")
    assert status == 200
    assert b"runcast_events_stored_total 3009.0" in body
    assert ask(service, "/health")["quarantine"] == []


SAYS = """
import runcast, time
from runcast import events
run = runcast.init(project="talk", id="one")
run.log({"loss": 1})
run._publish(events.Console(time.time_ns(), 0, ("hello", "<b>10 %</b>")))
run._publish(events.Alert(time.time_ns(), "loss is NaN", level="ERROR", step=3))
run.finish()
"""


def test_what_a_run_printed_and_alerted_can_be_read(service: Running) -> None:
    done = python(SAYS, RUNCAST_DIR=str(service.directory), RUNCAST_CONSOLE="off")
    assert done.returncode == 0, done.stderr
    path = "/api/v1/projects/talk/runs/one"
    [line] = service.api.get(f"{path}/console", search="10")["lines"]
    assert (line["number"], line["text"]) == (1, "<b>10 %</b>")
    whole = service.api.get(f"{path}/console")
    assert [line["text"] for line in whole["lines"]] == ["hello", "<b>10 %</b>"]
    assert service.api.get(f"{path}/console", after=0)["lines"] == whole["lines"]
    assert service.api.get(f"{path}/console", after=whole["next"]) == {"lines": [], "next": whole["next"]}
    assert service.api.get(f"{path}/console", until="2026-01-01T00:00:00Z")["lines"] == []
    for until in (whole["lines"][-1]["time"], "9999-01-01"):
        assert service.api.get(f"{path}/console", until=until)["lines"] == whole["lines"]
    assert service.api.get(f"{path}/console", until="0001-01-01")["lines"] == []
    [alert] = service.api.get(f"{path}/alerts")["alerts"]
    assert (alert["title"], alert["level"], alert["step"]) == ("loss is NaN", "ERROR", 3)
    with pytest.raises(Refused, match="beside neither search nor until"):
        service.api.get(f"{path}/console", after=0, search="x")
    with pytest.raises(Refused, match="after"):
        service.api.get(f"{path}/console", after="x")
