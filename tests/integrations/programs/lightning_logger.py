"""A user's program: a line, fitted by Lightning's Trainer with its own WandbLogger."""

import sys

import lightning
import torch
from lightning.pytorch.loggers import WandbLogger


class Line(lightning.LightningModule):
    def __init__(self, rate=0.1):
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(4, 1)

    def training_step(self, batch, _):
        loss = self.layer(batch).square().mean()
        self.log("train/loss", loss)
        return loss

    def validation_step(self, batch, _):
        self.log("val/loss", self.layer(batch).square().mean())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.hparams.rate)


logger = WandbLogger(project="lightning", name="a-line", save_dir=sys.argv[1], log_model="all")
model = Line()
logger.watch(model, log="all", log_freq=2)
data = torch.utils.data.DataLoader(torch.randn(32, 4), batch_size=4)
lightning.Trainer(
    default_root_dir=sys.argv[1],
    max_epochs=2,
    logger=logger,
    log_every_n_steps=2,
    accelerator="cpu",
    enable_progress_bar=False,
    enable_model_summary=False,
).fit(model, data, data)
logger.log_table("table", columns=["a", "b"], data=[[1, "x"], [2, "y"]])
print("logger", logger.version, logger.experiment.id, type(logger.experiment).__module__)
