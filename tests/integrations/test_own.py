"""Runcast's own callbacks and loggers, in real libraries; `wandb` is never imported."""

from __future__ import annotations

import sys

import pytest
from tests.integrations.conftest import PROGRAMS, Workshop, needs


def _run(workshop: Workshop, name: str, *arguments: str, **environ: str) -> None:
    workshop.run(sys.executable, str(PROGRAMS / f"{name}.py"), *arguments, **environ)


@needs("torch", "transformers", "accelerate")
def test_transformers(workshop: Workshop) -> None:
    _run(workshop, "own_huggingface", str(workshop.folder))
    run = workshop.only("own-huggingface")
    assert [step for step, _ in run.rows("train/global_step", "train/loss")] == [2, 4]
    assert len(run.rows("eval/loss")) == 1
    assert run.config["model/num_parameters"] > 0
    assert run.summary["train_loss"] > 0


@needs("torch", "lightning")
def test_lightning_and_fabric(workshop: Workshop) -> None:
    _run(workshop, "own_lightning", str(workshop.folder))
    run = workshop.only("own-lightning")
    assert [step for step, _ in run.rows("trainer/global_step", "train/loss")] == [1, 3, 5, 7]
    assert run.config["rate"] == 0.1
    assert workshop.only("own-fabric").rows("loss") == [(1.0,), (0.5,), (1 / 3,)]


@needs("torch")
def test_the_histograms_of_a_watched_model(workshop: Workshop) -> None:
    workshop.run(str(PROGRAMS / "watch_model.py"))
    run = workshop.only("watch")
    assert len(run.rows("loss")) == 4
    for kind in ("gradients", "parameters"):
        for name in ("0.weight", "0.bias", "2.weight", "2.bias"):
            counted = [histogram for (histogram,) in run.rows(f"{kind}/{name}")]
            assert [len(each["bins"]) for each in counted] == [65, 65]
    assert [row["_step"] for row in run.history() if "gradients/0.bias" in row] == [1, 3]


@needs("optuna")
def test_optuna(workshop: Workshop) -> None:
    _run(workshop, "own_optuna")
    run = workshop.only("own-optuna")
    trials = run.rows("_step", "trial_number", "x", "loss")
    assert [(step, number) for step, number, *_ in trials] == [(at, at) for at in range(4)]
    assert all(loss == x * x for *_, x, loss in trials)
    assert run.config["direction"] == ["MINIMIZE"]
    each = workshop.seen("own-optuna-each")
    assert sorted(str(run.record["name"]) for run in each) == ["trial-0", "trial-1", "trial-2"]
    assert all(run.rows("loss") == [(run.config["x"],)] == run.rows("part") for run in each)


@needs("sklearn")
def test_plots_of_scikit_learn(workshop: Workshop) -> None:
    _run(workshop, "own_sklearn")
    runs = {str(run.record["name"]): run for run in workshop.seen("own-sklearn")}
    drawn = {
        "classifier": "learning_curve feature_importances class_proportions summary_metrics confusion_matrix roc "
        "precision_recall calibration_curve",
        "regressor": "summary_metrics learning_curve outlier_candidates residuals",
        "clusterer": "elbow_curve silhouette_plot",
    }
    for name, keys in drawn.items():
        held = {key.removesuffix("_table") for row in runs[name].history() for key in row}
        assert set(keys.split()) <= held, name
    assert runs["classifier"].config["Classifier settings"]["n_estimators"] == 10


@needs("torch", "keras")
def test_the_tutorials_callback_with_everything_on(workshop: Workshop) -> None:
    _run(workshop, "own_keras", KERAS_BACKEND="torch")
    run = workshop.only("own-keras")
    assert [epoch for epoch, _ in run.rows("epoch", "val_accuracy")] == [0, 1]
    assert len(run.rows("examples")) == 2
    assert any(key.startswith("parameters/") for row in run.history() for key in row)
    assert run.summary["best_val_accuracy"] == max(value for (value,) in run.rows("val_accuracy"))
    assert len([row for row in run.history() if "accuracy" in row and "epoch" not in row]) == 2


@needs("torch", "tensorboard", "tensorboardX")
def test_writers_of_pytorch_and_tensorboardx(workshop: Workshop) -> None:
    _run(workshop, "own_tensorboard")
    run = workshop.only("own-tensorboard")
    assert run.rows("global_step", "loss") == [(step, pytest.approx(1 / (step + 1))) for step in range(5)]
    assert run.rows("weights")
    assert {"image": "images/separated", "sound": "audio", "weights": "histogram"}.items() <= run.kinds().items()
    assert run.rows("note/text_summary") == [("hello",)]
    assert run.config["rate"] == 0.5
    assert run.rows("score") == [(1.0,)]
    assert run.rows("x/global_step", "x/loss") == [(7, 0.5)]
