"""Whatever fails, in whatever order: nothing lost, nothing twice; and each rule of the design is needed for it.

RUNCAST_SEEDS says how many seeds the design is put through; a seed that fails is printed, and fails again alone:
`python -c "from tests.unit.simulator import Simulation; Simulation(SEED).run()"`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.unit.simulator import MUTANTS, Mutant, Simulation, Violation
from tests.unit.simulator_store import LedgerStore

SEEDS = int(os.environ.get("RUNCAST_SEEDS", "600"))


def test_the_design_loses_and_doubles_nothing() -> None:
    failed: dict[int, str] = {}
    for seed in range(SEEDS):
        try:
            Simulation(seed).run()
        except Violation as violation:
            failed[seed] = str(violation)
    assert not failed


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.rule.replace(" ", "_"))
def test_without_this_rule_something_breaks(mutant: Mutant) -> None:
    with mutant.patch():
        for seed in range(mutant.seeds_max):
            try:
                mutant.simulation(seed).run()
            except Violation:
                return
    pytest.fail(f"{mutant.seeds_max} seeds did not miss the rule: {mutant.rule}")


@pytest.mark.parametrize("seed", range(8))
def test_the_real_ledger_keeps_the_promise_too(seed: int, tmp_path: Path) -> None:
    store = LedgerStore(tmp_path / "runcast.db")
    try:
        Simulation(seed, store).run()
        assert store.problems() == []
    finally:
        store.close()


def test_the_same_seed_is_the_same_story() -> None:
    assert Simulation(5).run() == Simulation(5).run()
