"""A live frame read back is what was written, and a message that is none is refused with a sentence."""

from __future__ import annotations

import math
import struct

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runcast import frames
from runcast.errors import MalformedEntry

U32 = st.integers(0, 2**32 - 1)
U64 = st.integers(0, 2**64 - 1)
FLOATS = st.floats(allow_nan=True)


@st.composite
def blocks(draw: st.DrawFn) -> tuple[int, int, int, int, list[float], list[float], list[int], list[list[float]]]:
    n, m = draw(st.integers(0, 5)), draw(st.integers(0, 4))
    column = st.lists(FLOATS, min_size=n, max_size=n)
    return (
        draw(U32), draw(U32), draw(U64), draw(U64), draw(column), draw(column),
        draw(st.lists(U32, min_size=m, max_size=m)), draw(st.lists(column, min_size=m, max_size=m)),
    )  # fmt: skip


def doubles(numbers: list[float]) -> bytes:
    return struct.pack(f"<{len(numbers)}d", *numbers)


def same(seen: memoryview[float], sent: list[float]) -> bool:
    return seen.tobytes() == doubles(sent)


@given(st.lists(blocks(), max_size=4), U32, U32, FLOATS, st.integers(0, 255), st.integers(0, 255))
def test_a_frame_read_back_is_what_was_written(
    sent: list[tuple[int, int, int, int, list[float], list[float], list[int], list[list[float]]]],
    seq: int, req: int, when: float, kind: int, flags: int,
) -> None:  # fmt: skip
    written = [
        frames.block(run, writer, first, last, doubles(steps), doubles(times), metrics, b"".join(map(doubles, values)))
        for run, writer, first, last, steps, times, metrics, values in sent
    ]
    data = frames.frame(kind, seq, written, newest_ms=when, sent_ms=when, req=req, flags=flags)
    read = frames.parse_frame(data)
    assert len(data) % 8 == 0
    assert (read.kind, read.flags, read.seq, read.req) == (kind, flags, seq, req)
    assert read.newest_ms == when or math.isnan(when)
    assert len(read.points) == len(sent)
    for points, (run, writer, first, last, steps, times, metrics, values) in zip(read.points, sent, strict=True):
        assert (points.run, points.writer, points.first, points.last) == (run, writer, first, last)
        assert points.metrics == metrics
        assert same(points.steps, steps)
        assert same(points.times_ms, times)
        assert all(same(seen, column) for seen, column in zip(points.values, values, strict=True))


def test_every_part_of_a_frame_is_aligned_for_typed_arrays() -> None:
    """An odd number of metrics is padded, so that the values after it start at a multiple of 8."""
    one = frames.block(1, 2, 3, 4, doubles([1.0]), doubles([2.0]), [7], doubles([5.0]))
    assert len(one) == 32 + 8 + 8 + 8 + 8
    assert struct.unpack_from("<I", one, 48) == (7,)
    assert struct.unpack_from("<d", one, 56) == (5.0,)


@given(st.binary(max_size=120))
def test_random_bytes_are_no_frame(data: bytes) -> None:
    for frame in (data, b"RC" + data):
        try:
            frames.parse_frame(frame)
        except MalformedEntry as error:
            assert str(error)  # noqa: PT017


@pytest.mark.parametrize("n", [2**32 - 1, 2])
@pytest.mark.parametrize("m", [2**32 - 1, 0, 2])
def test_a_frame_that_claims_more_than_it_has_is_refused_before_it_is_read(n: int, m: int) -> None:
    lie = struct.pack("<IIIIQQ", 0, 0, n, m, 1, 1)
    with pytest.raises(MalformedEntry, match="ends within"):
        frames.parse_frame(frames.frame(frames.DELTA, 1, [lie], newest_ms=0, sent_ms=0))


def test_a_frame_cut_anywhere_is_refused() -> None:
    whole = frames.frame(
        frames.DELTA, 1, [frames.block(1, 2, 3, 4, doubles([1.0]), doubles([2.0]), [7], doubles([5.0]))],
        newest_ms=0, sent_ms=0,
    )  # fmt: skip
    for end in range(len(whole)):
        with pytest.raises(MalformedEntry):
            frames.parse_frame(whole[:end])


REQUESTS = [
    frames.Subscribe("vision", runs=("a",), metrics=("loss*",), resume={"a": {"00" * 8: 17}}),
    frames.Window(("loss", "acc")),
    frames.View(3, 1.5, 2.5, x="time"),
    frames.Ack(9),
    frames.Ping(1.25),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: type(request).__name__)
def test_a_request_read_back_is_what_was_written(request_: frames.Request) -> None:
    assert frames.parse_request(frames.format_request(request_)) == request_


@pytest.mark.parametrize(
    "text",
    [
        "", "nothing", "[]", "{}", '{"op":"dance"}', '{"op":"sub"}', '{"op":"sub","project":7}',
        '{"op":"ack","seq":"9"}', '{"op":"ack","seq":1e999}', '{"op":"view","req":1,"lo":"a","hi":2}', "[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_request_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(MalformedEntry, match="not a message of the live protocol"):
        frames.parse_request(text)


@given(st.binary(max_size=60) | st.text(max_size=60))
def test_random_text_is_a_request_or_refused(text: bytes | str) -> None:
    try:
        frames.parse_request(text)
    except MalformedEntry:
        return


def test_what_a_newer_client_adds_is_left_out() -> None:
    newer = msgspec.json.encode({"op": "ack", "seq": 1, "tomorrow": True})
    assert frames.parse_request(newer) == frames.Ack(1)
