"""TensorBoard's event files: how they are read, and nothing of what becomes of it.

A file is a sequence of TFRecords (length, its crc, data, its crc), each an `Event` of protobuf. The few fields that
matter are read here by their numbers, so that neither protobuf nor TensorBoard has to be installed. A file
that is being written ends in half a record: that is left for the next look.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runcast.errors import MalformedEntry
from runcast.protobuf import double, doubles, fields, signed, varint_bytes, varints

RECORD_BYTES_MAX = 1 << 30  # Nobody writes a larger event; a length beyond it is damage.
CHECKED_BYTES_MAX = 4096  # The crc of larger data is not computed, for that is slow in Python; that of its length is.
READ_BYTES = 1 << 20

_HEAD = struct.Struct("<QI")
_CRC = struct.Struct("<I")
_CRC_MASK = 0xA282EAD8

_FLOAT, _DOUBLE, _INT32, _STRING, _INT64, _BOOL = 1, 2, 3, 7, 9, 10  # TensorFlow's data types.


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number."""

    tag: str
    value: float


@dataclass(frozen=True, slots=True)
class Histogram:
    """A distribution: counts, and the edges of their bins, of which there is one more."""

    tag: str
    counts: tuple[float, ...]
    edges: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Images:
    """Pictures, as encoded files: mostly PNG, sometimes GIF."""

    tag: str
    files: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Sound:
    """Recordings, as encoded files: WAV."""

    tag: str
    files: tuple[bytes, ...]
    sample_rate: float = 0.0  # Of old files; new ones say it in the WAV.


@dataclass(frozen=True, slots=True)
class Text:
    """Texts, in Markdown."""

    tag: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """Hyperparameters, as `add_hparams` writes them."""

    tag: str
    values: Mapping[str, float | bool | str]


Value = Scalar | Histogram | Images | Sound | Text | Settings


@dataclass(frozen=True, slots=True)
class Event:
    """What was written for one step at one time."""

    wall_time: float  # Seconds since 1970.
    step: int
    values: tuple[Value, ...]


@dataclass(slots=True)
class EventFile:
    """A place in a file, and what its tags were said to be: the first value of a tag tells, later ones need not."""

    path: Path
    offset: int = 0
    plugins: dict[str, str] = field(default_factory=dict)

    def read(self) -> Iterator[Event]:
        """Read on to the last whole record; raises MalformedEntry where the file is damaged, and OSError."""
        with self.path.open("rb", buffering=READ_BYTES) as file:
            file.seek(self.offset)
            while (data := _next_record(file, self.path)) is not None:
                self.offset = file.tell()
                event = parse_event(data, self.plugins)
                if event.values:
                    yield event


def is_event_file(name: str) -> bool:
    """Whether a file's name is one that TensorBoard looks into."""
    return "tfevents" in name and not name.endswith(".profile-empty")


def parse_event(data: bytes, plugins: dict[str, str]) -> Event:
    """Read an event; `plugins` says what tags are, and learns it. Raises MalformedEntry."""
    wall_time, step, values = 0.0, 0, list[Value]()
    try:
        for number, item in fields(data):
            if number == 1:
                wall_time = double(item)
            elif number == 2:
                step = signed(item)
            elif number == 5:
                for inner, value in fields(item):
                    if inner == 1 and (read := _value(value, plugins)) is not None:
                        values.append(read)
    except (struct.error, IndexError, TypeError, UnicodeDecodeError, ValueError, OverflowError) as error:
        raise MalformedEntry(f"an event of TensorBoard does not read as one: {error}") from error
    return Event(wall_time, step, tuple(values))


def parse_summary(data: bytes) -> tuple[Value, ...]:
    """Read the values of a `Summary` alone, as `tf.summary` gives it; raises MalformedEntry."""
    return parse_event(b"\x2a" + varint_bytes(len(data)) + data, {}).values


def _next_record(file: Any, path: Path) -> bytes | None:
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    length, crc = _HEAD.unpack(head)
    if length > RECORD_BYTES_MAX or _masked_crc(head[:8]) != crc:
        raise MalformedEntry(f"{path} is damaged before byte {file.tell()}: no length of a record stands there")
    data: bytes = file.read(length)
    tail = file.read(_CRC.size)
    if len(data) < length or len(tail) < _CRC.size:
        return None
    if length <= CHECKED_BYTES_MAX and _CRC.unpack(tail)[0] != _masked_crc(data):
        raise MalformedEntry(f"{path} is damaged before byte {file.tell()}: a record does not match its crc")
    return data


# A value: Summary.Value has 1 tag, 2 simple_value, 4 image, 5 histo, 6 audio, 8 tensor, 9 metadata.


def _value(data: Any, plugins: dict[str, str]) -> Value | None:
    parts = dict(fields(data))
    tag = bytes(parts.get(1, b"")).decode()
    metadata = dict(fields(parts.get(9, b"")))
    plugin_data = dict(fields(metadata.get(1, b"")))
    if plugin := bytes(plugin_data.get(1, b"")).decode():
        plugins[tag] = plugin
    plugin = plugins.get(tag, "")
    if plugin == "hparams":
        return _hparams(tag, plugin_data.get(2, b""))
    if 2 in parts:
        return Scalar(tag, struct.unpack("<f", parts[2])[0])
    if 4 in parts:
        return Images(tag, (bytes(dict(fields(parts[4])).get(4, b"")),))
    if 5 in parts:
        return _histogram(tag, parts[5])
    if 6 in parts:
        sound = dict(fields(parts[6]))
        rate = struct.unpack("<f", sound[1])[0] if 1 in sound else 0.0
        return Sound(tag, (bytes(sound.get(4, b"")),), rate)
    return _tensor_value(tag, plugin, parts[8]) if 8 in parts else None


def _tensor_value(tag: str, plugin: str, data: Any) -> Value | None:
    shape, numbers, strings = _tensor(data)
    if plugin == "images":
        return Images(tag, tuple(strings[2:]))  # Before them stand width and height.
    if plugin == "audio":
        return Sound(tag, tuple(strings[::2] if len(shape) == 2 else strings))  # Each with its label behind it.
    if plugin == "text" or (strings and not plugin):
        return Text(tag, tuple(text.decode(errors="replace") for text in strings))
    if plugin == "histograms":
        bins = list(zip(numbers[0::3], numbers[1::3], numbers[2::3], strict=True))  # Left, right, count.
        if not bins:
            return None
        return Histogram(tag, tuple(count for *_, count in bins), (bins[0][0], *(right for _, right, _ in bins)))
    if plugin in {"", "scalars"} and len(numbers) == 1:
        return Scalar(tag, numbers[0])
    return None


def _histogram(tag: str, data: Any) -> Histogram | None:
    """Read a HistogramProto: 1 min, 2 max, 6 right edges, 7 counts; empty bins at the ends are left out."""
    parts = dict(fields(data))
    limits, counts = doubles(parts.get(6, b"")), doubles(parts.get(7, b""))
    held = [at for at, count in enumerate(counts) if count]
    if not held or len(limits) != len(counts):
        return None
    first, last = held[0], held[-1]
    low = limits[first - 1] if first else -math.inf
    # The outermost bins reach to what no double reaches: the smallest and largest value bound them.
    low = max(low, double(parts[1])) if 1 in parts else max(low, min(limits[first], 0.0))
    high = min(limits[last], double(parts[2])) if 2 in parts else limits[last]
    edges = (min(low, limits[first]), *limits[first:last], max(high, limits[last - 1] if last > first else low))
    return Histogram(tag, tuple(counts[first : last + 1]), edges)


def _hparams(tag: str, content: Any) -> Settings | None:
    """Read HParamsPluginData: 3 session_start_info, in it 1 a map of names to protobuf's own `Value`."""
    session = dict(fields(content)).get(3)
    values: dict[str, float | bool | str] = {}
    for number, entry in fields(session or b""):
        if number != 1:
            continue
        pair = dict(fields(entry))
        name = bytes(pair.get(1, b"")).decode()
        for kind, value in fields(pair.get(2, b"")):
            if kind == 2:
                values[name] = double(value)
            elif kind == 3:
                values[name] = bytes(value).decode()
            elif kind == 4:
                values[name] = bool(value)
    return Settings(tag, values) if values else None


def _tensor(data: Any) -> tuple[list[int], list[float], list[bytes]]:
    """Read a TensorProto: its shape, its numbers, its strings."""
    kind, shape, numbers, strings, content = 0, list[int](), list[float](), list[bytes](), b""
    for number, item in fields(data):
        match number:
            case 1:
                kind = item
            case 2:
                shape = [signed(dict(fields(dim)).get(1, 0)) for inner, dim in fields(item) if inner == 2]
            case 4:
                content = bytes(item)
            case 5:
                numbers += struct.unpack(f"<{len(item) // 4}f", item)
            case 6:
                numbers += doubles(item)
            case 7 | 10 | 11:
                numbers += [signed(item)] if isinstance(item, int) else map(signed, varints(item))
            case 8:
                strings.append(bytes(item))
    if content and (code := {_FLOAT: "f", _DOUBLE: "d", _INT32: "i", _INT64: "q", _BOOL: "?"}.get(kind)):
        numbers = [float(value) for (value,) in struct.iter_unpack(f"<{code}", content)]
    # A number that stands once may stand for a whole tensor.
    count = math.prod(shape)
    if len(numbers) == 1 < count <= RECORD_BYTES_MAX >> 10 and not strings:
        numbers *= count
    return shape, [float(number) for number in numbers], strings


def _crc_table() -> list[int]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    return table


_TABLE = _crc_table()


def _masked_crc(data: bytes) -> int:
    """Compute the crc32c of TFRecord, turned and shifted as TensorFlow does."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[crc & 0xFF ^ byte]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + _CRC_MASK) & 0xFFFFFFFF
