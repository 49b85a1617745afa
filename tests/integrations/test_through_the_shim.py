"""Real libraries at their newest versions, unmodified: each says `import wandb`, and finds Runcast."""

from __future__ import annotations

import math

import pytest
from tests.integrations.conftest import PROGRAMS, Seen, Workshop, needs


@needs("torch", "transformers", "accelerate")
def test_the_trainer_of_transformers_reports_to_runcast(workshop: Workshop) -> None:
    out = str(workshop.folder / "out")
    workshop.program("transformers_trainer", out, WANDB_PROJECT="tiny", WANDB_LOG_MODEL="checkpoint")
    run = workshop.only("tiny")
    assert run.record["name"] == "tiny-gpt"
    assert [step for step, _ in run.rows("train/global_step", "train/loss")] == [2, 4, 6, 8]
    assert [step for step, _ in run.rows("train/global_step", "eval/loss")] == [4, 8]
    assert run.config["per_device_train_batch_size"] == 4
    assert run.config["model/num_parameters"] > 0
    assert {"train_loss", "train_runtime", "total_flos"} <= run.summary.keys()
    assert {name for name, _ in run.artifacts()} == {"model-tiny-gpt"}
    held = workshop.api().artifact("tiny/model-tiny-gpt:latest").contents
    assert {"model.safetensors", "config.json"} <= {path.rpartition("/")[2] for path in held}


@needs("torch", "lightning")
def test_lightnings_own_logger_logs_to_runcast(workshop: Workshop) -> None:
    done = workshop.program("lightning_logger", str(workshop.folder))
    run = workshop.only("lightning")
    assert f"logger {run.id} {run.id} runcast.run" in done.stdout
    assert [step for step, _ in run.rows("trainer/global_step", "train/loss")] == [1, 3, 5, 7, 9, 11, 13, 15]
    assert len(run.rows("val/loss")) == 2
    assert run.config["rate"] == 0.1
    assert run.artifacts() == [(f"model-{run.id}", "v0"), (f"model-{run.id}", "v1")]
    assert {"gradients/layer.weight": "histogram", "table": "table-file"}.items() <= run.kinds().items()


@needs("torch", "accelerate")
def test_the_tracker_of_accelerate_logs_to_runcast(workshop: Workshop) -> None:
    workshop.program("accelerate_tracker")
    run = workshop.only("accelerate")
    assert run.kinds() == {"image": "images/separated", "table": "table-file"}
    assert run.record["name"] == "by-accelerate"
    assert [step for step, _ in run.rows("_step", "loss")] == [0, 1, 2, 3, 4]
    assert run.config["rate"] == 0.1


@needs("torch", "keras")
def test_todays_callbacks_of_keras_log_without_tensorflow(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workshop.folder)  # Where what is read of an artifact is downloaded.
    workshop.program("keras_callbacks", str(workshop.folder), KERAS_BACKEND="torch")
    run = workshop.only("keras")
    assert [epoch for epoch, *_ in run.rows("epoch/epoch", "epoch/val_loss", "epoch/learning_rate")] == [0, 1, 2]
    assert [step for step, _ in run.rows("batch/batch_step", "batch/loss")] == [0, 2, 3, 5, 6, 8]
    made = [("val", "v0"), *((f"run_{run.id}_{what}", f"v{at}") for at in range(3) for what in ("model", "pred"))]
    assert run.artifacts() == made
    api = workshop.api()
    said = api.artifact(f"keras/run_{run.id}_pred:v2").get("eval_data")
    assert (said.columns, said.get_column("epoch")) == (["epoch", "index", "guess"], [2] * 4)
    assert list(api.artifact(f"keras/run_{run.id}_model:epoch_2").contents) == ["model-03.keras"]


@needs("xgboost", "sklearn")
def test_xgboost_logs_each_round(workshop: Workshop) -> None:
    workshop.program("xgboost_callback")
    run = workshop.only("xgboost")
    rounds = run.rows("epoch", "train-logloss", "test-logloss", "test-auc")
    assert [epoch for epoch, *_ in rounds] == list(range(len(rounds)))
    assert run.config["learner"]["objective"]["name"] == "binary:logistic"
    assert run.rows("best_score", "best_iteration")
    assert run.summary["test-logloss"] == {"min": min(loss for _, _, loss, _ in rounds)}
    assert run.summary["test-auc"] == {"max": max(auc for *_, auc in rounds)}
    _trees_are_kept(run)


@needs("lightgbm", "sklearn")
def test_lightgbm_logs_each_iteration(workshop: Workshop) -> None:
    workshop.program("lightgbm_callback")
    run = workshop.only("lightgbm")
    rounds = run.rows("iteration", "test_binary_logloss", "test_auc")
    assert [at for at, *_ in rounds] == list(range(10))
    assert run.summary["test_binary_logloss"] == {"min": min(loss for _, loss, _ in rounds)}
    assert run.summary["test_auc"] == {"max": max(auc for *_, auc in rounds)}
    assert run.config["objective"] == "binary"
    _trees_are_kept(run)


@needs("catboost")
def test_catboost_logs_each_iteration(workshop: Workshop) -> None:
    workshop.program("catboost_callback")
    run = workshop.only("catboost")
    assert [at for at, _ in run.rows("iteration", "validation-Logloss")] == list(range(1, 11))
    assert run.config["iterations"] == 10
    _trees_are_kept(run)


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
    assert run.kinds()["gradients/action_net.weight"] == "histogram"
    assert workshop.api().run(f"sb3/{run.id}").file("model.zip").stored
    assert run.config["env"] == "CartPole-v1"


@needs("sacred", "pkg_resources")
def test_sacreds_observer_logs_an_experiment(workshop: Workshop) -> None:
    workshop.program("sacred_observer")
    run = workshop.only("sacred")
    assert run.rows("loss_step", "loss") == [(0, 0.5), (1, 0.25), (2, pytest.approx(0.5 / 3))]
    assert run.rows("result_0") == [(1.0,)]
    assert run.config["rate"] == 0.5


@needs("torch", "accelerate")
def test_the_ranks_of_accelerate_are_one_run(workshop: Workshop) -> None:
    launch = ("-m", "torch.distributed.run", "--nproc-per-node", "2")
    workshop.run(*launch, str(PROGRAMS / "accelerate_ranks.py"), OMP_NUM_THREADS="1")
    run = workshop.only("accelerate-ranks")
    assert run.rows("main") == [(1,)]
    assert sorted(run.writers()) == ["rank0", "rank1"]
    assert sorted(run.rows("rank", "of")) == [(0, 2), (1, 2)]


def _trees_are_kept(run: Seen) -> None:
    """With what their features weigh."""
    assert run.artifacts() == [(f"model_{run.id}", "v0")]
    assert run.kinds() == {"Feature Importance_table": "table-file"}
