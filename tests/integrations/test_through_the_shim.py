"""Real libraries at their newest versions, unmodified: each says `import wandb`, and finds Runcast."""

from __future__ import annotations

import math

import pytest
from tests.integrations.conftest import Workshop, needs, offers


@needs("torch", "transformers", "accelerate")
def test_the_trainer_of_transformers_reports_to_runcast(workshop: Workshop) -> None:
    workshop.program("transformers_trainer", str(workshop.folder / "out"), WANDB_PROJECT="tiny")
    run = workshop.only("tiny")
    assert run.record["name"] == "tiny-gpt"
    assert [step for step, _ in run.rows("train/global_step", "train/loss")] == [2, 4, 6, 8]
    assert [step for step, _ in run.rows("train/global_step", "eval/loss")] == [4, 8]
    assert run.config["per_device_train_batch_size"] == 4
    assert run.config["model/num_parameters"] > 0
    assert {"train_loss", "train_runtime", "total_flos"} <= run.summary.keys()


@needs("torch", "lightning")
def test_lightnings_own_logger_logs_to_runcast(workshop: Workshop) -> None:
    done = workshop.program("lightning_logger", str(workshop.folder))
    run = workshop.only("lightning")
    assert f"logger {run.id} {run.id} runcast.run" in done.stdout
    assert [step for step, _ in run.rows("trainer/global_step", "train/loss")] == [1, 3, 5, 7, 9, 11, 13, 15]
    assert len(run.rows("val/loss")) == 2
    assert run.config["rate"] == 0.1


@needs("torch", "accelerate")
def test_the_tracker_of_accelerate_logs_to_runcast(workshop: Workshop) -> None:
    workshop.program("accelerate_tracker")
    run = workshop.only("accelerate")
    assert run.record["name"] == "by-accelerate"
    assert [step for step, _ in run.rows("_step", "loss")] == [0, 1, 2, 3, 4]
    assert run.config["rate"] == 0.1


@needs("torch", "keras")
def test_todays_callbacks_of_keras_log_without_tensorflow(workshop: Workshop) -> None:
    workshop.program("keras_callbacks", str(workshop.folder), KERAS_BACKEND="torch")
    run = workshop.only("keras")
    assert [epoch for epoch, *_ in run.rows("epoch/epoch", "epoch/val_loss", "epoch/learning_rate")] == [0, 1, 2]
    assert [step for step, _ in run.rows("batch/batch_step", "batch/loss")] == [0, 2, 3, 5, 6, 8]


@needs("xgboost", "sklearn")
def test_xgboost_logs_each_round(workshop: Workshop) -> None:
    workshop.program("xgboost_callback")
    run = workshop.only("xgboost")
    rounds = run.rows("epoch", "train-logloss", "test-logloss", "test-auc")
    assert [epoch for epoch, *_ in rounds] == list(range(len(rounds)))
    assert run.config["learner"]["objective"]["name"] == "binary:logistic"
    assert run.rows("best_score", "best_iteration")


@needs("lightgbm", "sklearn")
def test_lightgbm_logs_each_iteration(workshop: Workshop) -> None:
    workshop.program("lightgbm_callback")
    run = workshop.only("lightgbm")
    assert [at for at, _ in run.rows("iteration", "test_binary_logloss")] == list(range(10))
    assert run.config["objective"] == "binary"


@needs("catboost")
def test_catboost_logs_each_iteration(workshop: Workshop) -> None:
    workshop.program("catboost_callback")
    run = workshop.only("catboost")
    assert [at for at, _ in run.rows("iteration", "validation-Logloss")] == list(range(1, 11))
    assert run.config["iterations"] == 10


@needs("optuna", "optuna_integration")
def test_optunas_own_callback_logs_each_trial(workshop: Workshop) -> None:
    done = workshop.program("optuna_callback")
    run = workshop.only("optuna")
    trials = run.rows("_step", "x", "loss")
    assert [step for step, *_ in trials] == list(range(6))
    assert all(loss == x * x for _, x, loss in trials)
    assert f"best {min(loss for *_, loss in trials)}" in done.stdout
    each = workshop.seen("optuna-each")
    assert len(each) == 3
    for one in each:
        assert len(one.rows("part")) == 3
        assert one.rows("loss") == [(one.config["x"],)]


@needs("stable_baselines3", "tensorboard")
def test_stable_baselines_shows_what_it_writes_for_tensorboard(workshop: Workshop) -> None:
    workshop.program("sb3_tensorboard", str(workshop.folder))
    run = workshop.only("sb3")
    rewards = run.rows("global_step", "rollout/ep_rew_mean")
    assert [step for step, _ in rewards] == [64, 128, 192, 256]
    assert all(math.isfinite(value) for _, value in rewards)
    assert run.rows("train/loss")
    assert run.config["algo"] == "PPO"
    assert run.config["env"] == "CartPole-v1"


@needs("sacred", "pkg_resources")
def test_sacreds_observer_logs_an_experiment(workshop: Workshop) -> None:
    workshop.program("sacred_observer")
    run = workshop.only("sacred")
    assert run.rows("loss_step", "loss") == [(0, 0.5), (1, 0.25), (2, pytest.approx(0.5 / 3))]
    assert run.rows("result_0") == [(1.0,)]
    assert run.config["rate"] == 0.5


# What the same libraries do with media, models and histograms, where Runcast offers them.

ARTIFACT = offers("Artifact", "Run.log_artifact")
MEDIA = [
    pytest.param(
        "lightning_logger", "table", marks=[needs("torch", "lightning"), ARTIFACT, offers("Table", "Run.watch")]
    ),
    pytest.param("accelerate_tracker", "image", marks=[needs("torch", "accelerate"), offers("Image", "Table")]),
    pytest.param("keras_callbacks", "epoch/loss", marks=[needs("torch", "keras"), ARTIFACT, offers("Table")]),
    pytest.param("xgboost_callback", "best_score", marks=[needs("xgboost"), ARTIFACT, offers("Table", "plot")]),
    pytest.param("lightgbm_callback", "iteration", marks=[needs("lightgbm"), ARTIFACT, offers("Table", "plot")]),
    pytest.param("catboost_callback", "iteration", marks=[needs("catboost"), ARTIFACT, offers("Table", "plot")]),
    pytest.param("sb3_tensorboard", "train/loss", marks=[needs("stable_baselines3"), offers("Run.watch", "Run.save")]),
]


@pytest.mark.parametrize(("program", "key"), MEDIA)
def test_media_and_models_are_kept_as_well(workshop: Workshop, program: str, key: str) -> None:
    workshop.program(program, str(workshop.folder), "media", KERAS_BACKEND="torch")
    assert workshop.only(f"{program.split('_', maxsplit=1)[0]}-media").rows(key)


@ARTIFACT
@needs("torch", "transformers", "accelerate")
def test_the_trainer_of_transformers_keeps_its_checkpoints(workshop: Workshop) -> None:
    workshop.program(
        "transformers_trainer", str(workshop.folder), WANDB_PROJECT="tiny-kept", WANDB_LOG_MODEL="checkpoint"
    )
    assert workshop.only("tiny-kept").rows("train/loss")
