"""Runcast under the name of W&B's client: what makes `import wandb` find it, for programs that cannot be changed.

It is opt-in. `runcast run train.py` puts the folder `site` on the way of one program and its children, and
`runcast install-shim` copies it beside the installed packages. `names` says what each module of W&B's finds here.
"""
