"""Protobuf's bytes, field by field: enough to read other tools' files without their schemas or a library."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # Wire types.


def fields(data: Any) -> Iterator[tuple[int, Any]]:
    """Give each field's number with its value: an int, or the bytes of everything else.

    Raises ValueError and IndexError for what is no message.
    """
    data = memoryview(data)
    at, end = 0, len(data)
    while at < end:
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if wire == _BYTES:
            size, at = _varint(data, at)
        elif wire in {_FIXED64, _FIXED32}:
            size = 8 if wire == _FIXED64 else 4
        else:
            raise ValueError(f"there is no wire type {wire}")
        if at + size > end:
            raise ValueError("a field ends behind its message")
        yield number, data[at : at + size]
        at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
        if shift > 63:
            raise ValueError("a number has more than 64 bits")


def varints(data: memoryview) -> Iterator[int]:
    """Read packed varints."""
    at = 0
    while at < len(data):
        number, at = _varint(data, at)
        yield number


def varint_bytes(number: int) -> bytes:
    """Write a varint."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def signed(number: Any) -> int:
    """Give a varint as the int64 that it is."""
    return int(number) - (1 << 64) if number >= 1 << 63 else int(number)


def double(data: Any) -> float:
    """Read a double."""
    return float(struct.unpack("<d", data)[0])


def doubles(data: Any) -> list[float]:
    """Read packed doubles."""
    return list(struct.unpack(f"<{len(data) // 8}d", data))
