"""A user's program: a Sacred experiment with W&B's observer."""

from sacred import Experiment
from wandb.sacred import WandbObserver

experiment = Experiment("iris", save_git_info=False)
experiment.observers.append(WandbObserver(project="sacred", name="iris"))


@experiment.config
def config():
    rate = 0.5


@experiment.main
def train(rate, _run):
    for step in range(3):
        _run.log_scalar("loss", rate / (step + 1), step)
    return rate * 2


experiment.run()
