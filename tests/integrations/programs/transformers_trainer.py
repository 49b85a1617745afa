"""A user's program: a tiny language model, trained by transformers' Trainer, which reports by itself."""

import sys

import torch
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments

model = GPT2LMHeadModel(GPT2Config(vocab_size=32, n_positions=16, n_embd=8, n_layer=1, n_head=1))
data = [{"input_ids": (ids := torch.randint(0, 32, (8,))), "labels": ids} for _ in range(32)]

Trainer(
    model=model,
    args=TrainingArguments(
        output_dir=sys.argv[1],
        run_name="tiny-gpt",
        report_to="wandb",
        max_steps=8,
        logging_steps=2,
        eval_strategy="steps",
        eval_steps=4,
        save_steps=4,
        per_device_train_batch_size=4,
        use_cpu=True,
        disable_tqdm=True,
    ),
    train_dataset=data,
    eval_dataset=data[:8],
).train()
