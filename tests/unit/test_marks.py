"""What writers are told: each mark until it is told, and nobody is remembered for ever."""

from __future__ import annotations

from runcast_ingest.marks import Marks


def _marks() -> Marks:
    marks = Marks()
    marks.lease(3)
    return marks


def test_a_mark_that_rose_while_it_was_told_is_told_again() -> None:
    marks = _marks()
    marks.learn(3, "a", 1)
    said = marks.untold()
    marks.learn(3, "a", 2)
    marks.told(said)
    assert marks.untold() == {3: {"a": 2}}
    marks.told(marks.untold())
    assert marks.untold() == {3: {}}


def test_a_writer_that_asks_again_is_told_again() -> None:
    marks = _marks()
    marks.learn(3, "a", 5)
    marks.told(marks.untold())
    marks.repeat(3, "a")
    assert marks.untold() == {3: {"a": 5}}


def test_a_mark_never_falls() -> None:
    marks = _marks()
    marks.learn(3, "a", 5)
    marks.learn(3, "a", 4)
    assert marks.of(3) == {"a": 5}


def test_only_who_is_quiet_and_knows_everything_is_forgotten() -> None:
    marks = _marks()
    for writer in ("quiet", "busy", "untold", "heard"):
        marks.learn(3, writer, 1)
    marks.told(marks.untold())
    marks.sweep(())
    assert len(marks) == 4, "all were heard of since the sweep before"
    marks.repeat(3, "heard")
    marks.told(marks.untold())
    marks.repeat_all(3)
    marks.told({3: {"quiet": 1, "busy": 1, "heard": 1}})
    marks.sweep({"busy"})
    assert marks.of(3).keys() == {"busy", "untold", "heard"}


def test_a_lease_that_ended_leaves_nothing() -> None:
    marks = _marks()
    marks.learn(3, "a", 1)
    marks.drop(3)
    marks.learn(3, "a", 2)
    marks.repeat(3, "a")
    marks.told({3: {"a": 1}})
    assert (len(marks), marks.untold()) == (0, {})
