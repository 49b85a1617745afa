"""The hub holds what is not stored and what somebody has not taken, and lets go of the rest."""

from __future__ import annotations

from runcast.events import Rename
from runcast_ingest.batch import Batch, Stored
from runcast_ingest.hub import Hub

W = "a" * 16


def batch(first: int, last: int | None = None, *, path: str = "p/r", writer: str = W, size: int = 100) -> Batch:
    """Make a batch of events."""
    last = first if last is None else last
    return Batch(path, writer, 0, first, last, [Rename(0, "x")] * (last - first + 1), (1, 0), 0, size)


def stored(mark: int, *, path: str = "p/r") -> Stored:
    """Say what a commit stored."""
    return Stored(path, W, mark)


def firsts(batches: list[Batch] | None) -> list[int] | None:
    """Name batches by their first sequence."""
    return None if batches is None else [each.first for each in batches]


def test_what_is_stored_and_watched_by_nobody_is_let_go() -> None:
    hub = Hub()
    hub.publish(batch(1))
    hub.publish(batch(2))
    hub.stored(stored(1))
    assert firsts(hub.held("p")) == [2]
    hub.stored(stored(2))
    assert hub.held_bytes == 0


def test_what_is_not_stored_is_never_dropped() -> None:
    hub = Hub(rows_max=10, bytes_max=500)
    for first in range(1, 100):
        hub.publish(batch(first))
    assert len(hub.held("p")) == 99


def test_a_follower_takes_everything_once() -> None:
    hub = Hub()
    with hub.watch("p") as watch:
        hub.publish(batch(1))
        watch.follow("p/r")
        hub.publish(batch(2))
        hub.publish(batch(3))
        hub.stored(stored(3))
        assert firsts(watch.take("p/r")) == [2, 3]
        assert watch.take("p/r") == []
        hub.publish(batch(4))
        assert firsts(watch.take("p/r")) == [4]


def test_what_a_follower_has_not_taken_stays_although_it_is_stored() -> None:
    hub = Hub()
    with hub.watch("p") as slow, hub.watch("p") as fast:
        hub.publish(batch(1))
        slow.follow("p/r")
        fast.follow("p/r")
        hub.publish(batch(2))
        hub.stored(stored(2))
        assert firsts(fast.take("p/r")) == [2]
        assert firsts(slow.take("p/r")) == [2]
    assert hub.held_bytes == 0


def test_a_pin_holds_what_a_reader_of_the_store_may_have_missed() -> None:
    hub = Hub()
    hub.publish(batch(1))
    with hub.pin("p/r") as pin:
        hub.stored(stored(1))
        hub.publish(batch(2))
        assert firsts(pin.batches()) == [1, 2]
    assert firsts(hub.held("p")) == [2]


def test_a_follower_too_far_behind_is_told_that_the_store_has_it() -> None:
    hub = Hub(rows_max=10)
    with hub.watch("p") as watch:
        watch.follow("p/r")
        for first in range(1, 41, 5):
            hub.publish(batch(first, first + 4))
            hub.stored(stored(first + 4))
        assert watch.take("p/r") is None
        watch.leave("p/r")
    assert hub.held_bytes == 0


def test_all_runs_together_have_a_bound() -> None:
    hub = Hub(bytes_max=1000)
    with hub.watch("p") as watch:
        for run in range(50):
            path = f"p/r{run}"
            watch.follow(path)
            hub.publish(batch(1, path=path))
            hub.stored(stored(1, path=path))
        assert hub.held_bytes <= 1200
        assert watch.take("p/r0") is None


def test_what_another_service_stores_is_not_held_for_ever() -> None:
    hub = Hub()
    hub.publish(batch(1))
    hub.give_up(0)
    assert hub.held_bytes == 0


def test_a_watcher_is_woken_by_its_own_project_alone() -> None:
    hub = Hub()
    with hub.watch("p") as watch:
        hub.publish(batch(1, path="q/r"))
        assert not watch.woken.is_set()
        hub.publish(batch(1, path="p/r"))
        assert watch.news == {"p/r"}
        assert watch.woken.is_set()
    assert hub.watchers == 0


def test_a_project_with_a_slash_in_its_name_is_one_project() -> None:
    hub = Hub()
    with hub.watch("team/p") as watch:
        hub.publish(batch(1, path="team/p/r"))
        assert watch.news == {"team/p/r"}


def test_writers_of_one_run_are_stored_each_for_itself() -> None:
    hub = Hub()
    other = "b" * 16
    hub.publish(batch(1))
    hub.publish(batch(1, writer=other))
    hub.stored(Stored("p/r", other, 1))
    assert len(hub.held("p")) == 2  # In order: what is behind something unstored waits with it.
    hub.stored(stored(1))
    assert hub.held_bytes == 0
