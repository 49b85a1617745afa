"""The bytes of files, each kept once, under the SHA-256 of what is in it.

What a client calls a file never becomes a path here: a place is made of a digest's digits alone. A file comes in
parts, one behind another, and stands under its digest only when its bytes are on the disk and their digest is that
one. It knows neither runs nor HTTP.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from runcast.errors import RuncastError
from runcast.paths import is_digest
from runcast_ingest.threads import to_its_end

FILES = "files"
ARRIVING = "arriving"  # The folder of what is not whole yet.
FREE_BYTES_MIN = 256 * 1024 * 1024  # Left to the database: rows that wait for room are worse than a file that does.
BLOCK_BYTES = 1024 * 1024  # Written, and read again to be checked, in one go.
SILENT_SECONDS_MAX = 30.0  # A sender that says nothing for so long is gone; what came is kept.
ABANDONED_SECONDS = 14 * 24 * 3600.0  # After this, nobody comes back to send the rest.


class NotTaken(RuncastError):
    """A part of a file cannot be kept; `status` is what HTTP calls that, `offset` where the next part begins."""

    def __init__(self, status: int, code: str, sentence: str, *, offset: int = 0) -> None:
        self.status, self.code, self.offset = status, code, offset
        super().__init__(sentence)


class Files:
    """The folder of all files. `file_bytes_max` bounds one of them, and `bytes_max` all together; 0: the disk does."""

    def __init__(self, directory: Path, *, file_bytes_max: int = 0, bytes_max: int = 0) -> None:
        self.directory = directory
        self._arriving = directory / ARRIVING
        self._file_bytes_max, self._bytes_max = file_bytes_max, bytes_max
        self._taken = 0  # By whole files and by parts.
        self._busy: set[str] = set()  # Digests that somebody is sending just now.

    @property
    def size(self) -> int:
        """How many bytes are kept."""
        return self._taken

    def open(self) -> None:
        """Make the folder, count what is in it, and throw away beginnings that nobody came back to end."""
        self._arriving.mkdir(mode=0o700, parents=True, exist_ok=True)
        before = time.time() - ABANDONED_SECONDS
        for path in self._arriving.iterdir():
            with suppress(OSError):
                if path.stat().st_mtime < before:
                    path.unlink()
        self._taken = sum(_size(Path(folder) / name) for folder, _, names in os.walk(self.directory) for name in names)

    def find(self, digest: str) -> Path | None:
        """Say where a whole file lies; None while it is not here."""
        path = self._place(digest)
        return path if path.is_file() else None

    def offset(self, digest: str) -> int:
        """Say how many bytes of a file came so far."""
        return _size(self._part(digest))

    async def take(self, digest: str, first: int, total: int, body: AsyncIterator[bytes]) -> int:
        """Add the bytes that begin at `first`; returns how many are here, and all of them are `total`.

        Raises NotTaken: for a part that does not continue what is here, for one too many, and for a whole file whose
        digest is another; then its bytes are thrown away.
        """
        if self.find(digest) is not None:
            return total
        if self._file_bytes_max and total > self._file_bytes_max:
            raise NotTaken(
                413,
                "too_large",
                f"the file has {total} bytes, and this service takes {self._file_bytes_max}; "
                "RUNCAST_FILE_BYTES_MAX changes that",
            )
        if digest in self._busy:
            raise NotTaken(409, "busy", "somebody else is sending this file", offset=self.offset(digest))
        self._busy.add(digest)
        try:
            here = await self._add(digest, first, total, body)
            if here == total:
                await to_its_end(self._finish, digest, total)
        finally:
            self._busy.discard(digest)
        return here

    async def _add(self, digest: str, first: int, total: int, body: AsyncIterator[bytes]) -> int:
        here = self.offset(digest)
        if first != here:
            raise NotTaken(409, "elsewhere", f"{here} bytes of the file are here; send what follows", offset=here)
        self._check_room(total - here)
        with self._part(digest).open("ab", buffering=0) as file:
            block = bytearray()
            try:
                async for chunk in _patiently(body):
                    if here + len(chunk) > total:
                        raise NotTaken(422, "too_long", f"more bytes came than the {total} that were announced")
                    block += chunk
                    here += len(chunk)
                    if len(block) >= BLOCK_BYTES:
                        full, block = block, bytearray()
                        await to_its_end(_write, file.fileno(), full)
            finally:
                # Whoever went away in the middle comes back for the rest, not for all.
                try:
                    _write(file.fileno(), block)
                finally:
                    self._taken += os.fstat(file.fileno()).st_size - first
        return here

    def _check_room(self, size: int) -> None:
        if self._bytes_max and self._taken + size > self._bytes_max:
            raise _full(f"its files have {self._taken} bytes, and RUNCAST_FILES_BYTES_MAX is {self._bytes_max}")
        if shutil.disk_usage(self._arriving).free - size < FREE_BYTES_MIN:
            raise _full("its disk is nearly full")

    def _finish(self, digest: str, total: int) -> None:
        """Check a file that is complete, and put it in its place: it stands there only when it cannot vanish again."""
        part, place = self._part(digest), self._place(digest)
        found = hashlib.sha256()
        with part.open("r+b") as file:
            while block := file.read(BLOCK_BYTES):
                found.update(block)
            if found.hexdigest() != digest:
                part.unlink()
                self._taken -= total
                raise NotTaken(422, "other_digest", f"the bytes have the SHA-256 {found.hexdigest()}; send them again")
            os.fsync(file.fileno())
        place.parent.mkdir(mode=0o700, exist_ok=True)
        part.replace(place)
        _sync_folder(place.parent)
        _sync_folder(self.directory)

    def _place(self, digest: str) -> Path:
        return self.directory / _checked(digest)[:2] / digest[2:]

    def _part(self, digest: str) -> Path:
        return self._arriving / _checked(digest)


def _checked(digest: str) -> str:
    if not is_digest(digest):
        raise NotTaken(422, "bad_digest", f"{digest[:80]!r} is no SHA-256; it has 64 of the digits 0-9 and a-f")
    return digest


def _write(fd: int, block: bytearray) -> None:
    with memoryview(block) as left:
        at = 0
        while at < len(left):
            try:
                at += os.write(fd, left[at:])
            except OSError as error:
                raise _full(error.strerror or str(error)) from error


def _full(reason: str) -> NotTaken:
    return NotTaken(507, "no_room", f"the service has no room for more files: {reason}")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


async def _patiently(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Give what comes, until nothing has come for too long; raises NotTaken."""
    while True:
        try:
            async with asyncio.timeout(SILENT_SECONDS_MAX):
                chunk = await anext(body)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise NotTaken(408, "silent", f"nothing came for {SILENT_SECONDS_MAX:.0f} s") from None
        yield chunk


def _sync_folder(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
