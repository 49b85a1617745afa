"""Our client against what the official one was recorded to do: in strict mode, and as it is by default."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.flow.running import Running, up
from tests.golden.compare import OFFICIAL, played, same
from tests.golden.programs import PROCESSES, PROGRAMS, TENSORS

# Where ours is better than what was recorded, and how. Everything else must be the same.
BETTER: dict[str, str] = {
    "a number, then a dict of the same name": "both are kept: they are two metrics",
    "a value, then none": "the summary keeps the last value that was one",
    "a large array with nan": "a histogram of the finite ones; there, `log` raises in the training",
    "summary set to nan": "NaN stays NaN; there, it becomes null",
    "config of functions and classes": "NaN stays NaN; there, it becomes null",
    "summary missing": "`in` says no; there, it raises KeyError: 0",
    "summary of what is not committed": "what was logged is in the summary at once",
    "summary that finish sees": "what was set by hand last stays; there, an open row undoes it",
    "define with spaces and capitals": "'Min, MAX' means what it says; there, it is refused",
    "all metrics": "a text has no least number; there, it is 0",
    "two globs": "the longer glob counts; there, any, as its map happens to be walked",
    "aggregates of truth": "true counts as 1; there, it counts as nothing and the mean is NaN",
    "aggregates and none": "the last value is the last that was one; there, null",
    "aggregates of what one step has twice": "every value that was logged counts; there, the last of a step",
    "config of numpy": "a number stays a number; there, it becomes text",
    "config walked": "only what the user set is there; there, `_wandb` too",
}
# By default also, and not with strict steps: a row whose step went back is kept.
KEPT = {
    "explicit, then back",
    "explicit and committed, then the same step",
    "back below implicit ones",
    "back to a step that is complete",
    "an implicit row behind what went back",
    "a negative step",
    "steps of two loops",
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with up(tmp_path_factory.mktemp("golden")) as running:
        yield running


@pytest.fixture(scope="module")
def strict(service: Running) -> dict[str, Any]:
    return played(service, PROGRAMS, PROCESSES, RUNCAST_STRICT_STEPS="1")


@pytest.fixture(scope="module")
def lenient(service: Running, strict: dict[str, Any]) -> dict[str, Any]:
    del strict  # First, for its runs have the same names.
    return played(service, PROGRAMS, PROCESSES)


@pytest.mark.parametrize("name", [*PROGRAMS, *PROCESSES])
def test_in_strict_mode_only_what_is_named_is_better(strict: dict[str, Any], name: str) -> None:
    # Else it does not belong in the list.
    assert (same(strict[name]) == same(OFFICIAL[name])) == (name not in BETTER)


@pytest.mark.parametrize("name", [*PROGRAMS, *PROCESSES])
def test_by_default_rows_that_go_back_are_kept_too(lenient: dict[str, Any], name: str) -> None:
    found, official = same(lenient[name]), same(OFFICIAL[name])
    assert (found == official) == (name not in KEPT | set(BETTER))
    if name in KEPT:
        kept = {row["_step"]: row for row in found["rows"]}
        assert all(row.keys() <= kept[row["_step"]].keys() for row in official["rows"])
        assert sum(map(len, found["rows"])) >= sum(map(len, official["rows"]))


def test_every_program_was_recorded() -> None:
    assert set(OFFICIAL) == {*PROGRAMS, *TENSORS, *PROCESSES}
