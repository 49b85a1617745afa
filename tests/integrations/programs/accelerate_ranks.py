"""A user's program: every rank that torchrun or accelerate launched logs to the run."""

import wandb
from accelerate import Accelerator

accelerator = Accelerator(cpu=True)
wandb.init(project="accelerate-ranks")
wandb.log({"rank": accelerator.process_index, "of": accelerator.num_processes})
accelerator.wait_for_everyone()
if accelerator.is_main_process:
    wandb.log({"main": 1})
wandb.finish()
accelerator.end_training()
