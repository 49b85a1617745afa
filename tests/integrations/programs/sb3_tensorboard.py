"""A user's program: PPO of Stable-Baselines3, which logs to TensorBoard alone, with W&B's callback."""

import sys

import wandb
from stable_baselines3 import PPO
from wandb.integration.sb3 import WandbCallback

run = wandb.init(project="sb3", name="cart", config={"env": "CartPole-v1"}, sync_tensorboard=True)
model = PPO("MlpPolicy", "CartPole-v1", n_steps=64, tensorboard_log=f"{sys.argv[1]}/runs/{run.id}", device="cpu")
model.learn(
    total_timesteps=256,
    callback=WandbCallback(gradient_save_freq=20, model_save_path=f"{sys.argv[1]}/models/{run.id}"),
)
run.finish()
