"""A user's program: PyTorch's and tensorboardX's writers beside a run."""

import numpy as np
import tensorboardX
import torch
from torch.utils.tensorboard import SummaryWriter

import runcast

with runcast.init(project="own-tensorboard", sync_tensorboard=True):
    with SummaryWriter("runs/torch") as writer:
        for step in range(5):
            writer.add_scalar("loss", 1 / (step + 1), step)
        writer.add_histogram("weights", torch.randn(1000), 5)
        writer.add_image("image", np.random.rand(3, 8, 8), 5)
        writer.add_audio("sound", torch.zeros(1, 800), 5, sample_rate=8000)
        writer.add_text("note", "hello", 5)
    with SummaryWriter("runs/torch") as writer:
        writer.add_hparams({"rate": 0.5}, {"score": 1.0}, run_name=".")
    other = tensorboardX.SummaryWriter("runs/x")
    other.add_scalar("loss", 0.5, 7)
    other.close()
