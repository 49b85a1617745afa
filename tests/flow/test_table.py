"""What the API says to a table of runs: filters, orders, rows and columns; and what readers change through it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from tests.flow.running import Running, python, runcast, up

from runcast import Api
from runcast.errors import UsageError

PROGRAM = """
import runcast as wandb
for number, lr in enumerate((0.1, 0.2, 0.3)):
    tags = ["even"] if number % 2 == 0 else []
    config = {"lr": lr, "net": {"name": "<b>" if number else "res"}}
    wandb.init(project="team/table", id=f"run{number}", config=config, tags=tags)
    for step in range(50):
        wandb.log({"loss": abs(step - 10 * number) + number})
    wandb.finish(exit_code=number // 2)
"""
BASE = "/api/v1/projects/team%2Ftable"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with up(tmp_path_factory.mktemp("table")) as running:
        done = python(PROGRAM, RUNCAST_DIR=str(running.directory))
        assert done.returncode == 0, done.stderr
        yield running


def send(service: Running, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    """Ask, or post, and take whatever comes."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(service.api.url + path, data, {"content-type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def ids(service: Running, text: str) -> list[str]:
    status, found = send(service, f"{BASE}/runs?sort=id&filter={quote(text)}")
    assert status == 200, found
    return [run["id"] for run in found["runs"]]


def test_runs_are_found_by_a_filter_everywhere(service: Running) -> None:
    """In the API, in Python and on the command line the words are the same."""
    text = 'config.lr < 0.25 and ("even" in tags or min.loss >= 1)'
    assert ids(service, text) == ["run0", "run1"]
    api = Api(server=service.api.url)
    assert [run.id for run in api.runs("team/table", text)] == ["run0", "run1"]
    done = runcast("ls", "team/table", "--filter", text, "--json", RUNCAST_DIR=str(service.directory))
    assert {json.loads(line)["id"] for line in done.stdout.splitlines()} == {"run0", "run1"}
    done = runcast("ls", "team/table", "--filter", "lr < 1", RUNCAST_DIR=str(service.directory))
    assert (done.returncode, "did you mean config.lr" in done.stderr) == (1, True)
    with pytest.raises(UsageError, match=r"did you mean config.lr or summary.lr\? \(at character 1\)"):
        api.runs("team/table", "lr < 1")


def test_a_mistake_in_a_filter_is_said_with_its_place(service: Running) -> None:
    status, answer = send(service, f"{BASE}/order?filter={quote('state == running and lr < 1')}")
    assert (status, answer["error"]["code"], answer["error"]["at"], answer["error"]["length"]) == (
        422,
        "bad_filter",
        21,
        2,
    )
    status, answer = send(service, f"{BASE}/order?sort=colour")
    assert (status, answer["error"]["code"]) == (422, "bad_value")
    assert send(service, "/api/v1/projects/nothing/order")[0] == 404


def test_order_and_rows_are_two_questions(service: Running) -> None:
    _, order = send(service, f"{BASE}/order?sort=-min.loss&group=config.net.name")
    assert order == {
        "ids": ["run2", "run1", "run0"],
        "groups": [{"value": "<b>", "runs": 2}, {"value": "res", "runs": 1}],
        "more": False,
    }
    path = f"{BASE}/rows?id=run1&id=run0&id=gone&config=net.name&config=none&summary=loss&curve=loss&extremes=loss"
    _, rows = send(service, path)
    first, second = rows["runs"]
    assert (first["id"], first["config"], first["summary"]) == ("run1", {"net.name": "<b>"}, {"loss": 40})
    assert second["extremes"] == {"loss": [0, 49]}
    assert 20 <= len(second["curve"]) <= 40
    assert "facts" not in first
    _, columns = send(service, f"{BASE}/columns")
    assert [(each["key"], each["numbers"], each["distinct"]) for each in columns["config"]] == [
        ("lr", 3, 3),
        ("net.name", 0, 2),
    ]


def test_a_change_says_what_takes_it_back(service: Running) -> None:
    status, done = send(service, f"{BASE}/curate", {"runs": ["run0", "run1"], "tag": ["best"], "deleted": True})
    assert (status, done["changed"]) == (200, ["run0", "run1"])
    assert ids(service, "name") == ["run2"]
    for change in done["undo"]:
        status, answer = send(service, f"{BASE}/curate", change)
        assert status == 200, answer
    assert ids(service, "name") == ["run0", "run1", "run2"]
    assert ids(service, '"best" in tags') == []
    assert send(service, f"{BASE}/curate", {"runs": [], "tags": ["typo"]})[0] == 422
    assert send(service, "/api/v1/projects/nothing/curate", {"runs": ["x"], "hidden": True})[0] == 404


def test_a_page_of_another_origin_changes_nothing(service: Running) -> None:
    change = {"runs": ["run0"], "deleted": True}
    status, answer = send(service, f"{BASE}/curate", change, Origin="https://evil.example")
    assert (status, answer["error"]["code"]) == (403, "foreign_origin")
    assert "run0" in ids(service, "name")


def test_notes_are_saved_once_and_not_over_what_nobody_saw(service: Running) -> None:
    notes = f"{BASE}/runs/run1/notes"
    assert send(service, notes, {"notes": "**a** warm-up", "was": ""}) == (200, {"notes": "**a** warm-up"})
    status, answer = send(service, notes, {"notes": "mine", "was": ""})
    assert (status, answer["error"]["code"], answer["error"]["notes"]) == (409, "changed", "**a** warm-up")
    assert send(service, f"{BASE}/runs/run1")[1]["notes"] == "**a** warm-up"
    assert ids(service, "notes ~ warm") == ["run1"]
    # Tags and notes leave each other alone.
    _, done = send(service, f"{BASE}/curate", {"runs": ["run1"], "hidden": True})
    assert send(service, notes, {"notes": "", "was": "**a** warm-up"})[0] == 200
    assert send(service, f"{BASE}/runs/run1")[1]["hidden"] is True
    assert send(service, f"{BASE}/curate", done["undo"][0])[0] == 200
    assert ids(service, "notes ~ warm") == []
    assert send(service, notes, {"notes": "x" * 100_001, "was": ""})[0] == 422
    assert send(service, f"{BASE}/runs/nobody/notes", {"notes": "x", "was": ""})[0] == 404
    assert send(service, notes, {"notes": "evil", "was": ""}, Origin="https://evil.example")[0] == 403
