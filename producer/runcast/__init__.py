"""Runcast's client: log what happens in a training run, and watch it live.

import runcast as wandb

wandb.init(project="mnist", config={"learning_rate": 0.02})
for step in range(100):
    wandb.log({"loss": 1 / (step + 1)})
wandb.finish()
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import IO, TYPE_CHECKING, Any

from runcast.alerts import AlertLevel
from runcast.errors import (
    AuthenticationError,
    CommError,
    ConfigError,
    Error,
    NameRefused,
    RuncastError,
    UnsupportedError,
    UsageError,
)
from runcast.given import Settings
from runcast.proxies import Proxy
from runcast.run import Run
from runcast.session import CURRENT as _session  # noqa: N811  # What the module speaks for, and nobody else's.

if TYPE_CHECKING:
    from runcast.apis.api import Api
    from runcast.media.histogram import Histogram
    from runcast.subscription import subscribe

config: Any = Proxy("config", _session.config)
"""The active run's config."""
summary: Any = Proxy("summary", _session.summary)
"""The active run's summary."""

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
    reinit: bool | str | None = None,
    resume: bool | str | None = None,
    resume_from: str | None = None,
    fork_from: str | None = None,
    notes: str | None = None,
    tags: Sequence[str] | None = None,
    group: str | None = None,
    job_type: str | None = None,
    entity: str | None = None,
    dir: Any = None,  # noqa: A002
    save_code: bool | None = None,
    sync_tensorboard: bool | None = None,
    config_include_keys: Sequence[str] | None = None,
    config_exclude_keys: Sequence[str] | None = None,
    settings: Mapping[str, Any] | None = None,
    **more: Any,
) -> Run:
    """Begin a run. Needs no network and no server: the journal on this machine is enough for now.

    `config` is a dict, an argparse Namespace or the path of a YAML or JSON file. `mode` is `online`,
    `offline` (journal only, until `runcast sync`), `disabled`, or `shared` (several processes write to the run `id`).

    While a run is active, another `init` returns it; `reinit` says otherwise: `finish_previous` (or True) finishes
    it first, `create_new` begins another beside it, which `runcast.run` does not become.

    With `id` alone, a run of that id is set aside and begun anew. `resume` goes on with it: `must` demands that it is
    there, `allow` does not, `never` demands that it is not, and `auto` (or True) goes on with what was begun in this
    folder and did not end well. `resume_from="ID?_step=N"` goes back in a run, `fork_from` branches off another.

    Other settings come from `settings`, the environment and a file, in this order; see docs/settings.md. Keywords that
    Runcast does not know are named in a warning. Raises UsageError for what cannot be, such as a project name
    with a newline, or a run to resume that is not there.
    """
    return _session.init(
        project=project,
        config=config,
        name=name,
        id=id,
        mode=mode,
        reinit=reinit,
        resume=resume,
        resume_from=resume_from,
        fork_from=fork_from,
        notes=notes,
        tags=tags,
        group=group,
        job_type=job_type,
        entity=entity,
        dir=dir,
        save_code=save_code,
        sync_tensorboard=sync_tensorboard,
        config_include_keys=config_include_keys,
        config_exclude_keys=config_exclude_keys,
        settings=settings,
        **more,
    )


def log(
    data: Mapping[str, Any] | None = None, step: int | None = None, commit: bool | None = None, **more: Any
) -> None:
    """Log a row to the active run; see `Run.log`. Raises UsageError before `init`."""
    if _session.run is None:
        raise UsageError("You must call wandb.init() before wandb.log()")
    _session.run.log({} if data is None else data, step, commit, **more)


def finish(exit_code: int | None = None, quiet: bool | None = None) -> None:
    """End the active run, and wait until everything is stored. Without one, do nothing."""
    _session.finish(exit_code, quiet)


def setup(settings: Mapping[str, Any] | None = None) -> Settings:
    """Keep settings for every `init` of this process; returns all that are kept."""
    return _session.setup(settings)


def teardown(exit_code: int | None = None) -> None:
    """End all runs of this process."""
    _session.teardown(exit_code)


def login(key: str | None = None, **more: Any) -> bool:
    """Say whether this process publishes; a server on this machine asks for no key.

    A key of W&B's is neither kept nor sent anywhere. Raises AuthenticationError for one that cannot be one.
    """
    del more
    return _session.login(key)


def _attach(attach_id: str | None = None, run_id: str | None = None, *, run: Run | None = None) -> Run:
    """Give the run of that path or id here, or join the one of another process; libraries call it."""
    if run is not None:
        return run
    path = attach_id or run_id
    if not path:
        raise UsageError("either `attach_id` or `run_id` must be given")
    return _session.attach(path)


def restore(
    name: str, run_path: str | None = None, replace: bool = False, root: str | os.PathLike[str] | None = None
) -> IO[str]:
    """Give a file of a run, open for reading; see `Run.restore`. Before `init`, `run_path` says of which."""
    return _session.restore(name, run_path, replace, root)


def require(*_: Any, **__: Any) -> None:
    """Do nothing: what W&B's client has to be asked for, such as its service, is as it is here."""


def ensure_configured() -> None:
    """Do nothing: there is nothing that has to be configured."""


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


# Methods of the active run that are functions of the module too.
_OF_RUN = frozenset(
    (
        "alert define_metric display finish_artifact link_artifact link_model log_artifact log_code log_model "
        "mark_preempting pin_config_keys save status unwatch upsert_artifact use_artifact use_model watch "
        "write_logs"
    ).split()
)
# Modules under the names that W&B's have.
_MODULES = {
    "env": "runcast.shim.env",
    "errors": "runcast.errors",
    "integration": "runcast.integration",
    "keras": "runcast.keras",
    "plot": "runcast.plot",
    "sklearn": "runcast.integration.sklearn",
    "util": "runcast.shim.util",
}

# What takes longer to load than all the rest, and a training mostly needs none of.
_LATER = {
    "Api": "runcast.apis.api",
    "Artifact": "runcast.artifact",
    "Audio": "runcast.media.audio",
    "BatchableMedia": "runcast.media.shelf",
    "BoundingBoxes2D": "runcast.media.image",
    "Classes": "runcast.media.classes",
    "EvalTable": "runcast.media.table",
    "Graph": "runcast.media.graph",
    "Histogram": "runcast.media.histogram",
    "Html": "runcast.media.html",
    "Image": "runcast.media.image",
    "ImageMask": "runcast.media.image",
    "JoinedTable": "runcast.media.table",
    "Media": "runcast.media.shelf",
    "Molecule": "runcast.media.solids",
    "Object3D": "runcast.media.solids",
    "PartitionedTable": "runcast.media.table",
    "Plotly": "runcast.media.plotly",
    "Table": "runcast.media.table",
    "Video": "runcast.media.video",
    "WBValue": "runcast.media.shelf",
    "agent": "runcast.sweeps",
    "box3d": "runcast.media.solids",
    "controller": "runcast.sweeps",
    "plot_table": "runcast.plot",
    "visualize": "runcast.plot",
    "subscribe": "runcast.subscription",
    "sweep": "runcast.sweeps",
}


def __getattr__(name: str) -> Any:
    if name == "run":
        return _session.run
    if name in _LATER:
        return getattr(importlib.import_module(_LATER[name]), name)
    if name in _OF_RUN and hasattr(Run, name):
        return _session.call(name)
    if name in _MODULES:
        return _module(name)
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("runcast")
    raise AttributeError(f"module 'runcast' has no attribute {name!r}")


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(_MODULES[name])
    except ModuleNotFoundError as error:
        if error.name != _MODULES[name]:
            raise
        raise AttributeError(f"module 'runcast' has no attribute {name!r}") from None


__all__ = [
    "AlertLevel",
    "Api",
    "AuthenticationError",
    "CommError",
    "ConfigError",
    "Error",
    "Histogram",
    "NameRefused",
    "Run",
    "RuncastError",
    "Settings",
    "UnsupportedError",
    "UsageError",
    "config",
    "ensure_configured",
    "finish",
    "init",
    "log",
    "login",
    "require",
    "restore",
    "run",
    "setup",
    "subscribe",
    "summary",
    "teardown",
    "termerror",
    "termlog",
    "termwarn",
]
