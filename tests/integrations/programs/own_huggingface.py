"""A user's program: transformers' Trainer with Runcast's own callback."""

import sys

import torch
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments

import runcast
from runcast.integration.huggingface import RuncastCallback

model = GPT2LMHeadModel(GPT2Config(vocab_size=32, n_positions=16, n_embd=8, n_layer=1, n_head=1))
data = [{"input_ids": (ids := torch.randint(0, 32, (8,))), "labels": ids} for _ in range(16)]
trainer = Trainer(
    model=model,
    args=TrainingArguments(
        output_dir=sys.argv[1], report_to="none", max_steps=4, logging_steps=2, save_steps=4, use_cpu=True
    ),
    train_dataset=data,
    eval_dataset=data[:4],
    callbacks=[RuncastCallback(project="own-huggingface", log_model="checkpoint" if "media" in sys.argv else None)],
)
trainer.train()
trainer.evaluate()
runcast.finish()
assert "wandb" not in sys.modules
