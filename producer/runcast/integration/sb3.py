"""A callback for Stable-Baselines3: the agent's settings, its checkpoints, its gradients.

What the agent logs goes to TensorBoard: `init(sync_tensorboard=True)` shows that.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from stable_baselines3.common.callbacks import BaseCallback

import runcast
from runcast.errors import RuncastError


class WandbCallback(BaseCallback):
    """Keep an agent's settings as the run's config; `model_save_path` is where its checkpoints are written."""

    def __init__(
        self,
        verbose: int = 0,
        model_save_path: str | None = None,
        model_save_freq: int = 0,
        gradient_save_freq: int = 0,
        log: Literal["gradients", "parameters", "all"] | None = "all",
    ) -> None:
        super().__init__(verbose)
        if runcast.run is None:
            raise RuncastError("You must call wandb.init() before WandbCallback()")
        if model_save_freq and model_save_path is None:
            raise RuncastError("model_save_freq needs model_save_path: the folder in which the model is saved")
        self._run: Any = runcast.run
        self._folder = Path(model_save_path) if model_save_path is not None else None
        self._save_every, self._watch_every, self._watched = model_save_freq, gradient_save_freq, log

    def _init_callback(self) -> None:
        settings: dict[str, Any] = {"algo": type(self.model).__name__}
        for key, value in vars(self.model).items():
            settings[key] = value if type(value) in {float, int, str} else str(value)
        self._run.config.setdefaults(settings)
        if self._watch_every > 0:
            self._run.watch(self.model.policy, log_freq=self._watch_every, log=self._watched)

    def _on_step(self) -> bool:
        if self._save_every > 0 and self.n_calls % self._save_every == 0:
            self.save_model()
        return True

    def _on_training_end(self) -> None:
        self.save_model()

    def save_model(self) -> None:
        """Write the agent to the folder, and keep it with the run."""
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / "model.zip"
        self.model.save(path)
        self._run.save(str(path), base_path=str(self._folder))
