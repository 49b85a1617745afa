"""Whether a run lives: by its writers' last words, and by their silence."""

from __future__ import annotations

import pytest

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
    assert state_of(End(*end) for end in ends) == state


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
    states.heard("p/r", "b")
    clock.now += SILENCE_SECONDS - 1
    states.heard("p/r", "b")
    clock.now += 2
    assert states.due() == []
    clock.now += SILENCE_SECONDS
    assert states.due() == [("p/r", CRASHED)]


def test_a_run_that_is_heard_again_runs_again() -> None:
    states, clock = _states()
    states.begin("p/r", CRASHED, ["a"])
    clock.now += SILENCE_SECONDS + 1
    assert states.due() == []
    states.heard("p/r", "a")
    assert states.due() == [("p/r", RUNNING)]


def test_after_a_start_of_the_service_every_writer_has_its_time() -> None:
    states, clock = _states()
    states.begin("p/r", RUNNING, ["a"])
    clock.now += SILENCE_SECONDS
    assert states.due() == []
    clock.now += 1
    assert states.due() == [("p/r", CRASHED)]


def test_nobody_crashes_while_redis_is_away() -> None:
    states, clock = _states()
    states.heard("p/r", "a")
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
