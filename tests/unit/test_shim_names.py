"""The table behind `import wandb` promises what Runcast has, and says what it has not yet."""

from __future__ import annotations

import importlib
import importlib.util

import pytest

from runcast.shim.names import EVERYTHING, TABLE

# Names that libraries ask W&B's client for, and that Runcast does not offer yet.
NOT_YET = set(
    "AlertLevel Api Artifact Audio AuthenticationError BatchableMedia BoundingBoxes2D Classes CommError EvalTable "
    "Graph Histogram Html Image ImageMask JoinedTable Media Molecule Object3D PartitionedTable Plotly Settings Table "
    "UnsupportedError Video WBValue agent box3d controller restore setup sweep unwatch watch".split()
)
MODULES_NOT_YET = {"runcast.plot"}

SOURCES = sorted({source for sources in TABLE.values() for source in sources})


@pytest.mark.parametrize("source", SOURCES)
def test_every_module_that_answers_is_there(source: str) -> None:
    assert source in MODULES_NOT_YET or importlib.util.find_spec(source) is not None


@pytest.mark.parametrize("module", sorted(TABLE))
def test_every_name_is_there_or_known_to_be_missing(module: str) -> None:
    missing = {
        name
        for source, names in TABLE[module].items()
        if names != EVERYTHING
        for name in names.split()
        if not source.startswith("runcast.integration") and not hasattr(importlib.import_module(source), name)
    }
    assert missing <= NOT_YET


@pytest.mark.parametrize("module", sorted(TABLE))
def test_what_stands_below_another_has_it_in_the_table(module: str) -> None:
    parent = module.rpartition(".")[0]
    assert not parent or parent in TABLE
