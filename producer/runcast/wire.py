"""A stream entry: how a writer's events are written for Redis, and read again without trust.

Entry fields: `v` version, `r` run path, `w` writer, `a` first sequence, `n` count of events,
`c` codec (0 plain, 1 zlib), `k` crc32 of `d`, `d` payload: a msgpack list of blocks and events.
An entry of count 0 is a heartbeat: its writer lives, and `a` is the sequence it would use next. It may say what its
writer's journal holds that is not known to be stored: `q` events, `b` bytes on its disk, the first of them for `s`
seconds.
Every version ever released stays readable; `tests/unit/golden` holds them to it.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from runcast.blocks import Block, Item, count
from runcast.errors import MalformedEntry, NameRefused
from runcast.events import (
    Artifact,
    Config,
    Describe,
    Event,
    File,
    Metric,
    Rename,
    Start,
    Summary,
)
from runcast.names import NAME_CHARS_MAX, RUN_ID_CHARS_MAX, check_name, split_path

VERSION = 1
ENTRY_BYTES_TARGET = 256 * 1024  # A sender closes an entry at this size; only a lone larger event passes it.
ENTRY_BYTES_MAX = 4 * 1024 * 1024  # What a reader accepts, compressed or not: one event of everything sane fits.
COMPRESS_BYTES_MIN = 1024  # Below this, zlib saves nothing worth its microseconds.
SEQUENCE_MAX = 2**62
PLAIN, ZLIB = 0, 1
_PATH_CHARS_MAX = NAME_CHARS_MAX + 1 + RUN_ID_CHARS_MAX
_WRITER = re.compile(r"[0-9a-f]{16}")
_DIGEST = re.compile(r"[0-9a-f]{64}")

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Block | Event])

Fields = Mapping[bytes, bytes]


class Poison(MalformedEntry):
    """An entry that arrived as it was sent, and still cannot be read: its writer would send the same again.

    The envelope is readable, so the store can keep the bytes in quarantine and move the writer's mark past them.
    """

    def __init__(self, reason: str, *, path: str, writer: str, first: int, count: int) -> None:
        self.path, self.writer, self.first, self.count = path, writer, first, count
        super().__init__(reason)


class Waiting(Struct, frozen=True):
    """What a writer's journal holds that is not known to be stored; `bytes` is what it takes on its disk."""

    events: int
    bytes: int
    seconds: int  # So long the first of them waits.


class Entry(Struct, frozen=True):
    """What one stream entry says: `items` are the events `first` … `last` of a writer to a run."""

    path: str
    writer: str
    first: int
    count: int
    items: list[Item]
    waiting: Waiting | None = None  # As a heartbeat may say.

    @property
    def last(self) -> int:
        """The highest sequence in the entry."""
        return self.first + self.count - 1


def encode_items(items: Sequence[Item]) -> bytes:
    """Write events as a payload."""
    return _encoder.encode(items)


def decode_items(payload: bytes) -> list[Item]:
    """Read a payload and check every block in it; raises MalformedEntry."""
    try:
        items = _decoder.decode(payload)
        for item in items:
            _check(item)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise MalformedEntry(f"the payload cannot be decoded: {error}") from error
    except NameRefused as error:
        raise MalformedEntry(str(error)) from error
    return list(items)


def _check(item: Item) -> None:
    """Refuse what no trainer of ours writes, and what would break every page that shows it."""
    if isinstance(item, Block):
        item.check()
        # One look at all of them at once: most blocks end here, and a thousand names cost a few microseconds.
        longest = max(map(len, item.names), default=1)
        if not "".join(item.names).isprintable() or not all(item.names) or longest > NAME_CHARS_MAX:
            _check_names(item.names)
        for extra in item.extras or ():
            if extra:
                _check_names(extra)
                _check_plain(extra)
    elif isinstance(item, Start | Rename):
        check_name("run name", item.name)
        if isinstance(item, Start):
            _check_plain(item.config)
    elif isinstance(item, Config | Summary | Describe):
        _check_plain(item.values)
    elif isinstance(item, Metric):
        check_name("metric name", item.name)
    elif isinstance(item, File | Artifact):
        if not _DIGEST.fullmatch(item.digest):
            raise MalformedEntry(f"{item.digest[:80]!r} is no SHA-256")
        if isinstance(item, Artifact):
            check_name("artifact name", item.name)
            _check_plain(item.metadata)


def _check_names(names: Iterable[str]) -> None:
    for name in names:
        check_name("metric name", name)


def _check_plain(value: Any) -> None:
    """Let through what JSON knows; msgpack knows bytes, dates and keys that are no text."""
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise MalformedEntry("a dict in the payload has a key that is no text")
        for inner in value.values():
            _check_plain(inner)
    elif isinstance(value, list):
        for inner in value:
            _check_plain(inner)
    elif value is not None and not isinstance(value, bool | int | float | str):
        raise MalformedEntry(f"the payload holds a {type(value).__name__}, which JSON does not know")


def encode(
    path: str, writer: str, first: int, items: Sequence[Item], *, compress: bool = False
) -> dict[str, str | int | bytes]:
    """Write events as the fields of a stream entry; `compress` pays where a network lies between."""
    payload, codec = encode_items(items), PLAIN
    if compress and len(payload) >= COMPRESS_BYTES_MIN:
        payload, codec = zlib.compress(payload, 1), ZLIB
    return {
        "v": VERSION,
        "r": path,
        "w": writer,
        "a": first,
        "n": count(items),
        "c": codec,
        "k": zlib.crc32(payload),
        "d": payload,
    }


def encode_beat(path: str, writer: str, following: int, waiting: Waiting | None = None) -> dict[str, str | int | bytes]:
    """Write a heartbeat as the fields of a stream entry; `following` is the sequence that comes next."""
    fields = encode(path, writer, following, [])
    if waiting is not None:
        fields |= {"q": waiting.events, "b": waiting.bytes, "s": waiting.seconds}
    return fields


def decode(fields: Fields) -> Entry:
    """Read a stream entry. Sizes are checked before they are used.

    Raises MalformedEntry with the reason, and Poison where sending the entry again would not help.
    """
    version = _number(fields, b"v", most=2**31)
    if version != VERSION:
        raise MalformedEntry(
            f"version {version} of the entry format is not known here, only {VERSION}; upgrade the service"
        )
    path, writer = _text(fields, b"r", _PATH_CHARS_MAX), _text(fields, b"w", 16)
    try:
        split_path(path)
    except NameRefused as error:
        raise MalformedEntry(str(error)) from error
    if not _WRITER.fullmatch(writer):
        raise MalformedEntry(f"the writer id {writer!r} is not 16 hexadecimal digits")
    first, claimed = _number(fields, b"a", most=SEQUENCE_MAX), _number(fields, b"n", most=ENTRY_BYTES_MAX)
    if first < 1:
        raise MalformedEntry(f"the first sequence is {first}; they start at 1")
    payload = _field(fields, b"d")
    crc = _number(fields, b"k", most=2**32 - 1)
    if zlib.crc32(payload) != crc:
        raise MalformedEntry(f"the payload's crc is {zlib.crc32(payload):08x}, not {crc:08x} as the entry says")
    try:
        if len(payload) > ENTRY_BYTES_MAX:
            raise MalformedEntry(f"the payload has {len(payload)} bytes, more than {ENTRY_BYTES_MAX}")
        items = decode_items(_plain(payload, _number(fields, b"c", most=255)))
        if count(items) != claimed:
            raise MalformedEntry(f"the entry claims {claimed} events and holds {count(items)}")
    except MalformedEntry as error:
        raise Poison(str(error), path=path, writer=writer, first=first, count=claimed) from error
    waiting = None
    if not claimed and b"q" in fields:
        waiting = Waiting(*(_number(fields, name, most=SEQUENCE_MAX) for name in (b"q", b"b", b"s")))
    return Entry(path=path, writer=writer, first=first, count=claimed, items=items, waiting=waiting)


def _plain(payload: bytes, codec: int) -> bytes:
    if codec == PLAIN:
        return payload
    if codec != ZLIB:
        raise MalformedEntry(f"codec {codec} is not known here; upgrade the service")
    inflate = zlib.decompressobj()
    try:
        plain = inflate.decompress(payload, ENTRY_BYTES_MAX)
    except zlib.error as error:
        raise MalformedEntry(f"the payload cannot be decompressed: {error}") from error
    if not inflate.eof:
        raise MalformedEntry(f"the payload is torn, or has more than {ENTRY_BYTES_MAX} bytes decompressed")
    return plain


def _field(fields: Fields, name: bytes) -> bytes:
    try:
        return fields[name]
    except KeyError:
        raise MalformedEntry(f"the entry has no field {name.decode()!r}") from None


def _number(fields: Fields, name: bytes, *, most: int) -> int:
    text = _field(fields, name)
    if len(text) > 20 or not text.isdigit() or (number := int(text)) > most:
        raise MalformedEntry(f"the field {name.decode()!r} is no number from 0 to {most}")
    return number


def _text(fields: Fields, name: bytes, chars_max: int) -> str:
    raw = _field(fields, name)
    try:
        text = raw[: 4 * chars_max + 1].decode()
    except UnicodeDecodeError as error:
        raise MalformedEntry(f"the field {name.decode()!r} is not UTF-8") from error
    if len(text) > chars_max:
        raise MalformedEntry(f"the field {name.decode()!r} is longer than {chars_max} characters")
    return text
