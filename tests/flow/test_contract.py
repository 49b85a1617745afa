"""What W&B's client 0.31 does with each call, as measured, and that Runcast does the same, or what instead and why."""

from __future__ import annotations

import copy
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.flow.running import ALONE

import runcast
from runcast.run import Run

# Programs say what they like; types are for those who look.
wandb: Any = runcast
ANYTHING = object()


@dataclass(frozen=True)
class Raises:
    """An error by the name of its class, and a part of its sentence."""

    kind: str
    says: str = ""


@dataclass(frozen=True)
class Row:
    """A call, what the official client makes of it, and where Runcast differs what it does, and why."""

    what: str
    call: Callable[[Any], Any]
    official: object
    ours: object = None
    why: str = ""

    @property
    def expected(self) -> object:
        return self.official if not self.why else self.ours


def put(run: Run, name: str, value: object) -> object:
    """Assign to a name of the run, and read it again."""
    setattr(run, name, value)
    return getattr(run, name)


NOT_YET = "You must call wandb.init() before wandb."

BEFORE = [
    Row("log", lambda _: wandb.log({"a": 1}), Raises("Error", f"{NOT_YET}log()")),
    Row("config.x", lambda _: wandb.config.x, Raises("Error", f"{NOT_YET}config.x")),
    Row("config['x']", lambda _: wandb.config["x"], Raises("Error", f"{NOT_YET}config['x']")),
    Row("config.x = 1", lambda _: setattr(wandb.config, "x", 1), Raises("Error", f"{NOT_YET}config.x")),
    Row("config.update", lambda _: wandb.config.update({}), Raises("Error", f"{NOT_YET}config.update")),
    Row("config.get", lambda _: wandb.config.get("x"), Raises("Error", f"{NOT_YET}config.get")),
    Row("dict(config)", lambda _: dict(wandb.config), Raises("Error", f"{NOT_YET}config.keys")),
    Row("'x' in config", lambda _: "x" in wandb.config, Raises("Error", f"{NOT_YET}config[")),
    Row("summary['x']", lambda _: wandb.summary["x"], Raises("Error", f"{NOT_YET}summary['x']")),
    Row("summary.x", lambda _: wandb.summary.x, Raises("Error", f"{NOT_YET}summary.x")),
    Row(
        "summary['x'] = 1",
        lambda _: wandb.summary.__setitem__("x", 1),
        Raises("Error", f"{NOT_YET}summary['x']"),
    ),
    *(
        Row(name, lambda _, name=name: getattr(wandb, name)("x"), Raises("Error", f"{NOT_YET}{name}()"))  # type: ignore[misc]
        for name in ("define_metric", "save", "alert", "mark_preempting", "pin_config_keys")
    ),
    Row("finish", lambda _: wandb.finish(), None),
    Row("run", lambda _: wandb.run, None),
    Row("bool(run)", lambda _: bool(wandb.run), False),
    Row(
        "init(magic=1)",
        lambda _: isinstance(wandb.init(magic=1), Run),
        Raises("TypeError", "unexpected keyword argument"),
        True,
        "old programs pass what newer clients do not know; a line names it",
    ),
    Row(
        "init(mode='bogus')",
        lambda _: wandb.init(mode="bogus"),
        Raises("ValidationError"),
        Raises("UsageError", "mode"),
        "one tree of errors",
    ),
    Row(
        "init(resume='bogus')",
        lambda _: wandb.init(resume="bogus"),
        Raises("ValidationError"),
        Raises("UsageError", "resume of init() is 'bogus'; it is one of allow, must, never, auto"),
        "one tree of errors",
    ),
    Row(
        "init(reinit='bogus')",
        lambda _: wandb.init(reinit="bogus"),
        Raises("ValidationError"),
        Raises("UsageError", "reinit of init() is 'bogus'"),
        "one tree of errors",
    ),
    Row(
        "resume and resume_from",
        lambda _: wandb.init(resume="allow", resume_from="a?_step=1"),
        Raises("ValidationError", "mutually exclusive"),
        Raises("UsageError", "give one of them"),
        "one tree of errors",
    ),
    Row(
        "fork_from its own id",
        lambda _: wandb.init(id="b", fork_from="b?_step=1"),
        Raises("ValidationError", "Provided `run_id` is the same as the run to `fork_from`"),
        Raises("UsageError", "so id must be another"),
        "one tree of errors",
    ),
    Row(
        "resume_from another id",
        lambda _: wandb.init(id="c", resume_from="b?_step=1"),
        Raises("ValidationError", "specified with different ids"),
        Raises("UsageError", "leave one of them out"),
        "one tree of errors",
    ),
    *(
        Row(
            f"resume_from {text!r}",
            lambda _, text=text: wandb.init(resume_from=text),  # type: ignore[misc]
            Raises("ValidationError", "Could not parse passed run moment string"),
            Raises("UsageError", "such as 'ans3bsax?_step=123'"),
            "one tree of errors",
        )
        for text in ("b", "b?loss=1", "b?_step=x")
    ),
    Row("init(id='')", lambda _: wandb.init(id=""), Raises("UsageError", "empty")),
    Row("init(id='a/b')", lambda _: wandb.init(id="a/b"), Raises("UsageError", "'/'")),
    Row(
        "init(project='a/b')",
        lambda _: wandb.init(project="a/b").project,
        Raises("UsageError", "Invalid project name"),
        "a/b",
        "any printable name is kept",
    ),
    Row("init(project='')", lambda _: wandb.init(project="").project, "", "uncategorized", "a run has a project"),
    Row(
        "init(tags='abc')",
        lambda _: wandb.init(tags="abc").tags,
        ("a", "b", "c"),
        ("abc",),
        "nobody means three tags",
    ),
    Row("init(tags=['a', 'a'])", lambda _: wandb.init(tags=["a", "a"]).tags, ("a", "a")),
    Row(
        "init(tags=[''])",
        lambda _: wandb.init(tags=[""]),
        Raises("ValidationError", "Tags must be between 1 and 64"),
        Raises("UsageError", "use 1 to 64"),
        "one tree of errors",
    ),
    Row(
        "init(tags=['a' * 65])",
        lambda _: wandb.init(tags=["a" * 65]),
        Raises("ValidationError", "is 65 characters"),
        Raises("UsageError", "has 65 characters"),
        "one tree of errors",
    ),
    Row("reinit='create_new'", lambda _: wandb.init(reinit="create_new") and wandb.run, None),
    Row(
        "Settings(unknown=1)",
        lambda _: wandb.Settings(unknown=1).unknown,
        Raises("ValidationError", "Extra inputs are not permitted"),
        ["unknown"],
        "settings come and go with releases; a line names it when a run begins",
    ),
    Row("Settings(mode=…).mode", lambda _: wandb.Settings(mode="offline").mode, "offline"),
    Row(
        "login(key='short'), online",
        lambda _: wandb.login(key="short"),
        Raises("AuthenticationError", "API key must have 40+ characters, has 5."),
    ),
    Row("login(key=40 characters)", lambda _: wandb.login(key="0" * 40), True),
    Row("require('service')", lambda _: wandb.require("service"), None),
    Row(
        "require('bogus')",
        lambda _: wandb.require("bogus"),
        Raises("UnsupportedError"),
        None,
        "what is not known yet is no reason to end",
    ),
    Row(
        "util.generate_id()",
        lambda _: len(wandb.util.generate_id()),
        Raises("AttributeError"),
        8,
        "older programs call it",
    ),
    Row("AlertLevel", lambda _: wandb.AlertLevel.WARN.value, "WARN"),
]

RUNNING = [
    Row("a second init", lambda run: wandb.init() is run, True),
    Row("init(reinit=False)", lambda run: wandb.init(reinit=False) is run, True),
    Row("init(reinit='return_previous')", lambda run: wandb.init(reinit="return_previous") is run, True),
    Row(
        "init(reinit=True)",
        lambda run: (wandb.init(reinit=True) is run, run.finished),
        (False, True),
    ),
    Row(
        "init(reinit='finish_previous')",
        lambda run: (wandb.init(reinit="finish_previous") is wandb.run, run.finished),
        (True, True),
    ),
    Row(
        "init(reinit='create_new')",
        lambda run: (wandb.init(reinit="create_new") is run, wandb.run is run),
        (False, True),
    ),
    Row(
        "a second init beside a run made by create_new gives that one",
        lambda _: wandb.init(reinit="create_new") is wandb.init(),
        True,
    ),
    Row("log(…) returns", lambda run: run.log({"a": 1}), None),
    Row("log(3)", lambda run: run.log(3), Raises("TypeError", "wandb.log must be passed a dictionary")),
    Row(
        "log({1: 3})", lambda run: run.log({1: 3}), Raises("TypeError", "Key values passed to `wandb.log` must be str")
    ),
    Row("log()", lambda _: wandb.log(), Raises("TypeError"), None, "a published example does it"),
    Row("log(step=1.5)", lambda run: run.log({"a": 1}, step=1.5), Raises("TypeError")),
    Row("log(step='3')", lambda run: run.log({"a": 1}, step="3"), Raises("TypeError")),
    Row("log(step=True)", lambda run: run.log({"a": 1}, step=True), Raises("TypeError")),
    Row("log(step=int64)", lambda run: (run.log({"a": 1}, step=np.int64(5)), run.step), (None, 5)),
    Row("log(object())", lambda run: run.log({"a": object()}), Raises("TypeError", "is not JSON serializable")),
    Row("log(sync=…)", lambda run: run.log({"a": 1}, sync=False), Raises("TypeError"), None, "older programs say it"),
    Row(
        "config.lr = 2",
        lambda run: setattr(run.config, "lr", 2),
        Raises("ConfigError", 'Attempted to change value of key "lr" from 1 to 2\nIf you really want to do this, pass'),
    ),
    Row("config.missing", lambda run: run.config.missing, Raises("AttributeError", "has no attribute 'missing'")),
    Row("config['missing']", lambda run: run.config["missing"], Raises("KeyError", "missing")),
    Row("config.get", lambda run: run.config.get("missing", 3), 3),
    Row(
        "config.update(allow_val_change=True)",
        lambda run: (run.config.update({"lr": 2}, allow_val_change=True), run.config.lr),
        (None, 2),
    ),
    Row("config_static", lambda run: run.config_static.lr, 1),
    Row("config_static.x = 1", lambda run: setattr(run.config_static, "x", 1), Raises("AttributeError", "read")),
    Row("define_metric('v/*/x')", lambda run: run.define_metric("v/*/x"), Raises("Error", "glob suffixes only")),
    Row("define_metric(summary=?)", lambda run: run.define_metric("v", summary="median"), Raises("Error", "median")),
    Row("define_metric('')", lambda run: run.define_metric(""), Raises("Error")),
    Row("entity", lambda run: run.entity, ""),
    Row("group, job_type, notes", lambda run: (run.group, run.job_type, run.notes), ("g", "j", "n")),
    Row("path", lambda run: run.path == f"p/{run.id}", True),
    Row("sweep_id", lambda run: (run.sweep_id, run.sweep_url), (None, None)),
    Row("starting_step, resumed", lambda run: (run.starting_step, run.resumed), (0, False)),
    Row("offline, disabled", lambda run: (run.offline, run.disabled), (False, False)),
    Row("run.foo = 1", lambda run: setattr(run, "foo", 1), Raises("Exception", "foo")),
    Row("run.id = 1", lambda run: setattr(run, "id", "x"), Raises("AttributeError", "property 'id' of 'Run' object")),
    Row("run.name = 'b'", lambda run: put(run, "name", "b"), "b"),
    Row(
        "run.name = ''",
        lambda run: setattr(run, "name", ""),
        None,
        Raises("UsageError", "empty"),
        "a page shows runs by their names",
    ),
    Row("run.notes = 'b'", lambda run: put(run, "notes", "b"), "b"),
    Row("run.tags = […]", lambda run: put(run, "tags", ["b", "c"]), ("b", "c")),
    Row("run.tags += …", lambda run: put(run, "tags", (*run.tags, "z")), ("t", "z")),
    Row(
        "run.tags = 'bcd'",
        lambda run: put(run, "tags", "bcd"),
        ("b", "c", "d"),
        ("bcd",),
        "nobody means three tags",
    ),
    Row("to_html", lambda run: run.to_html(height=300)[:7], "<iframe"),
    Row("display outside a notebook", lambda run: run.display(), False),
    Row("alert", lambda run: run.alert("t", "x"), None),
    Row("alert(level=WARN)", lambda run: run.alert("t", level=wandb.AlertLevel.WARN), None),
    Row(
        "alert(level='bogus')",
        lambda run: run.alert("t", "x", level="bogus"),
        Raises("ValueError", "level must be one of 'INFO', 'WARN', or 'ERROR'"),
    ),
    Row("mark_preempting", lambda run: run.mark_preempting(), None),
    Row("pin_config_keys", lambda run: run.pin_config_keys(["lr"]), None),
    Row("write_logs", lambda run: run.write_logs("hello"), None),
    Row("save(no match)", lambda run: run.save("nofile*"), []),
    Row("save('f.txt')", lambda run: run.save("f.txt") == [f"{run.dir}/f.txt"], True),
    Row("save(absolute)", lambda run: run.save(os.path.abspath("d/f.txt")) == [f"{run.dir}/d/f.txt"], True),
    Row(
        "save(base_path=…)",
        lambda run: run.save(os.path.abspath("d/f.txt"), base_path=os.path.abspath("d")) == [f"{run.dir}/f.txt"],
        True,
    ),
    Row("save('../x')", lambda run: run.save(f"../{Path.cwd().name}/f.txt") == [f"{run.dir}/f.txt"], True),
    Row("save('gs://…')", lambda run: run.save("gs://a/b"), []),
    Row(
        "save(policy='bogus')",
        lambda run: run.save("f.txt", policy="bogus"),
        Raises("ValueError", 'Only "live", "end" and "now" policies are currently supported.'),
    ),
    Row("save(3)", lambda run: run.save(3), Raises("TypeError", "expected str, bytes or os.PathLike object, not int")),
    Row("save()", lambda run: run.save(), Raises("TypeError"), True, "older programs call it"),
    Row("deepcopy", lambda run: copy.deepcopy(run) is run, True),
    Row(
        "pickle in one process",
        lambda run: pickle.loads(pickle.dumps(run)) is run,
        Raises("RuntimeError", "attach in the same process is not supported currently"),
        True,
        "it is the same run",
    ),
    Row("_attach", lambda run: wandb._attach(run._attach_id) is run, False, True, "it is the same run"),
    Row("bool", bool, True),
    Row("with … raise", lambda run: run.__exit__(ValueError, ValueError(), None), None),
    Row("finish twice", lambda run: (run.finish(), run.finish()), (None, None)),
]

GONE = "is finished. The call to `{}` will be ignored. Please make sure that you are using an active run."

FINISHED = [
    Row("log", lambda run: run.log({"a": 1}), Raises("UsageError", GONE.format("log"))),
    Row("wandb.log", lambda _: wandb.log({"a": 1}), Raises("Error", f"{NOT_YET}log()")),
    Row("config.update", lambda run: run.config.update({"z": 1}), Raises("UsageError", "is finished. The call to `")),
    Row("summary.update", lambda run: run.summary.update({"z": 1}), Raises("UsageError", "is finished. The call to `")),
    Row("name", lambda run: setattr(run, "name", "x"), Raises("UsageError", "is finished. The call to `")),
    Row("tags", lambda run: setattr(run, "tags", ["x"]), Raises("UsageError", "is finished. The call to `")),
    Row("define_metric", lambda run: run.define_metric("x"), Raises("UsageError", "is finished. The call to `")),
    Row("alert", lambda run: run.alert("x", "y"), Raises("UsageError", GONE.format("alert"))),
    Row("save", lambda run: run.save("f.txt"), Raises("UsageError", GONE.format("save"))),
    Row("finish", lambda run: run.finish(), None),
    Row("wandb.run", lambda _: wandb.run, None),
    Row("summary is still read", lambda run: run.summary["a"], 1),
]

DISABLED = [
    Row("isinstance Run, and wandb.run", lambda run: (isinstance(run, wandb.Run), wandb.run is run), (True, True)),
    Row("id", lambda run: len(run.id), 8),
    Row("name", lambda run: run.name == f"dummy-{run.id}", True),
    Row("project", lambda run: run.project, "dummy"),
    Row("url, project_url", lambda run: (run.url, run.project_url), (None, None)),
    Row("offline, disabled", lambda run: (run.offline, run.disabled), (False, True)),
    Row("step", lambda run: (run.log({"a": 1}), run.log({"a": 2}), run.step)[2], 0, 2, "a program may ask"),
    Row("summary remembers", lambda run: (run.log({"a": 1}), run.summary["a"])[1], 1),
    Row("dir is usable", lambda run: Path(run.dir).is_dir(), True),
    Row("log(3)", lambda run: run.log(3), Raises("TypeError")),
    Row(
        "define_metric('v/*/x')",
        lambda run: run.define_metric("v/*/x") is None,
        False,
        Raises("Error", "glob"),
        "what is wrong is wrong in every mode",
    ),
    Row("alert", lambda run: run.alert("a", "b"), None),
    Row("run.foo = 1", lambda run: setattr(run, "foo", 1), None, Raises("AttributeError"), "as in every mode"),
    Row("finish", lambda run: run.finish(), None),
]


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give a program a directory of its own with two files, and the process its hooks back."""
    for name in [name for name in os.environ if name.startswith(("RUNCAST_", "WANDB_"))]:
        monkeypatch.delenv(name)
    for name, value in ALONE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RUNCAST_DIR", str(tmp_path / "home"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "spare"))
    here = tmp_path / "here"
    (here / "d").mkdir(parents=True)
    (here / "f.txt").write_text("f")
    (here / "d" / "f.txt").write_text("df")
    monkeypatch.chdir(here)
    monkeypatch.setattr(sys, "exit", sys.exit)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    yield
    wandb.teardown()


def holds(row: Row, run: Any) -> None:
    if isinstance(row.expected, Raises):
        with pytest.raises(Exception) as raised:
            row.call(run)
        assert row.expected.kind in {kind.__name__ for kind in type(raised.value).__mro__} | _aliases(raised.value)
        assert row.expected.says in str(raised.value)
    else:
        assert row.call(run) == row.expected


def _aliases(error: BaseException) -> set[str]:
    return {"Error"} if isinstance(error, wandb.Error) else set()


def rows(table: list[Row]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", table, ids=[row.what for row in table])


@rows(BEFORE)
def test_before_init(row: Row) -> None:
    holds(row, None)


@rows(RUNNING)
def test_while_a_run_goes_on(row: Row) -> None:
    holds(row, wandb.init(project="p", config={"lr": 1}, notes="n", group="g", job_type="j", tags=["t"]))


@rows(FINISHED)
def test_after_finish(row: Row) -> None:
    run = wandb.init()
    run.log({"a": 1})
    run.finish()
    holds(row, run)


@rows(DISABLED)
def test_a_disabled_run(row: Row) -> None:
    holds(row, wandb.init(mode="disabled"))


def test_offline_a_key_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """W&B's `login` returns False then, whatever the key is."""
    monkeypatch.setenv("WANDB_MODE", "offline")
    assert wandb.login(key="short") is False
    assert wandb.login() is False
