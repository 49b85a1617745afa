"""Numbers and documents as bytes: small, and never trusted without their crc.

A column is one codec byte and a payload. pcodec where it is installed, byte-shuffle and zstd where it
is not; a file written with either is read with both.
"""

from __future__ import annotations

import importlib
import threading
import zlib
from typing import Any, cast

import msgspec
import numpy as np
import numpy.typing as npt
import zstandard

from runcast.errors import StoreUnavailable

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Column = Ints | Floats

RAW, SHUFFLED, PCODEC = 0, 1, 2
TICK_NS = 1_000_000  # Times are kept to the millisecond: finer jitter costs a byte a row, and no chart shows it.
PCODEC_LEVEL = 4  # 2.43 bytes a point of a loss curve; level 8 saves 1 % and takes three times as long.
INT64_MAX = 2**63 - 1  # Of a column of the database.
RAW_POINTS_MAX = 8  # Below this every codec's header is larger than the numbers.

try:
    _pcodec: Any = importlib.import_module("pcodec.standalone")
    _pcodec_config: Any = importlib.import_module("pcodec").ChunkConfig(compression_level=PCODEC_LEVEL)
except ImportError:
    _pcodec = None

_encode_plain = msgspec.msgpack.Encoder().encode
_decode_plain = msgspec.msgpack.Decoder().decode


class Damaged(StoreUnavailable):
    """A stored blob is not what was written: its crc says so."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"{what} is damaged on disk: its crc does not match; run `runcast doctor`, restore a backup")


def crc(*blobs: bytes | None) -> int:
    """Return the crc32 of blobs that stand in one row."""
    value = 0
    for blob in blobs:
        if blob is not None:
            value = zlib.crc32(blob, value)
    return value


def verify(what: str, expected: int, *blobs: bytes | None) -> None:
    """Compare a row's blobs with its crc; raises Damaged."""
    if crc(*blobs) != expected:
        raise Damaged(what)


def compress(data: bytes) -> bytes:
    """Compress bytes that are soon rewritten: fast."""
    return _zstd.compressor.compress(data)


def decompress(data: bytes) -> bytes:
    """Decompress what `compress` made."""
    return _zstd.decompressor.decompress(data)


class _Zstd(threading.local):
    """A thread's own: they must not be shared, and a new one costs 8 µs, where a chart reads a thousand rows."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=1)
        self.decompressor = zstandard.ZstdDecompressor()


_zstd = _Zstd()


def pack(column: Column) -> bytes:
    """Write a column of int64 or float64."""
    column = cast("Column", np.ascontiguousarray(column))
    if len(column) <= RAW_POINTS_MAX:
        return bytes([RAW]) + column.tobytes()
    if _pcodec is not None:
        return bytes([PCODEC]) + bytes(_pcodec.simple_compress(column, _pcodec_config))
    return bytes([SHUFFLED]) + compress(_shuffle(column))


def unpack_ints(data: bytes) -> Ints:
    """Read a column of int64."""
    column: Ints = _unpack(data, np.dtype("<i8"))
    return column


def unpack_floats(data: bytes) -> Floats:
    """Read a column of float64."""
    column: Floats = _unpack(data, np.dtype("<f8"))
    return column


def fit(number: int) -> int:
    """Bring a writer's number into the range of a column: what is beyond it was never a time or a count."""
    return max(-INT64_MAX, min(number, INT64_MAX))


def pack_document(document: Any) -> bytes:
    """Write what JSON knows, and NaN and infinities too."""
    return _encode_plain(document)


def unpack_document(data: bytes) -> Any:
    """Read what `pack_document` wrote."""
    return _decode_plain(data)


def _unpack(data: bytes, dtype: np.dtype[Any]) -> Any:
    codec, payload = data[0], data[1:]
    if codec == RAW:
        return np.frombuffer(payload, dtype)
    if codec == SHUFFLED:
        return _unshuffle(decompress(payload), dtype)
    if codec == PCODEC:
        if _pcodec is None:
            raise StoreUnavailable("the database holds pcodec columns; install `runcast[server]` with pcodec")
        return _pcodec.simple_decompress(payload)
    raise StoreUnavailable(f"a column has codec {codec}, which is not known here; upgrade Runcast")


def _shuffle(column: Column) -> bytes:
    # Differences of the bit patterns, then a byte transpose: exponent bytes of neighbours end up together.
    bits = column.view(np.uint64)
    step = np.empty_like(bits)
    step[:1] = bits[:1]
    if column.dtype.kind == "i":
        np.subtract(bits[1:], bits[:-1], out=step[1:])
    else:
        np.bitwise_xor(bits[1:], bits[:-1], out=step[1:])
    return step.view(np.uint8).reshape(len(column), 8).T.tobytes()


def _unshuffle(data: bytes, dtype: np.dtype[Any]) -> Any:
    bits = np.frombuffer(data, np.uint8).reshape(8, -1).T.copy().view(np.uint64).ravel()
    whole = np.add.accumulate(bits) if dtype.kind == "i" else np.bitwise_xor.accumulate(bits)
    return whole.view(dtype)
