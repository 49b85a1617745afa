"""What the streams are called, and which one a run's events travel in.

Sixteen shards, fixed for ever: a run's shard is written down in its journal when the run is
made. Both keys of a shard share a hash tag, so that a cluster keeps them on one node.
"""

from __future__ import annotations

from zlib import crc32

SHARDS = 16

# Fields of a shard's ack hash beside the writers' marks, which stand under the writer's own id.
ACK_CURSOR = "cursor"  # The last entry whose blocks are stored.
ACK_BEAT = "beat"  # Counts up every second while an ingest service holds the shard.
ACK_STOP = "stop:"  # Before a writer's id: when somebody asked it to stop, in ms since 1970.

# A hash that says where the service behind these streams is reached over HTTP.
SERVICE_KEY = "runcast:service"
SERVICE_URL = "url"
SERVICE_HOST = "host"  # The machine it runs on: an address of the loopback means something only there.

StreamId = tuple[int, int]
START: StreamId = (0, 0)


def shard_of(path: str) -> int:
    """Choose the shard of a new run, by its `project/run` path."""
    return crc32(path.encode()) % SHARDS


def stream_key(shard: int) -> str:
    """Name the stream that carries a shard's entries."""
    return f"{{rc:{shard}}}:ev"


def ack_key(shard: int) -> str:
    """Name the hash that tells writers what is stored: writer id → mark, and the shard's cursor and beat."""
    return f"{{rc:{shard}}}:ack"


def parse_id(text: str | bytes) -> StreamId:
    """Read a stream id such as `1764000000000-3`."""
    ms, _, seq = (text.decode() if isinstance(text, bytes) else text).partition("-")
    return int(ms), int(seq or 0)


def format_id(entry: StreamId) -> str:
    """Write a stream id as Redis does."""
    return f"{entry[0]}-{entry[1]}"
