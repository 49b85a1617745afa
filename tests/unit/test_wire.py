"""A stream entry read back is what was written; whatever else arrives is refused in one way, and cheaply."""

from __future__ import annotations

import resource
import struct
import subprocess
import sys
import zlib
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.unit.made import ITEMS, PATHS, WRITERS, as_redis

from runcast import wire
from runcast.blocks import Block, Item, count
from runcast.errors import MalformedEntry
from runcast.events import Config, Finish, Rename, Start
from runcast.wire import Poison

WRITER = "00112233445566ff"


def row(**changes: Any) -> Block:
    block = Block(rows=1, names=("loss",), kinds="f", steps=bytes(8), times=bytes(8), values=struct.pack("<d", 0.5))
    return msgspec.structs.replace(block, **changes)


def sealed(payload: bytes, *, n: int = 1, codec: int = wire.PLAIN, **other: bytes) -> dict[bytes, bytes]:
    """An entry whose envelope is right, whatever its payload."""
    fields: dict[str, str | int | bytes] = {
        "v": wire.VERSION, "r": "p/run", "w": WRITER, "a": 1, "n": n, "c": codec, "k": zlib.crc32(payload), "d": payload
    }  # fmt: skip
    return as_redis(fields) | {name.encode(): value for name, value in other.items()}


@given(path=PATHS, writer=WRITERS, first=st.integers(1, wire.SEQUENCE_MAX), items=ITEMS, compress=st.booleans())
def test_an_entry_read_back_is_what_was_written(
    path: str, writer: str, first: int, items: list[Item], compress: bool
) -> None:
    entry = wire.decode(as_redis(wire.encode(path, writer, first, items, compress=compress)))
    assert (entry.path, entry.writer, entry.first, entry.count) == (path, writer, first, count(items))
    assert entry.items == items
    assert entry.last == first + count(items) - 1


def test_a_long_payload_is_compressed_where_a_network_lies_between() -> None:
    items = [row(rows=500, steps=bytes(4000), times=bytes(4000), values=bytes(4000))]
    small = wire.encode("p/run", WRITER, 1, items, compress=True)
    assert small["c"] == wire.ZLIB
    assert len(bytes(small["d"])) < 200  # type: ignore[arg-type]
    assert wire.decode(as_redis(small)).items == items


def test_an_entry_without_events_is_a_heartbeat() -> None:
    entry = wire.decode(as_redis(wire.encode("p/run", WRITER, 7, [])))
    assert (entry.first, entry.count, entry.last) == (7, 0, 6)


def test_a_heartbeat_says_what_waits_and_nonsense_in_it_is_refused() -> None:
    beat = as_redis(wire.encode_beat("p/run", WRITER, 7, wire.Waiting(3, 4000, 60)))
    assert wire.decode(beat).waiting == wire.Waiting(3, 4000, 60)
    for name in (b"q", b"b", b"s"):
        with pytest.raises(MalformedEntry):
            wire.decode({**beat, name: b"-1"})


# What is refused.


@given(st.binary(max_size=200))
def test_random_bytes_as_payload_are_poison_or_a_list_of_events(payload: bytes) -> None:
    try:
        wire.decode(sealed(payload))
    except Poison as poison:
        assert (poison.path, poison.writer, poison.first, poison.count) == ("p/run", WRITER, 1, 1)  # noqa: PT017


@given(items=ITEMS, at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_flipped_bit_is_never_stored(items: list[Item], at: int, bit: int) -> None:
    fields = as_redis(wire.encode("p/run", WRITER, 1, items))
    payload = bytearray(fields[b"d"])
    payload[at % len(payload)] ^= 1 << bit
    with pytest.raises(MalformedEntry, match="crc"):
        wire.decode(fields | {b"d": bytes(payload)})


@given(items=ITEMS, at=st.integers(0, 10_000), value=st.integers(0, 255))
def test_a_payload_changed_with_its_crc_is_poison_or_whole(items: list[Item], at: int, value: int) -> None:
    """A crc protects from accidents, not from somebody who computes it again."""
    payload = bytearray(wire.encode_items(items))
    payload[at % len(payload)] = value
    try:
        entry = wire.decode(sealed(bytes(payload), n=count(items)))
    except Poison:
        return
    assert count(entry.items) == count(items)


@given(st.dictionaries(st.sampled_from([b"v", b"r", b"w", b"a", b"n", b"c", b"k", b"d"]), st.binary(max_size=40)))
@example({b"n": b"9" * 21})
@example({b"a": b"-1"})
@example({b"a": b"\xd9\xa1"})  # A digit, but not one of ours.
@example({b"r": b"a" * 2000 + b"/run"})
@example({b"r": b"\xff/run"})
@example({b"r": b"p/../etc"})
def test_fields_of_any_bytes_are_refused_in_one_way(fields: dict[bytes, bytes]) -> None:
    whole = as_redis(wire.encode("p/run", WRITER, 1, [row()]))
    for given_fields in (fields, whole | fields):
        try:
            wire.decode(given_fields)
        except MalformedEntry as error:
            assert str(error)  # noqa: PT017


@pytest.mark.parametrize("name", ["v", "r", "w", "a", "n", "c", "k", "d"])
def test_a_missing_field_is_named(name: str) -> None:
    fields = as_redis(wire.encode("p/run", WRITER, 1, [row()]))
    del fields[name.encode()]
    with pytest.raises(MalformedEntry, match=f"'{name}'"):
        wire.decode(fields)


def test_a_newer_format_says_what_to_do() -> None:
    with pytest.raises(MalformedEntry, match=r"version 2 .*upgrade the service"):
        wire.decode(as_redis(wire.encode("p/run", WRITER, 1, [row()])) | {b"v": b"2"})


@pytest.mark.parametrize("writer", ["", "ABCDEF0123456789", "0123", "0123456789abcdeg", "0123456789abcdef0"])
def test_a_writer_id_is_sixteen_hexadecimal_digits(writer: str) -> None:
    with pytest.raises(MalformedEntry):
        wire.decode(as_redis(wire.encode("p/run", writer, 1, [row()])))


@pytest.mark.parametrize("first", ["0", str(2**62 + 1)])
def test_a_sequence_out_of_range_is_refused(first: str) -> None:
    with pytest.raises(MalformedEntry):
        wire.decode(as_redis(wire.encode("p/run", WRITER, 1, [row()])) | {b"a": first.encode()})


@pytest.mark.parametrize("claimed", [0, 2, wire.ENTRY_BYTES_MAX])
def test_an_entry_that_lies_about_its_count_is_poison(claimed: int) -> None:
    with pytest.raises(Poison, match="claims"):
        wire.decode(sealed(wire.encode_items([row()]), n=claimed))


@pytest.mark.parametrize(
    "lie",
    [
        row(rows=0),
        row(rows=-1),
        row(rows=2**62),
        row(rows=2, steps=bytes(16)),
        row(steps=bytes(7)),
        row(values=b""),
        row(kinds=""),
        row(kinds="x"),
        row(names=("a", "a"), kinds="ff", values=bytes(16)),
        row(extras=(None, None)),
    ],
)
def test_a_block_whose_lengths_disagree_is_poison(lie: Block) -> None:
    with pytest.raises(Poison):
        wire.decode(sealed(wire.encode_items([lie]), n=max(0, min(lie.rows, wire.ENTRY_BYTES_MAX))))


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    deflate = zlib.compressobj(1)
    bomb = b"".join(deflate.compress(bytes(1 << 20)) for _ in range(256)) + deflate.flush()
    assert len(bomb) < wire.ENTRY_BYTES_MAX
    fields = sealed(bomb, codec=wire.ZLIB)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Poison, match="decompressed"):
        wire.decode(fields)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024


@pytest.mark.parametrize("payload", [b"", b"not zlib", zlib.compress(b"\x90")[:-1]])
def test_what_does_not_decompress_is_poison(payload: bytes) -> None:
    with pytest.raises(Poison):
        wire.decode(sealed(payload, n=0, codec=wire.ZLIB))


def test_an_unknown_codec_is_poison() -> None:
    with pytest.raises(Poison, match="codec 9"):
        wire.decode(sealed(b"\x90", n=0, codec=9))


def test_a_payload_over_the_limit_is_poison_unread() -> None:
    with pytest.raises(Poison, match="more than"):
        wire.decode(sealed(bytes(wire.ENTRY_BYTES_MAX + 1)))


@pytest.mark.parametrize("opener", [b"\x91", b"\x81\xa1a"])
def test_a_payload_nested_a_million_deep_is_poison(opener: bytes) -> None:
    deep = b"\x91\x93\x02\x00" + b"\x81\xa1a" + opener * 1_000_000 + b"\xc0"
    with pytest.raises(Poison):
        wire.decode(sealed(deep))


@pytest.mark.parametrize(
    "inner",
    [
        msgspec.msgpack.encode(msgspec.msgpack.Ext(5, b"x")),
        msgspec.msgpack.encode(b"bytes"),
        b"\xd6\xff\x00\x00\x00\x00",  # A timestamp.
        b"\x81\x01\x01",  # A dict with a number for a key.
        b"\x81\xc0\x01",
    ],
)
def test_values_that_json_does_not_know_are_poison(inner: bytes) -> None:
    """Stored, they would break every page and every export that shows them."""
    config = b"\x91\x93\x02\x00\x81\xa1a\x91" + inner
    with pytest.raises(Poison):
        wire.decode(sealed(config))
    block = b"\x91\x98\x00\x01\x90\xa0\xc4\x08" + bytes(8) + b"\xc4\x08" + bytes(8) + b"\xc4\x00\x91\x81\xa1a" + inner
    with pytest.raises(Poison):
        wire.decode(sealed(block))


@pytest.mark.parametrize("name", ["", "a" * 257, "a\nb", "\x1b[2J"])
def test_a_name_that_no_trainer_would_send_is_poison(name: str) -> None:
    for item in (row(names=(name,)), row(extras=({name: "text"},)), Start(1, name, {}), Rename(1, name)):
        with pytest.raises(Poison):
            wire.decode(sealed(wire.encode_items([item])))


HUGE_CLAIMS = {
    "events": b"\xdd\xff\xff\xff\xff",
    "names": b"\x91\x97\x00\x01\xdd\xff\xff\xff\xff",
    "extras": b"\x91\x98\x00\x01\x90\xa0\xc4\x08" + bytes(8) + b"\xc4\x08" + bytes(8) + b"\xc4\x00\xdd\xff\xff\xff\xff",
    "list of config": b"\x91\x93\x02\x00\x81\xa1a\xdd\xff\xff\xff\xff",
    "dict of config": b"\x91\x93\x02\x00\xdf\xff\xff\xff\xff",
    "bytes": b"\x91\x97\x00\x01\x90\xa0\xc6\xff\xff\xff\xff",
    "text": b"\x91\x93\x06\x00\xdb\xff\xff\xff\xff",
    "tags": b"\x91\x9c\x01\x00\xa0\x80\xa0\xa0\x00\xa0\xa0\xa0\xa0\xdd\xff\xff\xff\xff",
}


@pytest.mark.parametrize("what", HUGE_CLAIMS)
def test_a_payload_that_claims_four_billion_of_something_costs_nothing(what: str) -> None:
    """In a process that may take 1 GiB: the claim must be refused, not believed."""
    program = (
        "import resource, sys\n"
        "from tests.unit.test_wire import HUGE_CLAIMS, sealed, wire, Poison\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\n"
        "try:\n"
        "    wire.decode(sealed(HUGE_CLAIMS[sys.argv[1]]))\n"
        "except Poison:\n"
        "    sys.exit(42)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, what], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 42, done.stderr[-500:]


def test_a_field_added_at_the_end_does_not_break_an_older_reader() -> None:
    """What a newer trainer adds to an event is left out, not refused."""
    newer = msgspec.msgpack.encode([[4, 17, 0, False, "a field of tomorrow"], [2, 18, {"lr": 0.1}, 5, 6]])
    assert wire.decode_items(newer) == [Finish(17, 0), Config(18, {"lr": 0.1})]


def test_an_event_of_an_older_trainer_gets_defaults() -> None:
    older = msgspec.msgpack.encode([[1, 17, "bright-river-12", {}]])
    assert wire.decode_items(older) == [Start(17, "bright-river-12", {})]
