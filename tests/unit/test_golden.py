"""What any released version wrote is read for ever, to the last bit."""

from __future__ import annotations

import struct
from pathlib import Path

import msgspec
from tests.unit.golden import write

from runcast import frames, wire
from runcast.blocks import count
from runcast.reader import Reader, read_header

GOLDEN = Path(write.__file__).parent


def entry(name: str) -> wire.Entry:
    parts = msgspec.msgpack.decode((GOLDEN / name).read_bytes(), type=list[bytes])
    return wire.decode(dict(zip(parts[::2], parts[1::2], strict=True)))


def test_an_entry_of_version_1_reads_as_it_was_meant() -> None:
    read = entry("entry-v1.bin")
    assert (read.path, read.writer, read.first, read.last) == (write.PATH, write.WRITER, 41, 60)
    assert read.items == write.ITEMS


def test_a_compressed_entry_of_version_1_reads_as_it_was_meant() -> None:
    read = entry("entry-v1-zlib.bin")
    assert read.items == write.ITEMS * 4


def test_a_heartbeat_of_version_1_reads_as_it_was_meant() -> None:
    assert entry("beat-v1.bin") == wire.Entry(write.PATH, write.WRITER, 52, 0, [])


def test_a_heartbeat_of_version_1_may_say_what_waits() -> None:
    """One that says it reads as any other to who does not know these fields: they are looked up by name."""
    assert entry("beat-v1-waiting.bin") == wire.Entry(write.PATH, write.WRITER, 52, 0, [], wire.Waiting(11, 2**33, 75))


def test_a_frame_of_protocol_1_reads_as_it_was_meant() -> None:
    read = frames.parse_frame((GOLDEN / "frame-v1.bin").read_bytes())
    assert (read.kind, read.flags, read.seq, read.req) == (frames.SNAPSHOT, frames.ENVELOPE, 77, 5)
    assert (read.newest_ms, read.sent_ms) == (1.5, 2.5)
    one, two = read.points
    assert (one.run, one.writer, one.first, one.last, one.metrics) == (1, 2, 10, 12, [7])
    assert (list(one.steps), list(one.times_ms), list(one.values[0])) == ([1, 2], [3, 4], [5, 6])
    assert two.metrics == [1, 2]
    assert two.values[0].tobytes() == struct.pack("<d", float("nan"))
    assert list(two.values[1]) == [1e300]


def test_a_journal_of_version_1_reads_as_it_was_meant(tmp_path: Path) -> None:
    """Also one that an older release left behind on some machine."""
    (tmp_path / "000001.journal").write_bytes((GOLDEN / "journal-v1.bin").read_bytes())
    reader = Reader(tmp_path)
    first, items = reader.take()
    reader.close()
    assert (first, reader.next, reader.torn) == (1, count(write.JOURNAL) + 1, 0)
    assert wire.encode_items(items) == wire.encode_items(write.JOURNAL)  # As bytes: NaN is not equal to itself.
    header = read_header(tmp_path / "000001.journal")
    assert (header.path, header.writer, header.shard, header.label) == (write.PATH, write.WRITER, 7, "rank0")


def test_today_writes_what_the_golden_files_hold() -> None:
    """If this fails, the format changed: give it a new version, write its files, and keep the old ones."""
    for name, data in write.files().items():
        if "zlib" not in name:  # Another zlib may compress differently; what counts is that it is read.
            assert (GOLDEN / name).read_bytes() == data, name
