"""The table behind `import wandb` promises what Runcast has."""

from __future__ import annotations

import importlib
import importlib.util

import pytest

from runcast.shim.names import EVERYTHING, TABLE

SOURCES = sorted({source for sources in TABLE.values() for source in sources})


@pytest.mark.parametrize("source", SOURCES)
def test_every_module_that_answers_is_there(source: str) -> None:
    assert importlib.util.find_spec(source) is not None


@pytest.mark.parametrize("module", sorted(TABLE))
def test_every_name_is_there(module: str) -> None:
    missing = {
        name
        for source, names in TABLE[module].items()
        if names != EVERYTHING and not source.startswith("runcast.integration")
        for name in names.split()
        if not hasattr(importlib.import_module(source), name)
    }
    assert not missing


@pytest.mark.parametrize("module", sorted(TABLE))
def test_what_stands_below_another_has_it_in_the_table(module: str) -> None:
    parent = module.rpartition(".")[0]
    assert not parent or parent in TABLE
