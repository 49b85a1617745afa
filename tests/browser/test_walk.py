"""The walk of docs/walk.md, with fewer trainings that take two seconds, and all that is seen on it checked."""

from __future__ import annotations

import secrets
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
from playwright.sync_api import Browser
from tests.browser.stage import Stage
from tests.browser.walk import walk

from runcast.cli.training import CLASSES, PIXELS
from runcast.cli.trials import TRIALS

ROWS, ROWS_PER_SECOND = 200, 100.0
NAMES = ("base", "fast", "diverges")


def test_somebody_new_finds_what_went_wrong_and_shows_it_to_somebody_else(
    stage: Stage, browser: Browser, tmp_path: Path
) -> None:
    """Open, find, zoom, scrub, share; in a second browser the link gives the same picture, pixel by pixel."""
    digits = _digits(tmp_path / "digits.npz")
    project = f"walk-{secrets.token_hex(3)}"  # Of a first try that failed nothing is to be seen at the second.
    for trial in (trial for trial in TRIALS if trial.name in NAMES):
        given = msgspec.structs.replace(
            trial, project=project, data=digits, rows=ROWS, rows_per_second=ROWS_PER_SECOND, updates_per_row=2
        )
        command = [sys.executable, "-m", "runcast.cli.training", msgspec.json.encode(given).decode()]
        stage.processes.append(
            subprocess.Popen(command, env=stage.environment | {"OPENBLAS_NUM_THREADS": "1"}, stdout=subprocess.DEVNULL)
        )
    steps: list[str] = []
    walk(browser, f"{stage.url}/?project={project}", lambda name, _page: steps.append(name))
    assert steps == sorted(steps)
    assert len(steps) == 7


def _digits(path: Path) -> str:
    """Draw what can be told apart as digits can: the real ones cost seconds to load."""
    draw = np.random.default_rng(1)
    labels = draw.integers(0, CLASSES, 1000)
    centres = draw.random((CLASSES, PIXELS))
    np.savez(path, images=(centres[labels] + 0.3 * draw.random((1000, PIXELS))).astype(np.float32), labels=labels)
    return str(path)
