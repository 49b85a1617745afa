"""Whether a run lives: by its writers' last words, and by their silence."""

from __future__ import annotations

import asyncio

import pytest

from runcast.errors import StoreUnavailable
from runcast.events import Start
from runcast.streams import START
from runcast_ingest.batch import Batch
from runcast_ingest.states import CRASHED, FAILED, FINISHED, RUNNING, SILENCE_SECONDS, End, States, state_of


@pytest.mark.parametrize(
    ("ends", "state"),
    [
        ([(False, None)], RUNNING),
        ([(True, 0)], FINISHED),
        ([(True, 1)], FAILED),
        ([(True, None)], CRASHED),
        ([(True, 0), (False, None)], RUNNING),
        ([(True, 1), (True, 0)], FAILED),
        ([(True, 1), (True, None)], CRASHED),
    ],
)
def test_a_run_is_judged_by_the_worst_end_of_its_writers(ends: list[tuple[bool, int | None]], state: str) -> None:
    labelled = [End(*end, label=f"rank{rank}") for rank, end in enumerate(ends)]
    assert state_of(labelled) == state


@pytest.mark.parametrize(
    "died", [End(False, None, "rank1", 0, 9), End(True, None, "rank1", 0, 9), End(True, 143, "rank1", 0, 9)]
)
@pytest.mark.parametrize(("again", "state"), [((False, None), RUNNING), ((True, 0), FINISHED), ((True, 1), FAILED)])
def test_a_rank_that_was_begun_again_counts_for_the_one_that_died(
    died: End, again: tuple[bool, int | None], state: str
) -> None:
    assert state_of([End(True, 0, "rank0", 0, 9), died, End(*again, label="rank1", began=10, spoke=20)]) == state


def test_two_writers_of_one_label_that_both_go_on_both_count() -> None:
    """As in a shared run whose processes have no labels: what one says after the other began shows that it lives."""
    second = End(True, 0, began=10, spoke=20)
    assert state_of([End(False, None, began=0, spoke=11), second]) == RUNNING
    assert state_of([End(True, 1, began=0, spoke=11), second]) == FAILED


def began(writer: str, label: str) -> Batch:
    return Batch("p/r", writer, 0, 1, 1, [Start(0, "r", {}, label=label)], START, 0, 0)


class Clock:
    """A clock that a test turns."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


async def _ignore(path: str, state: str) -> None: ...


def _states() -> tuple[States, Clock]:
    clock = Clock()
    return States(_ignore, clock=clock), clock


def test_a_run_whose_writers_all_fall_silent_has_crashed() -> None:
    states, clock = _states()
    states.heard("p/r", "a")
    states.committed("p/r", RUNNING)
    states.heard("p/r", "b")
    clock.now += SILENCE_SECONDS - 1
    states.heard("p/r", "b")
    clock.now += 2
    assert states.due() == []
    clock.now += SILENCE_SECONDS
    assert states.due() == [("p/r", CRASHED)]


def test_a_run_that_is_heard_again_runs_again() -> None:
    states, clock = _states()
    states.begin("p/r", {"a": ""})
    clock.now += SILENCE_SECONDS + 1
    assert states.due() == [("p/r", CRASHED)]
    states.committed("p/r", CRASHED)
    states.heard("p/r", "a")
    assert states.due() == [("p/r", RUNNING)]


@pytest.mark.parametrize("restarted", [False, True])
def test_the_silence_of_a_rank_that_was_begun_again_says_nothing(restarted: bool) -> None:
    """Nor does it between the last word of the others and the commit that says how the run ended."""
    states, clock = _states()
    if restarted:
        states.begin("p/r", {"a": "rank0", "b": "rank1"})
    else:
        states.saw(began("a", "rank0"))
        states.saw(began("b", "rank1"))
    states.committed("p/r", RUNNING)
    states.saw(began("c", "rank1"))
    clock.now += SILENCE_SECONDS + 1
    states.ended("p/r", "a")
    states.ended("p/r", "c")
    assert states.due() == []


@pytest.mark.parametrize("restarted", [False, True])
def test_who_writes_on_to_a_run_that_was_set_aside_keeps_that_one_alive(restarted: bool) -> None:
    states, clock = _states()
    if restarted:
        states.begin("p/r~1", {"a": ""})
        states.begin("p/r", {"b": ""})
    else:
        states.saw(began("a", ""))
        states.saw(began("b", ""))
        states.replaced("p/r", "p/r~1", ["a"])
        states.committed("p/r", RUNNING)
    clock.now += SILENCE_SECONDS + 1
    states.heard("p/r", "a")
    assert states.due() == [("p/r", CRASHED)]
    states.committed("p/r", CRASHED)
    assert (states.alive("p/r~1"), states.alive("p/r")) == ({"a"}, set())
    clock.now += SILENCE_SECONDS + 1
    assert states.due() == [("p/r~1", CRASHED)]


def test_after_a_start_of_the_service_every_writer_has_its_time() -> None:
    states, clock = _states()
    states.begin("p/r", {"a": ""})
    clock.now += SILENCE_SECONDS
    assert states.due() == []
    clock.now += 1
    assert states.due() == [("p/r", CRASHED)]


def test_nobody_crashes_while_redis_is_away() -> None:
    states, clock = _states()
    states.begin("p/r", {"a": ""})
    states.deaf(True)
    clock.now += 1000
    assert states.due() == []
    states.deaf(False)
    clock.now += SILENCE_SECONDS
    assert states.due() == []


def test_the_silence_of_a_writer_that_ended_says_nothing() -> None:
    states, clock = _states()
    states.heard("p/r", "a")
    states.ended("p/r", "a")
    clock.now += 1000
    assert states.due() == []


def test_runs_that_ended_or_fell_silent_are_remembered_no_more() -> None:
    """A beat that arrives behind the last word, or after years, leaves nothing behind either."""
    states, clock = _states()
    for number in range(100):
        states.heard(f"p/finished{number}", "a")
        states.ended(f"p/finished{number}", "a")
        states.committed(f"p/finished{number}", FINISHED)
        states.heard(f"p/finished{number}", "a")
        states.heard(f"p/crashed{number}", "a")
    for _ in range(3):
        for change in states.due():
            states.committed(*change)
        clock.now += SILENCE_SECONDS + 1
    assert len(states) == 0


async def test_a_state_that_cannot_be_stored_is_declared_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk delays the word that a run crashed; it ends nobody."""
    monkeypatch.setattr("runcast_ingest.states.CHECK_SECONDS", 0.001)
    clock = Clock()
    tried: list[str] = []

    async def change(path: str, state: str) -> None:
        tried.append(state)
        if len(tried) < 3:
            raise StoreUnavailable("the disk is full")

    states = States(change, clock=clock)
    states.begin("p/r", {"a": ""})
    clock.now += SILENCE_SECONDS + 1
    watch = asyncio.create_task(states.run())
    async with asyncio.timeout(5):
        while len(states):  # noqa: ASYNC110  # A fact of States, which tells nobody.
            await asyncio.sleep(0.001)
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)
    assert tried == [CRASHED] * 3
