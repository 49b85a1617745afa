"""A user's program: accelerate's tracker of the name `wandb`."""

import torch
from accelerate import Accelerator

accelerator = Accelerator(log_with="wandb", cpu=True)
accelerator.init_trackers("accelerate", config={"rate": 0.1}, init_kwargs={"wandb": {"name": "by-accelerate"}})
model = torch.nn.Linear(4, 1)
model, optimizer = accelerator.prepare(model, torch.optim.SGD(model.parameters(), lr=0.1))
for step in range(5):
    loss = model(torch.randn(8, 4)).square().mean()
    accelerator.backward(loss)
    optimizer.step()
    optimizer.zero_grad()
    accelerator.log({"loss": loss.item()}, step=step)
tracker = accelerator.get_tracker("wandb")
tracker.log_images({"image": [torch.rand(4, 4, 3).numpy()]}, step=5)
tracker.log_table("table", columns=["a"], data=[[1]], step=6)
accelerator.end_training()
