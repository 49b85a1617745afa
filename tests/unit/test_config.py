"""A config is set once and locked; it reads like a dict and like an object."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest

from runcast.config import Config, read_config
from runcast.errors import ConfigError, UsageError
from runcast.summary import Summary


@pytest.fixture
def published() -> list[Any]:
    return []


@pytest.fixture
def config(published: list[Any]) -> Config:
    return Config({"lr": 0.1}, published.append)


def test_it_reads_like_a_dict_and_like_an_object(config: Config) -> None:
    assert (config.lr, config["lr"], config.get("no", 3), dict(config)) == (0.1, 0.1, 3, {"lr": 0.1})
    with pytest.raises(AttributeError):
        _ = config.missing
    with pytest.raises(KeyError):
        _ = config["missing"]


def test_a_value_is_locked_once_set(config: Config, published: list[Any]) -> None:
    config.batch = 32
    with pytest.raises(ConfigError, match=r'Attempted to change value of key "lr" from 0.1 to 2'):
        config.lr = 2
    config.update({"lr": 2}, allow_val_change=True)
    config.setdefaults({"lr": 5, "epochs": 6})
    assert published == [{"batch": 32}, {"lr": 2}, {"epochs": 6}]


def test_it_is_made_from_what_programs_have(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text('{"lr": {"value": 0.1, "desc": null}, "_wandb": {}}')
    (tmp_path / "c.yaml").write_text("lr: 0.2\n")
    assert read_config(argparse.Namespace(lr=0.3)) == {"lr": 0.3}
    assert read_config(tmp_path / "c.json") == {"lr": 0.1}
    assert read_config(str(tmp_path / "c.yaml")) == {"lr": 0.2}
    with pytest.raises(UsageError, match="cannot be read"):
        read_config(tmp_path / "none.json")
    with pytest.raises(UsageError, match="config is a int"):
        read_config(3)


def test_a_summary_tracks_rows_and_publishes_what_is_set_by_hand() -> None:
    said: list[Any] = []
    summary = Summary(lambda values, gone: said.append((values, gone)))
    summary.track({"loss": 0.5})
    summary["best"] = 0.4
    summary.note = "x"
    del summary["loss"]
    assert dict(summary) == {"best": 0.4, "note": "x"}
    assert said == [({"best": 0.4}, ()), ({"note": "x"}, ()), ({}, ("loss",))]
