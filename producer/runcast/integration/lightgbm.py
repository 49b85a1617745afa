"""Callbacks for LightGBM: each iteration's evaluation, the best one, the settings and what the features weigh."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lightgbm import Booster

import runcast
from runcast.errors import RuncastError

_MINIMIZED = frozenset(
    "l1 l2 rmse mape huber fair poisson gamma binary_logloss multi_logloss binary_error multi_error".split()
)
_MAXIMIZED = frozenset("map auc average_precision ndcg".split())
ORDER = 30  # After LightGBM's own callbacks, which may end the training.


def wandb_callback(log_params: bool = True, define_metric: bool = True) -> Callable[[Any], None]:
    """Make the callback for `lightgbm.train(…, callbacks=[wandb_callback()])`."""
    return _Callback(_active("wandb_callback"), log_params=log_params, define_metric=define_metric)


def log_summary(model: Any, feature_importance: bool = True, save_model_checkpoint: bool = False) -> None:
    """Log a trained booster: its best iteration and score, what its features weigh, and itself if wanted."""
    run = _active("log_summary")
    if not isinstance(model, Booster):
        raise RuncastError(f"log_summary() takes a lightgbm.Booster, not a {type(model).__name__}")
    run.summary["best_iteration"] = model.best_iteration
    for data, scores in model.best_score.items():
        for metric, score in scores.items():
            run.summary[f"best_score_{data}_{metric}"] = score
    if feature_importance:
        rows = [list(pair) for pair in zip(model.feature_name(), model.feature_importance().tolist(), strict=True)]
        table = runcast.Table(data=rows, columns=["Feature", "Importance"])
        run.log({"Feature Importance": runcast.plot.bar(table, "Feature", "Importance", "Feature Importance")})
    if save_model_checkpoint:
        path = Path(run.dir) / f"{run.id}_model.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        model.save_model(str(path), num_iteration=model.best_iteration)
        artifact = runcast.Artifact(f"model_{run.id}", type="model")
        artifact.add_file(str(path))
        run.log_artifact(artifact)


class _Callback:
    """What LightGBM calls after each iteration."""

    order, before_iteration = ORDER, False

    def __init__(self, run: Any, *, log_params: bool, define_metric: bool) -> None:
        self._run, self._log_params, self._define = run, log_params, define_metric

    def __call__(self, env: Any) -> None:
        results = env.evaluation_result_list or []
        if env.iteration == env.begin_iteration:
            if self._log_params:
                self._run.config.update(env.params, allow_val_change=True)
            if self._define:
                for data, metric, *_ in results:
                    self._define_best(data, metric)
        row = {f"{data}_{metric}": value for data, metric, value, *_ in results}
        # `cv` gives a deviation with each mean.
        row |= {f"{data}_{metric}-stdv": more[1] for data, metric, _, *more in results if len(more) > 1}
        self._run.log(row | {"iteration": env.iteration})

    def _define_best(self, data: str, metric: str) -> None:
        plain = metric.rpartition(" ")[2].partition("@")[0]
        best = "min" if plain in _MINIMIZED else "max" if plain in _MAXIMIZED else None
        if best is not None:
            self._run.define_metric(f"{data}_{metric}", summary=best)


def _active(who: str) -> Any:
    if runcast.run is None:
        raise RuncastError(f"You must call wandb.init() before {who}()")
    return runcast.run
