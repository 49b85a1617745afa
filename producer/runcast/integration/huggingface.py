"""A callback for the Trainer of transformers, and of the libraries that are built on it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from transformers import TrainerCallback

import runcast
from runcast.run import Run

_TOTALS = frozenset("train_runtime train_samples_per_second train_steps_per_second train_loss total_flos".split())


class RuncastCallback(TrainerCallback):
    """`Trainer(…, callbacks=[RuncastCallback()])`: names and x axis are those that `report_to="wandb"` gives.

    A run that is active is used; else one begins, in `project`, and ends with the program or with `finish`.
    `log_model` keeps checkpoints as artifacts: each as it is saved, or the model at the end.
    """

    def __init__(self, project: str = "huggingface", log_model: Literal["end", "checkpoint"] | None = None) -> None:
        self._project, self._log_model = project, log_model
        self._run: Run | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Begin the run, or take the active one, and keep all settings as its config."""
        del control
        if state.is_world_process_zero:
            self._begin(args, state, model)

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **more: Any) -> None:
        """Log what the trainer logs; totals go to the summary."""
        del control
        if not state.is_world_process_zero:
            return
        run = self._begin(args, state, more.get("model"))
        logs = logs or {}
        run.summary.update({key: value for key, value in logs.items() if key in _TOTALS})
        row = _renamed({key: value for key, value in logs.items() if key not in _TOTALS})
        run.log(row | {"train/global_step": state.global_step})

    def on_predict(self, args: Any, state: Any, control: Any, metrics: Mapping[str, Any], **more: Any) -> None:
        """Log the metrics of a prediction."""
        del control
        if state.is_world_process_zero:
            self._begin(args, state, more.get("model")).log(_renamed(metrics))

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Keep a checkpoint."""
        del control
        if self._log_model == "checkpoint" and self._run is not None and state.is_world_process_zero:
            folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            self._keep(
                self._run, folder, [f"epoch_{round(state.epoch, 2)}", f"checkpoint_global_step_{state.global_step}"]
            )

    def on_train_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Keep the model."""
        del control
        if self._log_model == "end" and self._run is not None and state.is_world_process_zero:
            folder = Path(args.output_dir) / "model"
            model.save_pretrained(folder)
            self._keep(self._run, folder, ["final_model"])

    def _begin(self, args: Any, state: Any, model: Any) -> Run:
        if self._run is not None and not self._run.finished:
            return self._run
        run = runcast.run
        if run is None:
            name = state.trial_name or args.run_name
            run = runcast.init(project=self._project, name=name, group=args.run_name if state.trial_name else None)
        settings = args.to_dict()
        if (config := getattr(model, "config", None)) is not None:
            settings = (config if isinstance(config, dict) else config.to_dict()) | settings
        if hasattr(model, "num_parameters"):
            settings["model/num_parameters"] = model.num_parameters()
        run.config.update(settings, allow_val_change=True)
        run.define_metric("train/global_step")
        run.define_metric("*", step_metric="train/global_step", step_sync=True)
        self._run = run
        return run

    def _keep(self, run: Any, folder: Path, aliases: list[str]) -> None:
        artifact = runcast.Artifact(f"model-{run.id}", type="model")
        artifact.add_dir(str(folder))
        run.log_artifact(artifact, aliases=aliases)


def _renamed(logs: Mapping[str, Any]) -> dict[str, Any]:
    """Write `eval_loss` as `eval/loss`, `test_loss` as `test/loss`, and what is left as `train/…`."""
    renamed = {}
    for key, value in logs.items():
        split, _, rest = key.partition("_")
        renamed[f"{split}/{rest}" if rest and split in {"eval", "test"} else f"train/{key}"] = value
    return renamed
