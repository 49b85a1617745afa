"""A user's program: XGBoost with W&B's callback."""

import numpy as np
import wandb
import xgboost
from wandb.integration.xgboost import WandbCallback

rng = np.random.default_rng(0)
inputs = rng.random((200, 5))
targets = (inputs[:, 0] > 0.5).astype(int)
train, test = xgboost.DMatrix(inputs[:150], targets[:150]), xgboost.DMatrix(inputs[150:], targets[150:])
with wandb.init(project="xgboost", name="trees"):
    xgboost.train(
        {"objective": "binary:logistic", "eval_metric": ["logloss", "auc"], "max_depth": 2, "nthread": 1},
        train,
        num_boost_round=10,
        evals=[(train, "train"), (test, "test")],
        early_stopping_rounds=5,
        callbacks=[WandbCallback(log_model=True, log_feature_importance=True)],
        verbose_eval=False,
    )
