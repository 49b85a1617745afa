"""What trainers hold that is not stored, as their heartbeats say."""

from __future__ import annotations

from runcast.wire import Waiting
from runcast_ingest import backlogs
from runcast_ingest.backlogs import FRESH_SECONDS, Backlogs


def test_reports_count_until_their_writer_caught_up_or_is_gone() -> None:
    now = 0.0
    kept = Backlogs(clock=lambda: now)
    kept.take("p/a", "a" * 16, Waiting(10, 1000, 6))
    kept.take("p/b", "b" * 16, Waiting(1, 9000, 60))
    kept.take("p/c", "c" * 16, Waiting(1, 1, 60))
    kept.take("p/c", "c" * 16, None)
    assert [(each.path, each.bytes) for each in kept.now()] == [("p/b", 9000), ("p/a", 1000)]
    now = FRESH_SECONDS - 1
    kept.take("p/a", "a" * 16, Waiting(10, 500, 20))
    now = FRESH_SECONDS + 1
    assert [(each.path, each.bytes) for each in kept.now()] == [("p/a", 500)]


def test_no_more_are_remembered_than_there_is_room_for() -> None:
    kept = Backlogs(clock=lambda: 0.0)
    for at in range(backlogs.WRITERS_MAX + 5):
        kept.take("p/r", f"{at:016x}", Waiting(1, at, 9))
    assert len(kept.now()) == backlogs.WRITERS_MAX
    assert kept.now()[-1].bytes == 5
