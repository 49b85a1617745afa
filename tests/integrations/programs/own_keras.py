"""A user's program: the tutorial's callback with everything switched on."""

import keras
import numpy as np

import runcast
from runcast.keras import WandbCallback

images, labels = np.random.rand(64, 8, 8), np.random.randint(0, 3, 64)
with runcast.init(project="own-keras"):
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    callback = WandbCallback(
        monitor="val_accuracy",
        log_weights=True,
        log_batch_frequency=2,
        validation_data=(images, labels),
        labels=["cat", "dog", "fox"],
        predictions=4,
        data_type="image",
    )
    model.fit(images, labels, epochs=2, validation_split=0.25, verbose=0, callbacks=[callback])
