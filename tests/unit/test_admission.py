"""What of a stream may be stored: in order, once, and never across a hole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runcast_ingest.admission import Admission, Shard, Verdict, admit, is_jammed, was_reset


def test_what_continues_the_mark_is_taken() -> None:
    assert admit(mark=10, first=11, count=5) == Admission(Verdict.TAKE)


def test_what_overlaps_the_mark_is_taken_without_its_beginning() -> None:
    assert admit(mark=10, first=8, count=5) == Admission(Verdict.TAKE, skip=3)


def test_what_lies_below_the_mark_is_a_duplicate() -> None:
    assert admit(mark=10, first=6, count=5).verdict is Verdict.DUPLICATE


def test_what_lies_above_a_hole_waits() -> None:
    assert admit(mark=10, first=12, count=1).verdict is Verdict.GAP


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 8)), max_size=60))
def test_whatever_arrives_the_mark_moves_over_every_sequence_once(entries: list[tuple[int, int]]) -> None:
    """Entries in any order, repeated and with holes, never leave out a sequence and never take one twice."""
    shard = Shard(0, epoch=1, cursor=(0, 0))
    shard.learn({"w": 0})
    taken: list[int] = []
    for first, count in entries:
        admission = shard.admit("w", first, count)
        if admission.verdict is Verdict.TAKE:
            taken += range(first + admission.skip, first + count)
    assert taken == list(range(1, len(taken) + 1))


def test_a_mark_that_is_known_is_not_overwritten_by_an_older_one_from_the_store() -> None:
    shard = Shard(0, epoch=1, cursor=(0, 0))
    shard.learn({"w": 0})
    shard.admit("w", 1, 5)
    shard.learn({"w": 2})
    assert shard.admit("w", 1, 5).verdict is Verdict.DUPLICATE


def test_a_stream_that_begins_again_below_the_cursor_is_read_from_the_start() -> None:
    shard = Shard(0, epoch=1, cursor=(500, 3))
    assert not shard.check((500, 3))
    assert shard.check((500, 2))
    assert shard.cursor == (0, 0)


def test_a_stream_is_reset_only_when_its_last_id_is_below_the_cursor() -> None:
    assert was_reset((4, 9), (5, 0))
    assert not was_reset((5, 0), (5, 0))


def test_ids_an_hour_ahead_of_the_clock_jam_a_shard() -> None:
    assert is_jammed((10_000_000, 0), now_ms=1)
    assert not is_jammed((3_600_000, 0), now_ms=1)
