"""Write the golden files of the current format version: `python -m tests.unit.golden.write`.

Run once when a version is released, then never again for it: a file that would change means that
readers of what is already stored break. So an existing file is never overwritten.
"""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path

import msgspec

from runcast import frames, journal, wire
from runcast.blocks import Block, Item
from runcast.events import (
    Alert,
    Artifact,
    Config,
    Console,
    Describe,
    File,
    Finish,
    Lost,
    Metric,
    Rename,
    Start,
    Summary,
    Use,
)
from runcast.journal import Header, Journal
from runcast.reader import segments

HERE = Path(__file__).parent
PATH, WRITER = "vision/Ünïcödé/a1b2c3d4", "00112233445566ff"
DAY = 1_764_000_000_000_000_000

ITEMS: list[Item] = [
    Start(
        DAY, "bright-river-12", {"lr": 0.02, "layers": [64, 64], "deep": {"er": None}, "big": 2**63 - 1},
        "rank0", "node-1", 4242, "train.py", "3.11.7", "a note", "group", "train", ("a", "b"),
    ),
    Block(
        3, ("loss", "acc", "epoch"), "ffi",
        struct.pack("<3q", 0, 1, 2), struct.pack("<3q", DAY, DAY + 1, DAY + 2),
        struct.pack("<9d", 0.5, float("nan"), float("inf"), -0.0, 5e-324, 1.7976931348623157e308, 0, 1, 2),
    ),
    Config(DAY + 3, {"lr": 0.01}),
    Block(
        2, ("ok",), "b", struct.pack("<2q", 3, -1), struct.pack("<2q", DAY + 4, DAY + 5), struct.pack("<2d", 1.0, 0.0),
        (None, {"text": "naïve", "list": [1, 2.5, None, True], "dict": {"_type": "histogram", "values": [1, 2]}}),
    ),
    Block(1, (), "", struct.pack("<q", 5), struct.pack("<q", DAY + 6), b""),
    Summary(DAY + 7, {"best": 0.9}, ("old",)),
    Lost(DAY + 8, 17, "the disk of the journal was full"),
    Rename(DAY + 9, "calm-lake-3"),
    Metric(DAY + 9, "val/*", "epoch", True, False, ("min", "last"), "minimize"),
    Describe(DAY + 9, {"notes": "naïve", "git": {"commit": "1f0c", "dirty": True}}),
    Console(DAY + 9, 7, ("epoch 1", "\x1b[31m50 %"), True),
    Alert(DAY + 9, "loss is NaN", "at step 3", "ERROR", 3),
    File(DAY + 9, "media/images/sample_3.png", "0123456789abcdef" * 4, 1234),
    Artifact(DAY + 9, "weights", "model", "fedcba9876543210" * 4, 2**40, 3, "best", {"loss": 0.1}, ("best",)),
    Use(DAY + 9, "digits", "fedcba9876543210" * 4),
    Finish(DAY + 10, None),
    Finish(DAY + 11, 143),
]  # fmt: skip


def as_list(fields: dict[str, str | int | bytes]) -> list[bytes]:
    """Lay an entry's fields out as Redis keeps them: name, value, name, value."""
    return [
        part
        for name, value in fields.items()
        for part in (name.encode(), value if isinstance(value, bytes) else str(value).encode())
    ]


def live_frame() -> bytes:
    """Make a frame with two blocks, one with an odd number of metrics."""
    one = frames.block(1, 2, 10, 12, struct.pack("<2d", 1, 2), struct.pack("<2d", 3, 4), [7], struct.pack("<2d", 5, 6))
    two = frames.block(
        3, 4, 1, 1, struct.pack("<d", 9), struct.pack("<d", 8), [1, 2], struct.pack("<2d", float("nan"), 1e300)
    )
    return frames.frame(
        frames.SNAPSHOT, 77, [one, two], newest_ms=1.5, sent_ms=2.5, req=5, flags=frames.ENVELOPE
    )  # fmt: skip


JOURNAL: list[Item] = [
    ITEMS[0], ITEMS[1], ITEMS[2], ITEMS[4],
    Block(
        1, ("ok",), "b",
        struct.pack("<q", -1), struct.pack("<q", DAY + 5), struct.pack("<d", 1.0), ({"text": "naïve"},),
    ),
    *ITEMS[5:],
]  # fmt: skip
HEADER = Header(journal.VERSION, PATH, WRITER, 7, 0, 1, DAY, "rank0", "node-1", 4242)


def journal_segment() -> bytes:
    """Make a segment with every kind of record: a header, shapes, rows of numbers, events, a row with text."""
    with tempfile.TemporaryDirectory() as folder:
        written = Journal(Path(folder) / "w", HEADER)
        for item in JOURNAL:
            if isinstance(item, Block) and item.extras is None:
                shape = written.shape(item.names, item.kinds)
                steps, times = memoryview(item.steps).cast("q"), memoryview(item.times).cast("q")
                values = memoryview(item.values).cast("d")
                for row in range(item.rows):
                    written.row(shape, steps[row], times[row], values[row :: item.rows])
            else:
                written.event(item)
        written.close()
        return segments(written.directory)[0][1].read_bytes()


def files() -> dict[str, bytes]:
    """Make the files of the current version, by name."""
    encode = msgspec.msgpack.encode
    version = wire.VERSION
    return {
        f"entry-v{version}.bin": encode(as_list(wire.encode(PATH, WRITER, 41, ITEMS))),
        f"entry-v{version}-zlib.bin": encode(as_list(wire.encode(PATH, WRITER, 41, ITEMS * 4, compress=True))),
        f"beat-v{version}.bin": encode(as_list(wire.encode(PATH, WRITER, 52, []))),
        f"beat-v{version}-waiting.bin": encode(
            as_list(wire.encode_beat(PATH, WRITER, 52, wire.Waiting(11, 2**33, 75)))
        ),
        f"frame-v{frames.PROTOCOL}.bin": live_frame(),
        f"journal-v{journal.VERSION}.bin": journal_segment(),
    }


def main() -> None:
    """Write what is not there yet."""
    for name, data in files().items():
        if not (HERE / name).exists():
            (HERE / name).write_bytes(data)


if __name__ == "__main__":
    main()
