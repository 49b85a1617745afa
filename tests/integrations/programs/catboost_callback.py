"""A user's program: CatBoost with W&B's callback."""

import numpy as np
import wandb
from catboost import CatBoostClassifier
from wandb.integration.catboost import WandbCallback, log_summary

rng = np.random.default_rng(0)
inputs = rng.random((200, 5))
targets = (inputs[:, 0] > 0.5).astype(int)
with wandb.init(project="catboost", name="cats"):
    model = CatBoostClassifier(iterations=10, depth=2, verbose=False, allow_writing_files=False, thread_count=1)
    model.fit(inputs[:150], targets[:150], eval_set=(inputs[150:], targets[150:]), callbacks=[WandbCallback()])
    log_summary(model, log_feature_importance=True, save_model_checkpoint=True)
