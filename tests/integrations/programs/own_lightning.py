"""A user's program: Lightning's Trainer and Fabric with Runcast's own logger."""

import sys

import lightning
import torch

import runcast
from runcast.integration.lightning import RuncastLogger


class Line(lightning.LightningModule):
    def __init__(self, rate=0.1):
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(4, 1)

    def training_step(self, batch, _):
        loss = self.layer(batch).square().mean()
        self.log("train/loss", loss)
        return loss

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.hparams.rate)


logger = RuncastLogger(project="own-lightning", name="a-line", save_dir=sys.argv[1], log_model="media" in sys.argv)
lightning.Trainer(
    default_root_dir=sys.argv[1],
    max_epochs=1,
    logger=logger,
    log_every_n_steps=2,
    accelerator="cpu",
    enable_progress_bar=False,
    enable_model_summary=False,
).fit(Line(), torch.utils.data.DataLoader(torch.randn(32, 4), batch_size=4))
assert logger.version == logger.experiment.id
runcast.finish()

fabric = lightning.Fabric(loggers=RuncastLogger(project="own-fabric", name="by-fabric"), accelerator="cpu")
for step in range(3):
    fabric.log("loss", 1 / (step + 1), step)
runcast.finish()
assert "wandb" not in sys.modules
