"""A user's program: Optuna's own callback for W&B."""

import optuna
import wandb
from optuna_integration.wandb import WeightsAndBiasesCallback

callback = WeightsAndBiasesCallback(metric_name="loss", wandb_kwargs={"project": "optuna", "name": "a-study"})


@callback.track_in_wandb()
def objective(trial):
    x = trial.suggest_float("x", -1, 1)
    return x * x


study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
study.optimize(objective, n_trials=6, callbacks=[callback])
print("best", study.best_value)


# And each trial as a run of its own.
wandb.finish()
each = WeightsAndBiasesCallback(
    metric_name="loss", wandb_kwargs={"project": "optuna-each", "group": "g"}, as_multirun=True
)


@each.track_in_wandb()
def logged(trial):
    x = trial.suggest_float("x", -1, 1)
    for step in range(3):
        wandb.log({"part": x / (step + 1)})
    return x


optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0)).optimize(logged, n_trials=3, callbacks=[each])
