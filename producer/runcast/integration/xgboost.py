"""A callback for XGBoost: each round's evaluation, the best one, the settings and what the features weigh."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import xgboost

import runcast
from runcast.errors import RuncastError

_MINIMIZED = frozenset(
    "rmse rmsle mae mape mphe logloss error error@t merror mlogloss poisson-nloglik gamma-nloglik cox-nloglik "
    "gamma-deviance tweedie-nloglik aft-nloglik interval-regression-accuracy".split()
)
_MAXIMIZED = frozenset("auc aucpr ndcg map ndcg@n map@n".split())

EvalsLog = dict[str, dict[str, list[Any]]]


def wandb_callback() -> WandbCallback:
    """Make the callback, as old programs do."""
    return WandbCallback(log_feature_importance=False)


class WandbCallback(xgboost.callback.TrainingCallback):
    """Log each round; `log_model` keeps the booster, `log_feature_importance` shows what each feature brings."""

    def __init__(
        self,
        log_model: bool = False,
        log_feature_importance: bool = True,
        importance_type: Literal["gain", "weight", "cover", "total_gain", "total_cover"] = "gain",
        define_metric: bool = True,
    ) -> None:
        super().__init__()
        if runcast.run is None:
            raise RuncastError("You must call wandb.init() before WandbCallback()")
        self._run: Any = runcast.run
        self._log_model, self._log_importance = log_model, log_feature_importance
        self._importance_type, self._define = importance_type, define_metric
        self._defined: set[str] = set()

    def before_training(self, model: Any) -> Any:
        """Keep the booster's settings as the run's config."""
        self._run.config.update(json.loads(model.save_config()), allow_val_change=True)
        return model

    def after_iteration(self, model: Any, epoch: int, evals_log: EvalsLog) -> bool:
        """Log a round."""
        del model
        row: dict[str, Any] = {"epoch": epoch}
        for data, metrics in evals_log.items():
            for metric, values in metrics.items():
                name = f"{data}-{metric}"
                self._define_best(name, metric)
                # `cv` gives means with their deviations.
                row[name] = values[-1][0] if isinstance(values[-1], tuple) else values[-1]
        self._run.log(row)
        return False

    def after_training(self, model: Any) -> Any:
        """Log what is left to say of the whole."""
        if not hasattr(model, "attr"):  # Of `cv`, which has a booster for each fold.
            return model
        if self._log_model:
            self._keep(model)
        if self._log_importance:
            self._log_features(model)
        if model.attr("best_score") is not None:
            self._run.log(
                {"best_score": float(model.attr("best_score")), "best_iteration": int(model.attr("best_iteration"))}
            )
        return model

    def _define_best(self, name: str, metric: str) -> None:
        if not self._define or name in self._defined:
            return
        self._defined.add(name)
        plain = metric.partition("@")[0]
        best = "min" if plain in _MINIMIZED else "max" if plain in _MAXIMIZED else None
        if best is not None:
            self._run.define_metric(name, summary=best)

    def _keep(self, model: Any) -> None:
        path = Path(self._run.dir) / f"{self._run.id}_model.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        model.save_model(str(path))
        artifact = runcast.Artifact(f"model_{self._run.id}", type="model")
        artifact.add_file(str(path))
        self._run.log_artifact(artifact)

    def _log_features(self, model: Any) -> None:
        scores = model.get_score(importance_type=self._importance_type)
        rows = [[name, score] for name, score in scores.items() if not isinstance(score, list)]
        table = runcast.Table(data=rows, columns=["Feature", "Importance"])
        self._run.log({"Feature Importance": runcast.plot.bar(table, "Feature", "Importance", "Feature Importance")})
