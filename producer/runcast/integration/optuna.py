"""A callback for Optuna: each finished trial with its parameters and values, in one run or each in its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

from optuna import Study
from optuna.trial import FrozenTrial

import runcast
from runcast.errors import UsageError
from runcast.run import Run


class RuncastCallback:
    """`study.optimize(objective, callbacks=[RuncastCallback()])`.

    `metric_name` names the objective's values; `init` is what `runcast.init` is called with; with `as_multirun` each
    trial is a run of its own, in one group.
    """

    def __init__(
        self,
        metric_name: str | Sequence[str] = "value",
        init: Mapping[str, Any] | None = None,
        as_multirun: bool = False,
    ) -> None:
        self._names, self._init, self._multirun = metric_name, dict(init or {}), as_multirun
        if not as_multirun:
            self._begin()

    def __call__(self, study: Study, trial: FrozenTrial) -> None:
        """Log a trial that is over."""
        run = self._begin(trial) if runcast.run is None else runcast.run
        described = {"direction": [each.name for each in study.directions]} | trial.params
        values = dict(zip(self._value_names(trial), trial.values or (), strict=False))
        if self._multirun:
            run.config.update(described, allow_val_change=True)
            run.log(values)
            run.finish()
            return
        run.config.update({"direction": described["direction"]}, allow_val_change=True)
        run.log({**trial.params, **values, "trial_number": trial.number}, step=trial.number)

    def track(self) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Decorate an objective that logs by itself: with `as_multirun`, its run begins before it does."""

        def decorate(objective: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(objective)
            def tracked(trial: Any) -> Any:
                if self._multirun and runcast.run is None:
                    self._begin(trial)
                return objective(trial)

            return tracked

        return decorate

    def _begin(self, trial: Any = None) -> Run:
        arguments = dict(self._init)
        if trial is not None and self._multirun:
            arguments = {"group": "optuna", "name": f"trial-{trial.number}"} | arguments
        return runcast.init(**arguments)

    def _value_names(self, trial: FrozenTrial) -> list[str]:
        count = len(trial.values or ())
        if isinstance(self._names, str):
            return [self._names] if count < 2 else [f"{self._names}_{at}" for at in range(count)]
        if count and len(self._names) != count:
            raise UsageError(f"metric_name has {len(self._names)} names, and the objective gives {count} values")
        return list(self._names)
