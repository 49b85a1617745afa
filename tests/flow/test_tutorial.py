"""The tutorial's first program, as its readers have it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.flow.running import rows_of, up

PROGRAM = Path(__file__).parents[1] / "tutorial" / "1_basic_intro.py"


@pytest.mark.parametrize("line", ["import wandb", "import runcast as wandb"])
def test_the_basic_tutorial_runs_as_it_is(tmp_path: Path, line: str) -> None:
    """By `import wandb` under `runcast run`, and with the import line changed under Python alone."""
    program = tmp_path / "intro.py"
    # In the notebook the import stands in a cell of its own.
    program.write_text(f"{line}\n" + PROGRAM.read_text())
    with up(tmp_path / "rc") as service:
        words = [str(program)] if line == "import wandb" else [sys.executable, str(program)]
        done = service.runcast("run", *words)
        assert done.returncode == 0, done.stderr
        runs = list(service.api.runs("basic-intro"))
        assert len(runs) == 5
        for run in runs:
            assert f"Synced {run['name']}: {service.api.url}" in done.stderr
            record = service.api.run("basic-intro", str(run["id"]))
            assert record["state"] == "finished"
            assert record["config"] == {"learning_rate": 0.02, "architecture": "CNN", "dataset": "CIFAR-100"}
            rows = rows_of(service.api, "basic-intro", str(run["id"]))
            assert [row["_step"] for row in rows if {"acc", "loss"} <= row.keys()] == list(range(50))
