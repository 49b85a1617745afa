"""A user's program: Optuna with Runcast's own callback, all trials in one run, and each in its own."""

import optuna

import runcast
from runcast.integration.optuna import RuncastCallback


def objective(trial):
    return trial.suggest_float("x", -1, 1) ** 2


study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
study.optimize(objective, n_trials=4, callbacks=[RuncastCallback("loss", init={"project": "own-optuna"})])
runcast.finish()

each = RuncastCallback("loss", init={"project": "own-optuna-each"}, as_multirun=True)


@each.track()
def logged(trial):
    x = trial.suggest_float("x", -1, 1)
    runcast.log({"part": x})
    return x


optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0)).optimize(logged, n_trials=3, callbacks=[each])
