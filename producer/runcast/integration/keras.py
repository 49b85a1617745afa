"""Callbacks for Keras, on any of its backends; TensorFlow need not be installed.

`WandbCallback` is the one that tutorials teach: every metric of an epoch in one row, and the best model kept.
`WandbMetricsLogger`, `WandbModelCheckpoint` and `WandbEvalCallback` are its successors, each for one thing.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import keras
from keras.callbacks import Callback, ModelCheckpoint

import runcast
from runcast.errors import RuncastError

_MAXIMIZED = ("acc", "auc", "f1", "fbeta", "precision", "recall")  # What `mode="auto"` takes for better when larger.
_IGNORED = (
    "log_gradients training_data generator input_type output_type log_evaluation validation_steps class_colors "
    "save_graph validation_indexes validation_row_processor prediction_row_processor infer_missing_processors "
    "log_evaluation_frequency compute_flops verbose"
).split()


def _active(who: str) -> Any:
    if runcast.run is None:
        raise RuncastError(f"You must call wandb.init() before {who}()")
    return runcast.run


class WandbCallback(Callback):
    """Log every metric of `fit`, once an epoch, and keep the best model.

    `log_batch_frequency` logs batches as well, `log_weights` histograms of the weights; `validation_data` with
    `labels` shows `predictions` examples of images after each epoch.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        mode: Literal["auto", "min", "max"] = "auto",
        save_model: bool = True,
        save_weights_only: bool = False,
        log_weights: bool = False,
        log_batch_frequency: int | None = None,
        log_best_prefix: str | None = "best_",
        validation_data: tuple[Any, Any] | None = None,
        labels: Sequence[str] = (),
        predictions: int = 36,
        **more: Any,
    ) -> None:
        super().__init__()
        _active("WandbCallback")
        if unknown := sorted(more.keys() - set(_IGNORED)):
            runcast.termwarn(f"WandbCallback does not know {', '.join(unknown)}; ignored")
        self.monitor = monitor
        self._larger = mode == "max" or (mode == "auto" and any(word in monitor for word in _MAXIMIZED))
        self._best: float | None = None
        self._save_model, self._weights_only = save_model or save_weights_only, save_weights_only
        self._log_weights, self._batch_frequency = log_weights, log_batch_frequency
        self._best_prefix = log_best_prefix
        self._validation, self._labels, self._predictions = validation_data, list(labels), predictions
        self._shown: list[int] = []

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Log the epoch."""
        run, logs = _active("WandbCallback"), dict(logs or {})
        row: dict[str, Any] = {"epoch": epoch}
        if self._log_weights:
            row |= {f"parameters/{each.path}": runcast.Histogram(_numpy(each)) for each in self.model.trainable_weights}
        if self._validation is not None and self._predictions > 0:
            row["examples"] = self._examples(*self._validation)
        run.log(row | logs)
        value = logs.get(self.monitor)
        if value is not None and (self._best is None or (value > self._best if self._larger else value < self._best)):
            self._best = float(value)
            if self._best_prefix:
                run.summary[f"{self._best_prefix}{self.monitor}"] = self._best
                run.summary[f"{self._best_prefix}epoch"] = epoch
            self._save(run)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Log the batch, if batches are wanted."""
        if self._batch_frequency and batch % self._batch_frequency == 0:
            _active("WandbCallback").log(dict(logs or {}))

    def _save(self, run: Any) -> None:
        if not self._save_model:
            return
        path = Path(run.dir) / ("model-best.weights.h5" if self._weights_only else "model-best.keras")
        try:
            keep = run.save  # Where no file can be kept, none is written.
            path.parent.mkdir(parents=True, exist_ok=True)
            (self.model.save_weights if self._weights_only else self.model.save)(path)
            keep(str(path), base_path=run.dir, policy="now")
        except Exception as error:  # A model with custom parts may be one that Keras cannot write.
            self._save_model = False
            runcast.termwarn(f"the model cannot be saved: {error}; `save_model=False` says that it need not be")

    def _examples(self, inputs: Any, targets: Any) -> list[Any]:
        if not self._shown:
            self._shown = sorted(random.sample(range(len(inputs)), min(self._predictions, len(inputs))))
        chosen = [inputs[at] for at in self._shown]
        guesses = self.model.predict(keras.ops.stack(chosen), verbose=0)
        return [
            runcast.Image(_numpy(image), caption=f"{self._name(guess)} (is {self._name(targets[at])})")
            for image, guess, at in zip(chosen, guesses, self._shown, strict=True)
        ]

    def _name(self, value: Any) -> str:
        """Name a class: its label, or its number."""
        numbers = keras.ops.convert_to_numpy(value).reshape(-1)
        number = int(numbers.argmax()) if len(numbers) > 1 else round(float(numbers[0]))
        return self._labels[number] if 0 <= number < len(self._labels) else str(number)


class WandbMetricsLogger(Callback):
    """Log the metrics of `fit` under `epoch/`, and with a `log_freq` of batches under `batch/` too."""

    def __init__(self, log_freq: Literal["epoch", "batch"] | int = "epoch", initial_global_step: int = 0) -> None:
        super().__init__()
        run = _active("WandbMetricsLogger")
        self._every = log_freq if isinstance(log_freq, int) else 1 if log_freq == "batch" else 0
        self.global_step = initial_global_step
        if self._every:
            run.define_metric("batch/batch_step")
            run.define_metric("batch/*", step_metric="batch/batch_step")
        run.define_metric("epoch/epoch")
        run.define_metric("epoch/*", step_metric="epoch/epoch")

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Log the epoch."""
        row = {f"epoch/{key}": value for key, value in (logs or {}).items()} | {"epoch/epoch": epoch}
        if (rate := self._rate()) is not None:
            row["epoch/learning_rate"] = rate
        _active("WandbMetricsLogger").log(row)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Log the batch, if it is its turn."""
        if not self._every:
            return
        if batch % self._every == 0:
            row = {f"batch/{key}": value for key, value in (logs or {}).items()}
            row["batch/batch_step"] = self.global_step
            if (rate := self._rate()) is not None:
                row["batch/learning_rate"] = rate
            _active("WandbMetricsLogger").log(row)
        self.global_step += 1

    def _rate(self) -> float | None:
        try:
            return float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        except (AttributeError, TypeError, ValueError):
            return None  # Not compiled, or with an optimizer that has no rate.


class WandbModelCheckpoint(ModelCheckpoint):
    """Keras' own ModelCheckpoint, whose files become versions of the artifact `run_ID_model`."""

    def __init__(self, filepath: str | Path, *arguments: Any, **more: Any) -> None:
        super().__init__(str(filepath), *arguments, **more)
        _active("WandbModelCheckpoint")

    def _save_model(self, *arguments: Any, **more: Any) -> None:
        super()._save_model(*arguments, **more)
        epoch = more.get("epoch", arguments[0] if arguments else 0)
        batch = more.get("batch", arguments[1] if len(arguments) > 1 else None)
        path = Path(self._get_file_path(epoch, batch, more.get("logs", arguments[2] if len(arguments) > 2 else {})))
        if path.exists():
            self._log(path, f"epoch_{epoch}" if batch is None else f"epoch_{epoch}_batch_{batch}")

    def _log(self, path: Path, alias: str) -> None:
        run = _active("WandbModelCheckpoint")
        artifact = runcast.Artifact(f"run_{run.id}_model", type="model")
        if path.is_dir():
            artifact.add_dir(str(path))
        else:
            artifact.add_file(str(path))
        run.log_artifact(artifact, aliases=["latest", alias])


class WandbEvalCallback(Callback, ABC):
    """Log what a model makes of examples, epoch by epoch: subclass it, and fill two tables.

    `add_ground_truth` fills `self.data_table` once, `add_model_predictions` fills `self.pred_table` each epoch.
    """

    def __init__(self, data_table_columns: list[str], pred_table_columns: list[str]) -> None:
        super().__init__()
        _active("WandbEvalCallback")
        self.data_table_columns, self.pred_table_columns = data_table_columns, pred_table_columns
        self.data_table_ref: Any = None

    @abstractmethod
    def add_ground_truth(self, logs: dict[str, float] | None = None) -> None:
        """Add the examples to `self.data_table`."""

    @abstractmethod
    def add_model_predictions(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Add what the model says to `self.pred_table`."""

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Log the examples."""
        self.init_data_table(self.data_table_columns)
        self.add_ground_truth(logs)
        self.log_data_table()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Log what the model says after an epoch."""
        self.init_pred_table(self.pred_table_columns)
        self.add_model_predictions(epoch, logs)
        self.log_pred_table()

    def init_data_table(self, column_names: list[str]) -> None:
        """Begin the table of examples."""
        self.data_table = runcast.Table(columns=column_names, allow_mixed_types=True)

    def init_pred_table(self, column_names: list[str]) -> None:
        """Begin the table of an epoch."""
        self.pred_table = runcast.Table(columns=column_names)

    def log_data_table(self, name: str = "val", type: str = "dataset", table_name: str = "val_data") -> None:  # noqa: A002  # W&B's keyword.
        """Keep the examples as an artifact; `self.data_table_ref` gives them to the tables of predictions."""
        artifact = runcast.Artifact(name, type=type)
        artifact.add(self.data_table, table_name)
        _active("WandbEvalCallback").log_artifact(artifact)
        self.data_table_ref = self.data_table

    def get_data_table(self) -> Any:
        """Give the table of examples."""
        return self.data_table_ref

    def log_pred_table(
        self,
        type: str = "evaluation",  # noqa: A002  # W&B's keyword.
        table_name: str = "eval_data",
        aliases: Sequence[str] = ("latest",),
    ) -> None:
        """Keep an epoch's table as a version of the artifact `run_ID_pred`."""
        run = _active("WandbEvalCallback")
        artifact = runcast.Artifact(f"run_{run.id}_pred", type=type)
        artifact.add(self.pred_table, table_name)
        run.log_artifact(artifact, aliases=list(aliases))


def _numpy(value: Any) -> Any:
    return keras.ops.convert_to_numpy(value)
