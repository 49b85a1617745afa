"""A writer's way to Redis: one round trip adds entries and reads what is stored.

The only file of the client that imports redis; the sender's thread loads it, so that a training
does not pay for it at import. Retries are off: the window decides what is sent again.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from runcast import streams
from runcast.errors import StreamUnavailable, StreamUnsafe
from runcast.streams import StreamId

SOCKET_SECONDS = 10.0
VERSION_MIN = (7, 0)
LOCAL_HOSTS = frozenset({"", "localhost", "127.0.0.1", "::1"})

Fields = dict[str, str | int | bytes]


class Ack(NamedTuple):
    """What a shard's ack hash says to one writer; all of it comes from one read, and so agrees."""

    mark: int
    cursor: StreamId | None
    beat: str | None
    stop: int  # When it was last asked to stop, in ms since 1970; 0: never.


def connect(url: str) -> redis.Redis:
    """Make a client that raises at the first error instead of trying again by itself."""
    network: dict[str, Any] = (
        {}
        if url.startswith("unix:")
        else {
            "socket_connect_timeout": SOCKET_SECONDS,
            "socket_keepalive": True,
        }
    )
    return redis.Redis.from_url(
        url, protocol=3, legacy_responses=False, retry=Retry(NoBackoff(), 0), socket_timeout=SOCKET_SECONDS, **network
    )


def is_local(url: str) -> bool:
    """Whether no network lies between, so that compressing would only cost."""
    return url.startswith("unix:") or (urlsplit(url).hostname or "") in LOCAL_HOSTS


def where(url: str) -> str:
    """Name a Redis in a message without its password."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"unix:{parts.path}"
    return f"{parts.hostname}:{parts.port or 6379}"


def check_safe(client: redis.Redis, url: str) -> str | None:
    """Refuse a Redis that is too old, or that evicts: an idle stream would vanish without an error.

    Without a limit of its memory nothing is evicted, whatever the policy: then only a caution is returned.
    Raises StreamUnsafe, which says why, and StreamUnavailable.
    """
    try:
        server = client.info("server")
        version = str(server.get("redis_version", "0"))
        memory = client.info("memory")
    except redis.exceptions.ResponseError as error:
        if str(error).startswith(("LOADING", "MISCONF")):
            raise StreamUnavailable(where(url), str(error)) from error
        return None  # INFO is denied to this user: whoever set that up has the last word.
    except redis.RedisError as error:
        raise StreamUnavailable(where(url), str(error)) from error
    if tuple(int(part) for part in version.split(".")[:2]) < VERSION_MIN:
        raise StreamUnsafe(f"Redis at {where(url)} is {version}; Runcast needs 7.0 or later, or Valkey 8 or later")
    policy = str(memory.get("maxmemory_policy", "noeviction"))
    # The volatile policies delete only what has an expiry, which no key of ours has.
    if not policy.startswith("allkeys"):
        return None
    if int(memory.get("maxmemory", 0)) == 0:
        return (
            f"Redis at {where(url)} has maxmemory-policy {policy} and no maxmemory: nothing is deleted now, but whole "
            "streams would be as soon as it gets a limit; set `maxmemory-policy noeviction` there before that"
        )
    raise StreamUnsafe(
        f"Redis at {where(url)} has maxmemory-policy {policy}: when memory runs out it deletes whole streams "
        "without an error; set `maxmemory-policy noeviction` there, or give Runcast a Redis of its own"
    )


def find_service(url: str) -> str | None:
    """Read where the service behind a Redis is reached over HTTP; None where it did not say, or cannot be reached.

    Raises redis.RedisError.
    """
    with connect(url) as client:
        said, host = client.hmget(streams.SERVICE_KEY, [streams.SERVICE_URL, streams.SERVICE_HOST])
    if not said:
        return None
    found = said.decode()
    here = host is not None and host.decode() == os.uname().nodename
    return found if here or (urlsplit(found).hostname or "") not in LOCAL_HOSTS else None


class Line:
    """One writer's connection to its shard."""

    def __init__(self, url: str, shard: int, writer: str) -> None:
        self.url = url
        self._client = connect(url)
        self._stream = streams.stream_key(shard).encode()
        self._marks = _command(
            b"HMGET",
            *(
                part.encode()
                for part in (
                    streams.ack_key(shard),
                    writer,
                    streams.ACK_CURSOR,
                    streams.ACK_BEAT,
                    streams.ACK_STOP + writer,
                )
            ),
        )
        try:
            check_safe(self._client, url)
            self._connection: Any = self._client.connection_pool.get_connection()  # Half of it has no types.
        except BaseException:
            self._client.close()
            raise

    def exchange(self, entries: list[Fields]) -> tuple[list[StreamId], Ack]:
        """Add entries and read what the shard's ack hash says, in one round trip; returns the entries' ids and that.

        Raises redis.RedisError; then any of the entries may be in the stream, or none, and the line is closed.
        """
        # A pipeline costs 100 µs with the interpreter's lock held, many times a second, and `log` waits for the lock.
        connection = self._connection
        try:
            said = b"".join([*map(self._xadd, entries), self._marks])
            connection.send_packed_command([said], check_health=False)
            ids = [connection.read_response() for _ in entries]
            mark, cursor, beat, stop = connection.read_response()
        except BaseException:
            connection.disconnect()  # Answers that were not read must not be taken for the next one's.
            raise
        return [streams.parse_id(entry) for entry in ids], Ack(
            int(mark or 0),
            streams.parse_id(cursor) if cursor else None,
            beat.decode() if beat else None,
            int(stop or 0),
        )

    def _xadd(self, fields: Fields) -> bytes:
        parts = [b"XADD", self._stream, b"*"]
        for name, value in fields.items():
            parts += (name.encode(), value if isinstance(value, bytes) else str(value).encode())
        return _command(*parts)

    def close(self) -> None:
        """Close the connection."""
        self._connection.disconnect()
        self._client.close()


def _command(*parts: bytes) -> bytes:
    """Write a command as the Redis protocol has it: an array of strings, each behind its length."""
    return b"*%d\r\n" % len(parts) + b"".join([b"$%d\r\n%b\r\n" % (len(part), part) for part in parts])


TROUBLE = (redis.RedisError, OSError, StreamUnavailable)


def describe(error: BaseException) -> str:
    """Say in a few words what Redis's trouble is."""
    text = str(error)
    if isinstance(error, redis.exceptions.OutOfMemoryError):
        return "it is out of memory"
    if text.startswith("MISCONF"):
        return "its disk is full"
    if text.startswith("LOADING"):
        return "it is still reading its data"
    return text or type(error).__name__
