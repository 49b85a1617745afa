"""Runcast's client: log what happens in a training run, and watch it live.

import runcast as wandb

wandb.init(project="mnist", config={"learning_rate": 0.02})
for step in range(100):
    wandb.log({"loss": 1 / (step + 1)})
wandb.finish()
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from runcast.errors import ConfigError, NameRefused, RuncastError, UsageError
from runcast.run import Run
from runcast.session import ConfigProxy, Session, SummaryProxy

if TYPE_CHECKING:
    from runcast.apis.api import Api
    from runcast.media.histogram import Histogram
    from runcast.subscription import subscribe

Error = RuncastError  # W&B's name for the base of its errors.

_session = Session()
config = ConfigProxy(_session)
summary = SummaryProxy(_session)

run: Run | None
"""The active run, or None."""
# The module that Run comes from has the same name, and would stand where `__getattr__` answers.
del globals()["run"]


def init(
    project: str | None = None,
    config: Any = None,
    name: str | None = None,
    id: str | None = None,  # noqa: A002  # W&B's keyword.
    mode: str | None = None,
    reinit: object = None,
    **more: Any,
) -> Run:
    """Begin a run. Needs no network and no server: the journal on this machine is enough for now.

    `config` is a dict, an argparse Namespace or the path of a YAML or JSON file. `mode` is `online`,
    `offline` (journal only, until `runcast sync`) or `disabled`. `notes`, `group`, `job_type` and `tags` are kept
    with the run; keywords that Runcast does not know are named in a warning. While a run is active, it is
    returned, unless `reinit` is true. Raises UsageError for what cannot be, such as a project name with a newline.
    """
    return _session.init(project=project, config=config, name=name, run_id=id, mode=mode, reinit=reinit, **more)


def log(data: Mapping[str, Any], step: int | None = None, commit: bool | None = None, **more: Any) -> None:
    """Log a row to the active run; see `Run.log`. Raises UsageError before `init`."""
    if _session.run is None:
        raise UsageError("You must call wandb.init() before wandb.log()")
    _session.run.log(data, step, commit, **more)


def finish(exit_code: int | None = None, quiet: bool | None = None) -> None:
    """End the active run, and wait until everything is stored. Without one, do nothing."""
    del quiet
    _session.finish(exit_code)


def login(key: str | None = None, **more: Any) -> bool:
    """Do nothing: a server on this machine asks for no key, and others take RUNCAST_TOKEN."""
    del key, more
    return True


def define_metric(name: str, *arguments: Any, **more: Any) -> None:
    """Say how a metric of the active run is shown and summarised; see `Run.define_metric`."""
    _session.active("define_metric()").define_metric(name, *arguments, **more)


def require(*_: Any, **__: Any) -> None:
    """Do nothing: what W&B's client has to be asked for, such as its service, is as it is here."""


def termlog(string: str = "", newline: bool = True, repeat: bool = True) -> None:
    """Print a line among the client's own."""
    del newline
    _session.say(string, repeat=repeat)


def termwarn(string: str, newline: bool = True, repeat: bool = True) -> None:
    """Print a warning among the client's own lines; with `repeat` false only the first time."""
    del newline
    _session.say(f"WARNING {string}", repeat=repeat)


def termerror(string: str, newline: bool = True, repeat: bool = True) -> None:
    """Print an error among the client's own lines; with `repeat` false only the first time."""
    del newline
    _session.say(f"ERROR {string}", repeat=repeat)


# What takes longer to load than all the rest, and a training mostly needs none of.
_LATER = {
    "Api": "runcast.apis.api",
    "Histogram": "runcast.media.histogram",
    "subscribe": "runcast.subscription",
}


def __getattr__(name: str) -> Any:
    if name == "run":
        return _session.run
    if name in _LATER:
        return getattr(importlib.import_module(_LATER[name]), name)
    raise AttributeError(f"module 'runcast' has no attribute {name!r}")


__all__ = [
    "Api",
    "ConfigError",
    "Error",
    "Histogram",
    "NameRefused",
    "Run",
    "RuncastError",
    "UsageError",
    "config",
    "define_metric",
    "finish",
    "init",
    "log",
    "login",
    "require",
    "run",
    "subscribe",
    "summary",
    "termerror",
    "termlog",
    "termwarn",
]
