"""A writer's files, in its journal's folder until the service has them: each once, under its digest.

A file is whole or not there: it gets its name in one step, behind its last byte. It knows no network.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from runcast.paths import is_digest

FOLDER = "files"
BLOCK_BYTES = 1024 * 1024
_CLONE = 0x40049409  # Linux's FICLONE: a copy that shares its blocks with the original, on btrfs, xfs and their like.


Bytes = bytes | bytearray | memoryview


class Kept(NamedTuple):
    """What a file is known by."""

    digest: str
    size: int


class Spool:
    """The folder of one writer's files; made when the first of them comes."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / FOLDER

    def put(self, data: Bytes) -> Kept:
        """Keep bytes; raises OSError when there is no room."""
        kept = weigh(data)
        place = self.directory / kept.digest
        if not place.exists():
            part = self._part()
            try:
                part.write_bytes(data)
                part.replace(place)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
        return kept

    def copy(self, source: Path, *, stays: bool = False) -> Kept:
        """Keep a file as it is now; with `stays`, nobody will change it, and the disk holds it only once.

        Raises OSError when it cannot be read, or when there is no room.
        """
        part = self._part()
        try:
            kept = self._linked(source, part) if stays else None
            if kept is None:
                with source.open("rb") as old, part.open("w+b") as new:
                    kept = _cloned(old, new) or _copied(old, new)
            part.replace(self.directory / kept.digest)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return kept

    def waiting(self) -> list[Path]:
        """List the files that are kept, the oldest first."""
        found: list[tuple[int, Path]] = []
        with suppress(FileNotFoundError), os.scandir(self.directory) as entries:
            for entry in entries:
                if is_digest(entry.name):
                    with suppress(FileNotFoundError):
                        found.append((entry.stat().st_ctime_ns, Path(entry.path)))
        return [path for _, path in sorted(found)]

    def clear(self) -> bool:
        """Take the folder away if nothing waits in it; says whether it is gone."""
        if self.waiting():
            return False
        with suppress(OSError):
            for path in self.directory.iterdir():
                path.unlink(missing_ok=True)  # The beginning of a file whose process was killed.
            self.directory.rmdir()
        return not self.directory.exists()

    def _part(self) -> Path:
        self.directory.mkdir(mode=0o700, exist_ok=True)
        return self.directory / f".{os.urandom(8).hex()}"

    def _linked(self, source: Path, part: Path) -> Kept | None:
        try:
            os.link(source.resolve(), part)
        except OSError:
            return None  # Another disk, or one that knows no links.
        with part.open("rb") as file:
            return _read(file)


def weigh(data: Bytes) -> Kept:
    """Say what bytes are known by."""
    with memoryview(data) as view:
        return Kept(hashlib.sha256(view).hexdigest(), view.nbytes)


def weigh_file(path: Path) -> Kept:
    """Say what a file is known by, as it is now; raises OSError."""
    with path.open("rb") as file:
        return _read(file)


def _read(file: BinaryIO) -> Kept:
    found = hashlib.sha256()
    size = 0
    while block := file.read(BLOCK_BYTES):
        found.update(block)
        size += len(block)
    return Kept(found.hexdigest(), size)


def _cloned(old: BinaryIO, new: BinaryIO) -> Kept | None:
    try:
        fcntl.ioctl(new.fileno(), _CLONE, old.fileno())
    except OSError:
        return None
    return _read(new)


def _copied(old: BinaryIO, new: BinaryIO) -> Kept:
    found = hashlib.sha256()
    size = 0
    while block := old.read(BLOCK_BYTES):
        found.update(block)
        new.write(block)
        size += len(block)
    new.flush()
    return Kept(found.hexdigest(), size)
