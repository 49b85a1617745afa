"""Our client against what the official one was recorded to do: in strict mode, and as it is by default."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.flow.running import Running, python, up
from tests.golden.programs import PROGRAMS
from tests.golden.read import flat

OFFICIAL: dict[str, Any] = json.loads((Path(__file__).parent / "official.json").read_text())["programs"]

PLAY = """
import json, sys
import runcast as wandb
from tests.golden.play import play
print(json.dumps(play(wandb)))
"""

# Where we are better than what was recorded, and how. Everything else must be the same.
BETTER: dict[str, str] = {
    "explicit, then back": "a row whose step went back is kept",
    "back below implicit ones": "a row whose step went back is kept",
    "back to a step that is complete": "a row whose step went back is kept",
    "a negative step": "a row whose step went back is kept",
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with up(tmp_path_factory.mktemp("golden")) as running:
        yield running


def played(service: Running, **environ: str) -> dict[str, Any]:
    """Play all programs; what they said, and what the API says of their runs."""
    quiet = {"RUNCAST_SILENT": "1", "RUNCAST_SYSTEM": "0", "RUNCAST_CONSOLE": "off", "RUNCAST_GIT": "0"}
    root = str(Path(__file__).parents[2])
    done = python(PLAY, RUNCAST_DIR=str(service.directory), PYTHONPATH=root, **quiet, **environ)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    runs = {run["name"]: run for run in service.api.runs("golden", sort="created")}  # The latest of a name.
    found = {}
    for name in PROGRAMS:
        rows = [dict(row) for row in service.api.history("golden", str(runs[name]["id"]))]
        for row in rows:
            del row["_timestamp"], row["_runtime"]
        found[name] = {
            "rows": rows,
            "summary": flat(dict(runs[name]["summary"])),
            "config": flat(dict(runs[name]["config"])),
            "out": told[name],
        }
    return found


@pytest.fixture(scope="module")
def strict(service: Running) -> dict[str, Any]:
    return played(service, RUNCAST_STRICT_STEPS="1")


@pytest.fixture(scope="module")
def lenient(service: Running, strict: dict[str, Any]) -> dict[str, Any]:
    del strict  # First, for its runs have the same names.
    return played(service)


def same(value: Any) -> Any:
    """Make NaN equal to itself, and a number the same however it is written."""
    if isinstance(value, dict):
        return {key: same(each) for key, each in value.items()}
    if isinstance(value, list):
        return [same(each) for each in value]
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
    return value


@pytest.mark.parametrize("name", PROGRAMS)
def test_in_strict_mode_all_is_as_recorded(strict: dict[str, Any], name: str) -> None:
    assert same(strict[name]) == same(OFFICIAL[name])


@pytest.mark.parametrize("name", PROGRAMS)
def test_by_default_only_what_is_named_is_better(lenient: dict[str, Any], name: str) -> None:
    found, official = same(lenient[name]), same(OFFICIAL[name])
    if name not in BETTER:
        assert found == official
        return
    assert found != official  # Else it does not belong there.
    kept = {row["_step"]: row for row in found["rows"]}
    assert all(row.items() <= kept[row["_step"]].items() or row["_step"] == 0 for row in official["rows"])


def test_every_program_was_recorded() -> None:
    assert set(OFFICIAL) == set(PROGRAMS)
