"""What passes on the live websocket: binary frames for points, JSON text for control.

One layout, little-endian, every part 8-byte aligned, so that a browser reads it with typed-array views:

    frame   32 B  u16 magic | u8 kind | u8 flags | u32 seq | u32 blocks | u32 req | f64 newest_ms | f64 sent_ms
    block   32 B  u32 run | u32 writer | u32 n | u32 m | u64 first | u64 last
            then  f64 step[n] | f64 t_ms[n] | u32 metric[m] (padded to 8) | f64 value[m][n]

`run`, `writer` and `metric` are numbers that `welcome`, `run`, `writer` and `metric` messages gave out on this
connection. Every cell was logged: a NaN is a NaN that the training computed. `first` … `last` are the
sequences that the block covers; `last` is the mark that a client names to resume. Times are ms since 1970.

The message table is in docs/live-protocol.md.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from runcast.errors import MalformedEntry

PROTOCOL = 1
MAGIC = 0x4352
SNAPSHOT, DELTA, VIEW = 1, 2, 3  # Replaces what the client holds; continues it; answers a `view`.
ENVELOPE = 1  # Flag: real points, but not all: first, min, max and last of each pixel column.

# Close codes of our own; the reason says the rest.
CLOSE_BAD_MESSAGE = 4400
CLOSE_UNAUTHORISED = 4401
CLOSE_FORBIDDEN = 4403
CLOSE_UNKNOWN = 4404

_HEADER = struct.Struct("<HBBIIIdd")
_BLOCK = struct.Struct("<IIIIQQ")


class Points(Struct, frozen=True):
    """One block of a frame: `m` metrics × `n` rows of one writer. Columns are float64 views of the frame."""

    run: int
    writer: int
    first: int
    last: int
    steps: memoryview[float]
    times_ms: memoryview[float]
    metrics: list[int]
    values: list[memoryview[float]]  # One column of n for each metric.


class Frame(Struct, frozen=True):
    """A binary message, read."""

    kind: int
    flags: int
    seq: int
    req: int
    newest_ms: float
    sent_ms: float
    points: list[Points]


class Subscribe(Struct, frozen=True, tag_field="op", tag="sub"):
    """Ask for a project live: the first message. None means all; names may end in `*`.

    `resume` says, by run id and writer id, up to which sequence the client has everything of `metrics`;
    `px` is how many pixels wide a chart is, and so how many points a snapshot may be worth.
    """

    project: str
    runs: tuple[str, ...] | None = None
    metrics: tuple[str, ...] | None = None
    px: int = 600
    token: str = ""
    resume: dict[str, dict[str, int]] = {}
    history: bool = True  # False: only what comes from now on.
    exact: bool = False  # True: every point, however many, never an envelope. What a program wants.


class Window(Struct, frozen=True, tag_field="op", tag="window"):
    """Say which metrics are in view; what is new among them comes as a snapshot."""

    metrics: tuple[str, ...]
    px: int = 600


class View(Struct, frozen=True, tag_field="op", tag="view"):
    """Ask for a stretch of the x axis at full resolution, as one VIEW frame with the same `req`.

    `x` is `step`, or `time` in ms since 1970.
    """

    req: int
    lo: float
    hi: float
    x: str = "step"
    px: int = 600
    metrics: tuple[str, ...] | None = None


class Ack(Struct, frozen=True, tag_field="op", tag="ack"):
    """Say that the frame `seq` is decoded: room for another."""

    seq: int


class Ping(Struct, frozen=True, tag_field="op", tag="ping"):
    """Ask for the server's clock."""

    t: float


Request = Subscribe | Window | View | Ack | Ping
_requests: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)


def parse_request(text: str | bytes) -> Request:
    """Read a client's message; raises MalformedEntry with a sentence for the close reason."""
    try:
        return _requests.decode(text)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise MalformedEntry(f"not a message of the live protocol: {error}") from error


def format_request(request: Request) -> str:
    """Write a client's message."""
    return msgspec.json.encode(request).decode()


def block(
    run: int, writer: int, first: int, last: int, steps: Any, times_ms: Any, metrics: Sequence[int], values: Any
) -> bytes:
    """Write one block; `steps`, `times_ms` and `values` are contiguous float64 buffers of n, n and m × n."""
    n, m = memoryview(steps).nbytes // 8, len(metrics)
    numbers = struct.pack(f"<{m + (m & 1)}I", *metrics, *(0,) * (m & 1))
    return b"".join([_BLOCK.pack(run, writer, n, m, first, last), steps, times_ms, numbers, values])


def frame(
    kind: int, seq: int, blocks: Sequence[bytes], *, newest_ms: float, sent_ms: float, req: int = 0, flags: int = 0
) -> bytes:
    """Write one binary message."""
    return b"".join([_HEADER.pack(MAGIC, kind, flags, seq, len(blocks), req, newest_ms, sent_ms), *blocks])


def parse_frame(data: bytes) -> Frame:
    """Read a binary message; raises MalformedEntry when it is not what it says."""
    if len(data) < _HEADER.size:
        raise MalformedEntry(f"a frame of {len(data)} bytes has no header")
    magic, kind, flags, seq, blocks, req, newest_ms, sent_ms = _HEADER.unpack_from(data)
    if magic != MAGIC:
        raise MalformedEntry(f"a frame starts with {magic:#06x}, not {MAGIC:#06x}")
    return Frame(kind, flags, seq, req, newest_ms, sent_ms, list(_read_blocks(memoryview(data), blocks)))


def _read_blocks(data: memoryview, blocks: int) -> Iterator[Points]:
    at = _HEADER.size
    for _ in range(blocks):
        if len(data) < at + _BLOCK.size:
            raise MalformedEntry("a frame ends within a block's header")
        run, writer, n, m, first, last = _BLOCK.unpack_from(data, at)
        at += _BLOCK.size
        size = 16 * n + 4 * (m + (m & 1)) + 8 * n * m
        if len(data) < at + size:
            raise MalformedEntry(f"a frame ends within a block of {m} × {n} points")
        steps = data[at : at + 8 * n].cast("d")
        times_ms = data[at + 8 * n : at + 16 * n].cast("d")
        at += 16 * n
        metrics = list(struct.unpack_from(f"<{m}I", data, at))
        at += 4 * (m + (m & 1))
        values = [data[at + 8 * n * k : at + 8 * n * (k + 1)].cast("d") for k in range(m)]
        at += 8 * n * m
        yield Points(run, writer, first, last, steps, times_ms, metrics, values)
