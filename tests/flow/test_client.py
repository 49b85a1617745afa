"""What `import runcast as wandb` promises a program, beside what W&B's own client does in the same place."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.flow.running import ALONE, python

import runcast as wandb
from runcast.blocks import Block, Item
from runcast.drain import journals
from runcast.events import Config, Lost, Metric, Rename, Start, Summary
from runcast.reader import Reader

Row = dict[str, Any]


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give a program a directory of its own, and the process its hooks back."""
    for name in [name for name in os.environ if name.startswith("RUNCAST_")]:
        monkeypatch.delenv(name)
    for name, value in ALONE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RUNCAST_DIR", str(tmp_path))
    monkeypatch.setattr(sys, "exit", sys.exit)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    yield
    wandb.finish()


def items(directory: Path) -> list[Item]:
    [journal] = journals(directory)
    reader = Reader(journal)
    found: list[Item] = []
    while more := reader.take()[1]:
        found += more
    reader.close()
    return found


def rows(directory: Path) -> list[tuple[int, Row]]:
    """Every logged row: its step, and what is in it."""
    found: list[tuple[int, Row]] = []
    for item in items(directory):
        if not isinstance(item, Block):
            continue
        values = memoryview(item.values).cast("d")
        for row, step in enumerate(memoryview(item.steps).cast("q")):
            numbers: Row = {name: values[key * item.rows + row] for key, name in enumerate(item.names)}
            found.append((step, numbers | ((item.extras and item.extras[row]) or {})))
    return found


def test_steps_count_by_themselves(tmp_path: Path) -> None:
    wandb.init()
    wandb.log({"a": 1.0})
    wandb.log({})
    wandb.log({"a": 2.0})
    assert rows(tmp_path) == [(0, {"a": 1.0}), (1, {}), (2, {"a": 2.0})]
    assert wandb.run is not None
    assert wandb.run.step == 3


def test_an_uncommitted_row_is_seen_at_once_and_amended(tmp_path: Path) -> None:
    """Both calls have the same step; readers merge them."""
    wandb.init()
    wandb.log({"a": 1.0}, commit=False)
    wandb.log({"b": 2.0})
    wandb.log({"a": 3.0})
    assert rows(tmp_path) == [(0, {"a": 1.0}), (0, {"b": 2.0}), (1, {"a": 3.0})]


def test_an_explicit_step_stays_open_until_the_next(tmp_path: Path) -> None:
    """A call without a step goes into the open one, as W&B's does, and closes it."""
    run = wandb.init()
    wandb.log({"a": 1.0}, step=10)
    wandb.log({"b": 2.0}, step=np.int64(10))  # type: ignore[arg-type]
    wandb.log({"c": 3.0})
    wandb.log({"d": 4.0}, step=20, commit=True)
    wandb.log({"e": 5.0})
    assert [step for step, _ in rows(tmp_path)] == [10, 10, 10, 20, 21]
    assert run.step == 22


def test_a_step_that_goes_back_is_kept(tmp_path: Path) -> None:
    """W&B drops such a row."""
    run = wandb.init()
    wandb.log({"a": 1.0}, step=10)
    wandb.log({"a": 2.0}, step=5)
    assert rows(tmp_path) == [(10, {"a": 1.0}), (5, {"a": 2.0})]
    assert run.step == 10


def test_a_row_that_is_refused_takes_no_step(tmp_path: Path) -> None:
    wandb.init()
    for refused in ({"a": object()}, {1: 2}, [("a", 1)]):
        with pytest.raises(TypeError):
            wandb.log(refused)  # type: ignore[arg-type]
    wandb.log({"a": 1.0})
    assert rows(tmp_path) == [(0, {"a": 1.0})]


def test_a_program_cannot_log_among_the_samples_of_the_machine(tmp_path: Path) -> None:
    wandb.init()
    for _ in range(2):
        with pytest.raises(wandb.UsageError, match="_system/cpu"):
            wandb.log({"_system/cpu": 1.0})
    assert rows(tmp_path) == []


def test_rows_of_every_kind_stand_in_their_order(tmp_path: Path) -> None:
    wandb.init()
    wandb.log({"loss": 0.5, "val": {"acc": np.float32(0.25)}, "note": "hi", "nothing": None})
    wandb.log({"loss": float("nan"), "ok": True})
    first, second = rows(tmp_path)
    assert first == (0, {"loss": 0.5, "val.acc": 0.25, "note": "hi", "nothing": None})
    assert np.isnan(second[1]["loss"])
    assert second[1]["ok"] == 1.0


def test_flattened_rows_travel_as_columns(tmp_path: Path) -> None:
    """Nested dicts and scalars of other libraries cost the stream no more than plain ones."""
    wandb.init()
    for step in range(10):
        wandb.log({"val": {"acc": np.array([step / 2])}})
    assert [item.rows for item in items(tmp_path) if isinstance(item, Block)] == [10]


def test_the_summary_is_the_last_value_of_each_key(tmp_path: Path) -> None:
    run = wandb.init()
    wandb.log({"a": 1, "b": 1.5, "ok": True})
    wandb.log({"b": 2.5, "d": {"x": 3}, "note": "hi"})
    assert dict(run.summary) == {"a": 1, "b": 2.5, "ok": True, "d.x": 3, "note": "hi"}
    assert [type(run.summary[key]) for key in ("a", "b", "ok", "d.x")] == [int, float, bool, int]
    wandb.summary["best"] = 0.5
    del wandb.summary["a"]
    wandb.log({"b": 1.0})
    assert wandb.summary["b"] == 1.0
    assert "a" not in wandb.summary
    assert [event.values for event in items(tmp_path) if isinstance(event, Summary)] == [{"best": 0.5}, {}]


def test_a_row_belongs_to_its_caller_again_when_log_returns() -> None:
    """A program may reuse its dict."""
    run = wandb.init()
    row = {"a": 1.0}
    wandb.log(row)
    row["a"] = 2.0
    assert run.summary["a"] == 1.0


def test_before_init_and_after_finish_there_is_no_run() -> None:
    assert wandb.run is None
    for call, said in (
        (lambda: wandb.log({"a": 1}), "wandb.log()"),
        (lambda: wandb.config.lr, "wandb.config.lr"),
        (lambda: wandb.summary["a"], "wandb.summary['a']"),
    ):
        with pytest.raises(wandb.Error, match=r"^You must call wandb.init\(\) before ") as refused:
            call()
        assert str(refused.value).endswith(said)
    run = wandb.init()
    assert wandb.run is run
    wandb.finish()
    wandb.finish()
    assert wandb.run is None
    with pytest.raises(wandb.UsageError, match=rf"^Run \({run.id}\) is finished. The call to `log` will be ignored"):
        run.log({"a": 1})


def test_a_second_init_returns_the_run_that_is_active(capsys: pytest.CaptureFixture[str]) -> None:
    first = wandb.init(project="p")
    assert wandb.init(project="q") is first
    assert "goes on; call finish() first" in capsys.readouterr().err
    second = wandb.init(project="q", reinit=True)
    assert second is not first
    assert first.finished
    assert second.path == f"q/{second.id}"


def test_a_run_is_described_by_what_init_was_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wandb.init(
        project="mnist é/1",
        id="abc-1",
        name="first try",
        config={"lr": 0.1, "data": Path("/data")},
        notes="n",
        group="g",
        job_type="j",
        tags=["a", "b"],
        entity="someone",
        magic=True,
        resume="allow",
    )
    wandb.config.epochs = 3
    assert wandb.run is not None
    wandb.run.name = "second try"
    start, config, rename = items(tmp_path)
    assert isinstance(start, Start)
    assert (start.name, start.config) == ("first try", {"lr": 0.1, "data": "/data"})
    assert (start.notes, start.group, start.job_type, start.tags) == ("n", "g", "j", ("a", "b"))
    assert isinstance(config, Config)
    assert config.values == {"epochs": 3}
    assert isinstance(rename, Rename)
    assert rename.name == "second try"
    said = capsys.readouterr().err
    assert "init() does not know magic; ignored" in said
    assert "what there is of 'abc-1' cannot be asked: no service is known here; it begins at step 0" in said


@pytest.mark.parametrize(
    "asked",
    [{"project": "a\nb"}, {"id": "a/b"}, {"name": ""}, {"mode": "no"}, {"project": "x" * 257}, {"id": ".."}],
)
def test_what_cannot_be_is_refused_and_begins_nothing(asked: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(wandb.UsageError):
        wandb.init(**asked)
    assert wandb.run is None
    assert journals(tmp_path) == []


def test_a_disabled_run_keeps_nothing_and_deletes_nothing(tmp_path: Path) -> None:
    (tmp_path / "runcast.db").write_text("precious")
    run = wandb.init(mode="disabled")
    wandb.log({"a": 1})
    assert dict(run.summary) == {"a": 1}
    wandb.finish()
    assert [path.name for path in tmp_path.iterdir()] == ["runcast.db"]


def test_an_event_too_large_for_a_stream_is_counted_as_lost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It costs a line, never an exception, and never the run."""
    wandb.init(config={"big": "x" * 4_000_000})
    wandb.log({"text": "x" * 4_000_000})
    wandb.config["more"] = "x" * 4_000_000
    wandb.log({"a": 1.0})
    start, *others = items(tmp_path)
    assert isinstance(start, Start)
    assert start.config == {}
    assert [event.rows for event in others if isinstance(event, Lost)] == [1, 1]
    assert rows(tmp_path) == [(1, {"a": 1.0})]
    assert "the config is larger than 3 MB" in capsys.readouterr().err


def test_without_a_place_to_write_the_training_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """First another folder, which the closing line names; then nothing is kept."""
    spare = tmp_path / "spare"
    spare.mkdir()
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setenv("RUNCAST_DIR", str(blocked / "x"))
    monkeypatch.setenv("TMPDIR", str(spare))
    wandb.init()
    wandb.log({"a": 1.0})
    wandb.finish()
    [folder] = spare.iterdir()
    assert f"`RUNCAST_DIR={folder} runcast sync`" in capsys.readouterr().err
    assert rows(folder) == [(0, {"a": 1.0})]
    monkeypatch.setenv("TMPDIR", str(blocked))
    run = wandb.init()
    wandb.log({"a": 1.0})
    assert run.summary["a"] == 1.0
    wandb.finish()
    assert "nothing of this run is kept" in capsys.readouterr().err


def test_a_full_disk_never_reaches_the_training(tmp_path: Path) -> None:
    """Rows wait in memory while a file may not grow, and are all there when it may again."""
    done = python(
        """
import resource, time
import runcast
run = runcast.init(project="p", id="full")
resource.setrlimit(resource.RLIMIT_FSIZE, (100_001, resource.RLIM_INFINITY))
for step in range(5000):
    runcast.log({"a": step, "b": 0.5})
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
time.sleep(0.15)
for step in range(5000, 6000):
    runcast.log({"a": step, "b": 0.5})
""",
        RUNCAST_DIR=str(tmp_path),
    )
    assert done.returncode == 0, done.stderr
    assert rows(tmp_path) == [(step, {"a": float(step), "b": 0.5}) for step in range(6000)]
    assert done.stderr.count("cannot write the journal") == 1
    assert "lost" not in done.stderr


def test_importing_costs_a_training_little() -> None:
    """Neither Redis nor asyncio nor numpy is loaded by `import runcast`."""
    done = python("import sys, runcast; print([m for m in ('redis', 'asyncio', 'numpy', 'click') if m in sys.modules])")
    assert done.stdout == "[]\n", done.stderr


def test_silence_is_kept(tmp_path: Path) -> None:
    done = python(
        "import runcast; runcast.init(); runcast.log({'a': 1})", RUNCAST_DIR=str(tmp_path), RUNCAST_SILENT="1"
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_how_a_metric_is_shown_is_kept_with_the_run(tmp_path: Path) -> None:
    run = wandb.init()
    wandb.define_metric("train/*", step_metric="epoch", step_sync=True)
    run.define_metric("loss", summary="min, max", hidden=True)
    kept = [item for item in items(tmp_path) if isinstance(item, Metric)]
    assert [(each.name, each.step_metric, each.step_sync, each.hidden, each.summary) for each in kept] == [
        ("train/*", "epoch", True, False, ()),
        ("loss", "", False, True, ("min", "max")),
    ]


@pytest.mark.parametrize("wrong", [{"name": "v/*/x"}, {"name": "v", "summary": "median"}])
def test_a_metric_cannot_be_shown_as_nobody_could(wrong: dict[str, str]) -> None:
    wandb.init()
    with pytest.raises(wandb.Error):
        wandb.define_metric(**wrong)


def test_a_library_says_a_thing_once_if_it_asks_for_that(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        wandb.termwarn("the moon is full", repeat=False)
        wandb.termlog("hello")
    said = capsys.readouterr().err
    assert (said.count("WARNING the moon is full"), said.count("hello")) == (1, 2)
