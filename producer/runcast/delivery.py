"""The way of a file to the service: over HTTP, in parts, from where the last try ended, checked at its end.

With the standard library alone, and loaded by the thread that sends. It knows neither runs nor folders.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from runcast import discovery, lazy
from runcast.errors import RuncastError
from runcast.paths import PART_BYTES
from runcast.spool import weigh_file
from runcast.surroundings.secrets import mask_text

SMALL_BYTES = 256 * 1024  # Sent without asking first whether it is there: that would cost as much.
SOCKET_SECONDS = 60.0  # The service checks a large file before it answers the last part.
BUSY_SECONDS = 0.2  # Between two looks at a file that another process is sending.
OFFSET = "X-Runcast-Offset"


class Undelivered(RuncastError):
    """A file was not taken; `final`: nor would it be another time, as things are."""

    def __init__(self, status: int, sentence: str, *, final: bool) -> None:
        self.status, self.final = status, final
        super().__init__(sentence)


TROUBLE = (OSError, http.client.HTTPException, Undelivered)


def locate(redis_url: str | None, *, page_url: str | None, directories: Iterable[Path]) -> str | None:
    """Find the service that stores what goes to this Redis: as set, on this machine, or as that Redis says."""
    if redis_url is None:
        return None
    if page_url is not None:
        return page_url
    for directory in directories:
        found = discovery.read(directory)
        if found is not None and redis_url in {found.redis, found.redis_tcp}:
            return found.url
    transport = lazy.transport()
    try:
        said: str | None = transport.find_service(redis_url)
    except transport.TROUBLE:
        return None
    return said


class Delivery:
    """A connection to one service."""

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        stopping: Callable[[], bool] = lambda: False,
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        parts = urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname or "", parts.port, timeout=SOCKET_SECONDS)
        self._base = f"{parts.path.rstrip('/')}/api/v1/files/"
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._stopping, self._progress = stopping, progress
        self.url = url

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def send(self, digest: str, path: Path) -> None:
        """Send a file, or what the service lacks of it; when this returns, the service has checked it and keeps it.

        Raises Undelivered, OSError and http.client.HTTPException.
        """
        size = path.stat().st_size
        offset = 0 if size <= SMALL_BYTES else self._ask(digest)
        with path.open("rb") as file:
            while offset is not None:
                if self._stopping():
                    raise Undelivered(0, "the process ends", final=False)
                file.seek(offset)
                part = file.read(PART_BYTES)
                status, said = self._put(digest, offset, part, size)
                if status == 409:
                    time.sleep(BUSY_SECONDS)
                    offset = self._ask(digest)
                elif status in {200, 201}:
                    self._progress(len(part))
                    return
                elif status == 202:
                    self._progress(len(part))
                    offset += len(part)
                else:
                    raise self._refused(status, said, digest, path)

    def _ask(self, digest: str) -> int | None:
        """Ask where the file goes on; None: it is there."""
        status, _, offset = self._exchange("HEAD", digest, None, {})
        if status == 200:
            return None
        if status == 404 and offset.isdigit():
            return int(offset)
        raise Undelivered(
            status, f"{mask_text(self.url)} takes no files: it answered {status}", final=status in {403, 404, 405}
        )

    def _put(self, digest: str, offset: int, part: bytes, size: int) -> tuple[int, str]:
        last = offset + len(part) - 1
        said = f"bytes {offset}-{last}/{size}" if part else "bytes */0"
        status, sentence, _ = self._exchange(
            "PUT", digest, part, {"Content-Range": said, "Content-Type": "application/octet-stream"}
        )
        return status, sentence

    def _exchange(self, method: str, digest: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, str, str]:
        try:
            self._connection.request(method, self._base + digest, body, self._headers | headers)
            answer = self._connection.getresponse()
            sentence = answer.read(65536)
            if answer.read(1):
                self._connection.close()
        except BaseException:
            self._connection.close()  # Half an answer must not be taken for the next one's.
            raise
        return answer.status, sentence.decode("utf-8", "replace"), answer.getheader(OFFSET, "")

    def _refused(self, status: int, said: str, digest: str, path: Path) -> Undelivered:
        if status == 401:
            return Undelivered(status, "the service asks for its token; set RUNCAST_TOKEN", final=False)
        if status == 422:
            with suppress(OSError):
                if weigh_file(path).digest != digest:
                    return Undelivered(status, "the file was changed after it was given to the run", final=True)
        return Undelivered(status, _sentence(said) or f"the service answered {status}", final=status in {413, 403})


def _sentence(said: str) -> str:
    """Take the sentence out of an error's JSON, without trusting it to be any."""
    _, found, rest = said.partition('"message":"')
    return rest.partition('"')[0][:300] if found else ""
