"""A callback for CatBoost: each iteration's evaluation, and what is left to say of the whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import runcast
from runcast.errors import RuncastError


class WandbCallback:
    """Log each iteration, or each `metric_period`th: `model.fit(…, callbacks=[WandbCallback()])`."""

    def __init__(self, metric_period: int = 1) -> None:
        self._run, self._period = _active("WandbCallback"), metric_period

    def after_iteration(self, info: Any) -> bool:
        """Log an iteration, and let the training go on."""
        if info.iteration % self._period == 0:
            row = {
                f"{data}-{metric}": values[-1]
                for data, metrics in info.metrics.items()
                for metric, values in metrics.items()
            }
            self._run.log(row | {"iteration": info.iteration})
        return True


def log_summary(
    model: Any, log_all_params: bool = True, save_model_checkpoint: bool = False, log_feature_importance: bool = True
) -> None:
    """Log a fitted model: its settings, best iteration and score, what its features weigh, and itself if wanted."""
    run = _active("log_summary")
    run.config.update(model.get_all_params() if log_all_params else model.get_params(), allow_val_change=True)
    run.summary["best_iteration"] = model.get_best_iteration()
    for data, scores in (model.get_best_score() or {}).items():
        for metric, score in scores.items():
            run.summary[f"best_score-{data}-{metric}"] = score
    if save_model_checkpoint:
        path = Path(run.dir) / f"{run.id}_model.cbm"
        path.parent.mkdir(parents=True, exist_ok=True)
        model.save_model(str(path))
        artifact = runcast.Artifact(f"model_{run.id}", type="model")
        artifact.add_file(str(path))
        run.log_artifact(artifact)
    if log_feature_importance:
        rows = [list(pair) for pair in zip(model.feature_names_, model.feature_importances_, strict=True)]
        table = runcast.Table(data=rows, columns=["Feature", "Importance"])
        run.log({"Feature Importance": runcast.plot.bar(table, "Feature", "Importance", "Feature Importance")})


def _active(who: str) -> Any:
    if runcast.run is None:
        raise RuncastError(f"You must call wandb.init() before {who}()")
    return runcast.run
