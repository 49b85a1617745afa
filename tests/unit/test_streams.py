"""Stream names and ids, which every trainer and every service must agree on for ever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runcast import streams
from runcast.streams import format_id, parse_id, shard_of


def test_both_keys_of_a_shard_live_on_one_node_of_a_cluster() -> None:
    assert streams.stream_key(3) == "{rc:3}:ev"
    assert streams.ack_key(3) == "{rc:3}:ack"


def test_the_shard_of_a_run_never_changes() -> None:
    assert [shard_of(path) for path in ("demo/a", "demo/b", "vision/x1y2z3w4", "Проект/run")] == [2, 8, 5, 0]


@given(st.text())
def test_every_path_has_a_shard(path: str) -> None:
    try:
        assert 0 <= shard_of(path) < streams.SHARDS
    except UnicodeEncodeError:
        assert not path.isprintable()


@given(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)))
def test_an_id_read_back_is_what_was_written(entry: streams.StreamId) -> None:
    assert parse_id(format_id(entry)) == entry
    assert parse_id(format_id(entry).encode()) == entry


def test_ids_are_ordered_as_redis_orders_them() -> None:
    assert parse_id("9-10") < parse_id("10-2") < parse_id("10-10")
    assert parse_id("5") == (5, 0)
