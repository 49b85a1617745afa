"""A logger for Lightning's Trainer and for Fabric, of the package `lightning` or of `pytorch_lightning`."""

from __future__ import annotations

import importlib
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import runcast
from runcast.run import Run

# Where the base class of loggers may be, the one of the Trainer first: Fabric takes it too.
_BASES = (
    ("lightning.pytorch.loggers.logger", "lightning.fabric.utilities.rank_zero"),
    ("pytorch_lightning.loggers.logger", "lightning_fabric.utilities.rank_zero"),
    ("lightning.fabric.loggers.logger", "lightning.fabric.utilities.rank_zero"),
    ("lightning_fabric.loggers.logger", "lightning_fabric.utilities.rank_zero"),
)


def _find_base() -> tuple[Any, Callable[..., Any]]:
    """Find the base class in the package that the program uses, or else in one that is installed."""
    for base, ranks in sorted(_BASES, key=lambda names: names[0] not in sys.modules):
        try:
            return importlib.import_module(base).Logger, importlib.import_module(ranks).rank_zero_only
        except ModuleNotFoundError:
            continue
    raise ModuleNotFoundError("neither lightning nor pytorch_lightning is installed: pip install lightning")


_Logger, _rank_zero_only = _find_base()


class RuncastLogger(_Logger):  # type: ignore[misc, valid-type]  # It is found when the module is imported.
    """`Trainer(logger=RuncastLogger(project="mnist"))`: the run begins with the first thing that is logged.

    `log_model` keeps checkpoints as artifacts: True the last ones at the end, "all" each as it is written. Other
    keywords are those of `runcast.init`; a run that is active already is used.
    """

    def __init__(
        self,
        name: str | None = None,
        save_dir: str | Path = ".",
        version: str | None = None,
        offline: bool = False,
        id: str | None = None,  # noqa: A002  # W&B's keyword.
        project: str | None = None,
        log_model: Literal["all"] | bool = False,
        experiment: Run | None = None,
        prefix: str = "",
        checkpoint_name: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__()
        self._begin = {"name": name, "project": project, "dir": str(save_dir), "id": version or id} | more
        if version or id:
            self._begin.setdefault("resume", "allow")
        if offline:
            self._begin["mode"] = "offline"
        self._run, self._log_model, self._prefix, self._checkpoint_name = experiment, log_model, prefix, checkpoint_name
        self._logged: dict[str, float] = {}  # Checkpoints, with the time of the file that was logged.
        self._checkpoints: Any = None

    @property
    def experiment(self) -> Any:
        """The run; only the first rank has one."""
        if _rank_zero_only.rank not in {0, None}:  # type: ignore[attr-defined]
            return _Nobody()
        if self._run is None:
            self._run = runcast.run
        if self._run is None:
            self._run = run = runcast.init(**self._begin)
            run.define_metric("trainer/global_step")
            run.define_metric("*", step_metric="trainer/global_step", step_sync=True)
        return self._run

    def __getstate__(self) -> dict[str, Any]:
        """Give what a process that is spawned needs: it joins the run."""
        run = self.experiment
        joined = {"id": run.id, "project": run.project, "resume": "allow"} if isinstance(run, Run) else {}
        return self.__dict__ | {"_run": None, "_begin": self._begin | joined}

    @property
    def name(self) -> str | None:
        """The project."""
        return self._run.project if self._run is not None else self._begin["project"]

    @property
    def version(self) -> str | None:
        """The run's id, once it has begun."""
        return self._run.id if self._run is not None else self._begin["id"]

    @property
    def save_dir(self) -> str:
        """Where checkpoints are written."""
        return str(self._begin["dir"])

    def log_hyperparams(self, params: Mapping[str, Any] | Namespace | None, *_: Any, **__: Any) -> None:
        """Keep settings as the run's config."""
        self.experiment.config.update(params or {}, allow_val_change=True)

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Log metrics, with the trainer's step as their x axis."""
        row = {f"{self._prefix}-{key}" if self._prefix else key: value for key, value in metrics.items()}
        self.experiment.log(row if step is None else row | {"trainer/global_step": step})

    def watch(self, model: Any, log: str | None = "gradients", log_freq: int = 100, log_graph: bool = True) -> None:
        """Log histograms of a model's gradients or parameters."""
        self.experiment.watch(model, log=log, log_freq=log_freq, log_graph=log_graph)

    def log_table(
        self, key: str, columns: Any = None, data: Any = None, dataframe: Any = None, step: Any = None
    ) -> None:
        """Log a table."""
        self.log_metrics({key: runcast.Table(columns=columns, data=data, dataframe=dataframe)}, step)

    def log_text(
        self, key: str, columns: Any = None, data: Any = None, dataframe: Any = None, step: Any = None
    ) -> None:
        """Log texts, as a table."""
        self.log_table(key, columns, data, dataframe, step)

    def log_image(self, key: str, images: Sequence[Any], step: int | None = None, **each: Sequence[Any]) -> None:
        """Log images; keywords are lists with one value for each."""
        self._log_media(runcast.Image, key, images, step, each)

    def log_audio(self, key: str, audios: Sequence[Any], step: int | None = None, **each: Sequence[Any]) -> None:
        """Log recordings; keywords are lists with one value for each."""
        self._log_media(runcast.Audio, key, audios, step, each)

    def log_video(self, key: str, videos: Sequence[Any], step: int | None = None, **each: Sequence[Any]) -> None:
        """Log videos; keywords are lists with one value for each."""
        self._log_media(runcast.Video, key, videos, step, each)

    def _log_media(
        self, kind: Any, key: str, media: Sequence[Any], step: int | None, each: Mapping[str, Sequence[Any]]
    ) -> None:
        for name, values in each.items():
            if len(values) != len(media):
                raise ValueError(f"{name} has {len(values)} values for {len(media)} items of {key}")
        made = [kind(item, **{name: values[at] for name, values in each.items()}) for at, item in enumerate(media)]
        self.log_metrics({key: made}, step)

    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        """Keep what was just written, or remember to keep the last at the end."""
        if self._log_model == "all" or (self._log_model and checkpoint_callback.save_top_k == -1):
            self._keep(checkpoint_callback)
        elif self._log_model:
            self._checkpoints = checkpoint_callback

    def finalize(self, status: str) -> None:
        """Keep the last checkpoints. The run goes on: it ends with the program, or with `finish`."""
        if status == "success" and self._checkpoints is not None:
            self._keep(self._checkpoints)

    def _keep(self, checkpoints: Any) -> None:
        paths = {checkpoints.last_model_path, checkpoints.best_model_path, *checkpoints.best_k_models} - {""}
        for path in sorted(path for path in map(Path, paths) if path.exists()):
            written = path.stat().st_mtime
            if self._logged.get(str(path)) == written:
                continue
            run = self.experiment
            artifact = runcast.Artifact(self._checkpoint_name or f"model-{run.id}", type="model")
            if path.is_dir():
                artifact.add_dir(str(path))
            else:
                artifact.add_file(str(path), name="model.ckpt")
            run.log_artifact(
                artifact, aliases=["latest", *(["best"] if str(path) == checkpoints.best_model_path else [])]
            )
            self._logged[str(path)] = written


class _Nobody:
    """What ranks other than the first have in place of a run."""

    def __getattr__(self, name: str) -> Any:
        return self

    def __call__(self, *_: Any, **__: Any) -> Any:
        return self


WandbLogger = RuncastLogger
