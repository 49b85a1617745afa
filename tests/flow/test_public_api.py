"""`runcast.Api()`: what was logged is what a program reads."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from tests.flow.running import Running, python, up

from runcast.apis.api import Api
from runcast.errors import ServerMissing, UsageError

PROGRAM = """
import runcast as wandb
for lr, loss in ((0.1, 3.0), (0.2, 1.0), (0.4, float("nan"))):
    tags = ["sweep", f"lr{lr}"]
    config = {"lr": lr, "opt": {"name": "adam"}}
    run = wandb.init(project="team/vision", id=f"lr{int(lr * 10)}", name=f"try {lr}", config=config, tags=tags)
    run.define_metric("acc", summary="max")
    for step in range(700):
        run.log({"loss": loss / (step + 1), "acc": step % 7})
    run.log({"only": 1})
    run.finish(exit_code=int(lr == 0.4))
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with up(tmp_path_factory.mktemp("read")) as running:
        done = python(PROGRAM, RUNCAST_DIR=str(running.directory))
        assert done.returncode == 0, done.stderr
        yield running


@pytest.fixture
def api(service: Running) -> Api:
    return Api(server=service.api.url)


def test_a_run_is_as_it_was_logged(api: Api) -> None:
    run = api.run("anybody/team/vision/lr1")
    assert (run.id, run.name, run.state, run.config["opt"]) == ("lr1", "try 0.1", "finished", {"name": "adam"})
    assert (run.summary["acc"], run.lastHistoryStep, run.tags) == ({"max": 6}, 700, ["sweep", "lr0.1"])
    assert math.isnan(api.run("team/vision/lr4").summary["loss"])
    assert run.keys == ["acc", "loss", "only"]
    assert run.url.endswith("/run?project=team%2Fvision&run=lr1")


def test_a_history_is_exact(api: Api) -> None:
    run = api.run("team/vision/runs/lr2")
    rows = run.history(pandas=False)
    assert [row["loss"] for row in rows[:-1]] == [1.0 / (step + 1) for step in range(700)]
    frame = run.history()
    assert len(frame) == 701
    assert frame["acc"].max() == 6
    assert [row["_step"] for row in run.scan_history(["loss"], min_step=5, max_step=8)] == [5, 6, 7]
    assert [row["only"] for row in run.scan_history(["only"])] == [1]
    assert run.arrow(["loss", "acc"]).num_rows == 700


def test_fewer_samples_are_given_when_they_are_asked_for_and_that_is_said(api: Api) -> None:
    with pytest.warns(UserWarning, match="100 of 701 rows of try 0.2 are given"):
        assert len(api.run("team/vision/lr2").history(samples=100, pandas=False)) == 100


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"config.lr": 0.1}, ["lr1"]),
        ({"config.lr.value": {"$gt": 0.1}}, ["lr2", "lr4"]),
        ({"summary_metrics.loss": {"$lt": 0.003}}, ["lr2"]),
        ({"$or": [{"state": "failed"}, {"display_name": "try 0.2"}]}, ["lr2", "lr4"]),
        ({"tags": {"$in": ["lr0.1", "lr0.4"]}}, ["lr1", "lr4"]),
        ({"display_name": {"$regex": "0.[24]$"}}, ["lr2", "lr4"]),
        ({"config.opt.name": "adam", "state": {"$ne": "finished"}}, ["lr4"]),
        ({"config.nothing": {"$exists": False}}, ["lr1", "lr2", "lr4"]),
        ({"$nor": [{"config.lr": 0.1}], "config.lr": {"$not": {"$gte": 0.4}}}, ["lr2"]),
    ],
)
def test_runs_are_found_by_filters(api: Api, filters: dict[str, object], found: list[str]) -> None:
    assert [run.id for run in api.runs("team/vision", filters)] == found


def test_runs_come_in_the_order_that_is_asked_for(api: Api) -> None:
    assert [run.id for run in api.runs("team/vision", order="-config.lr")] == ["lr4", "lr2", "lr1"]
    # A NaN has no place in an order, and comes last.
    assert [run.id for run in api.runs("team/vision", order="-summary_metrics.loss")] == ["lr1", "lr2", "lr4"]
    assert api.runs("me/team/vision", order="-created_at")[0].id == "lr4"
    [project] = api.projects()
    assert (project.name, project.run_count, len(project.runs()), project.runs()[0].id) == ("team/vision", 3, 3, "lr1")


def test_what_there_is_not_is_named(api: Api, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="there is no run 'lr9'"):
        api.run("team/vision/lr9")
    with pytest.raises(UsageError, match="there is no project 'nothing'"):
        api.runs("nothing")
    with pytest.raises(UsageError, match=r"filters has '\$near'"):
        api.runs("team/vision", {"config.lr": {"$near": 1}})
    with pytest.raises(UsageError, match="the path is 'alone'; write it as project/run"):
        api.run("alone")
    monkeypatch.setenv("RUNCAST_DIR", str(tmp_path))
    with pytest.raises(ServerMissing, match="start one with `runcast up`"):
        Api()
