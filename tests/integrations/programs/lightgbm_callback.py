"""A user's program: LightGBM with W&B's callback."""

import lightgbm
import numpy as np
import wandb
from wandb.integration.lightgbm import log_summary, wandb_callback

rng = np.random.default_rng(0)
inputs = rng.random((200, 5))
targets = (inputs[:, 0] > 0.5).astype(int)
train = lightgbm.Dataset(inputs[:150], targets[:150])
test = lightgbm.Dataset(inputs[150:], targets[150:], reference=train)
with wandb.init(project="lightgbm", name="leaves"):
    model = lightgbm.train(
        {"objective": "binary", "metric": ["binary_logloss", "auc"], "verbosity": -1, "num_threads": 1},
        train,
        num_boost_round=10,
        valid_sets=[train, test],
        valid_names=["train", "test"],
        callbacks=[wandb_callback()],
    )
    log_summary(model, feature_importance=True, save_model_checkpoint=True)
