"""A user's program: the three callbacks of today's W&B for Keras."""

import sys

import keras
import numpy as np
import wandb
from wandb.integration.keras import WandbEvalCallback, WandbMetricsLogger, WandbModelCheckpoint

inputs, targets = np.random.rand(64, 4), np.random.randint(0, 2, 64)


class Examples(WandbEvalCallback):
    def add_ground_truth(self, logs=None):
        for at, target in enumerate(targets[:4]):
            self.data_table.add_data(at, int(target))

    def add_model_predictions(self, epoch, logs=None):
        for at, guess in enumerate(self.model.predict(inputs[:4], verbose=0)):
            self.pred_table.add_data(epoch, at, float(guess[0]))


with wandb.init(project="keras", name="today", config={"layers": 2}) as run:
    model = keras.Sequential([keras.layers.Dense(4, "relu"), keras.layers.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.fit(
        inputs,
        targets,
        epochs=3,
        batch_size=16,
        validation_split=0.25,
        verbose=0,
        callbacks=[
            WandbMetricsLogger(log_freq=2),
            WandbModelCheckpoint(f"{sys.argv[1]}/model-{{epoch:02d}}.keras", monitor="val_loss"),
            Examples(["index", "target"], ["epoch", "index", "guess"]),
        ],
    )
assert "tensorflow" not in sys.modules
