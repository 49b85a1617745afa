"""Pixels as a PNG, with nothing but zlib: a trainer that has arrays needs no library for pictures."""

from __future__ import annotations

import struct
import zlib
from typing import Any

SIGNATURE = b"\x89PNG\r\n\x1a\n"
LEVEL = 1  # Three times as fast as the default, and a tenth larger: the training waits for it.
_COLOUR = {1: 0, 2: 4, 3: 2, 4: 6}  # Grey, grey and alpha, RGB, RGBA.


def encode(pixels: Any) -> bytes:
    """Write an array of uint8, height × width × channels (1 to 4)."""
    height, width, channels = pixels.shape
    stride = width * channels
    # Each row as its difference to the one above (filter 2): smooth pictures compress twice as well.
    rows = pixels.reshape(height, stride)
    filtered = rows.copy()
    filtered[1:] -= rows[:-1]
    lined = _with_filter(filtered, height, stride)
    head = struct.pack(">IIBBBBB", width, height, 8, _COLOUR[channels], 0, 0, 0)
    return SIGNATURE + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(lined, LEVEL)) + _chunk(b"IEND", b"")


def _with_filter(rows: Any, height: int, stride: int) -> bytes:
    data = bytearray(height * (stride + 1))
    for at in range(height):
        start = at * (stride + 1)
        data[start] = 2
        data[start + 1 : start + 1 + stride] = rows[at].tobytes()
    return bytes(data)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
