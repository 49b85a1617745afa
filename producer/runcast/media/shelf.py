"""Where a data type puts its files: into a run, beside the row in which it is logged, or into an artifact.

Everything that can be logged beside numbers and text is a `WBValue`: it is given a shelf, and returns the dict that
stands for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from runcast import paths
from runcast.events import File, Plain
from runcast.files import DIGEST, RunFiles
from runcast.spool import Bytes

MEDIA = "media"


class Shelf(Protocol):
    """A place for files."""

    def add(self, source: Bytes | str | Path, folder: str, ending: str) -> File:
        """Keep bytes, or a file as it is now."""

    def say_once(self, topic: str, line: str) -> None:
        """Print a warning."""


class RunShelf:
    """The place for what is logged under one key at one step."""

    def __init__(self, files: RunFiles, key: str, step: int) -> None:
        self._files = files
        self._name = f"{paths.safe_part(key)}_{step}_{DIGEST}"

    def add(self, source: Bytes | str | Path, folder: str, ending: str) -> File:
        """Keep a file under `media/<folder>`, named by key, step and digest."""
        return self._files.add(source, f"{MEDIA}/{folder}/{self._name}.{ending}")

    def say_once(self, topic: str, line: str) -> None:
        """Print a warning, the first time it is about this."""
        self._files.say_once(topic, line)


class WBValue:
    """Something that can be logged beside numbers and text; the name is W&B's."""

    def shelve(self, shelf: Shelf) -> dict[str, Plain]:
        """Put the files on a shelf, and give the dict that stands for it."""
        raise NotImplementedError

    def publish(self, files: RunFiles, key: str, step: int) -> dict[str, Plain]:
        """Give what stands in a row: names with values, mostly the key with one dict."""
        return {key: self.shelve(RunShelf(files, key, step))}


class Media(WBValue):
    """A WBValue that is shown by itself."""


class BatchableMedia(Media):
    """A Media of which a list may be logged under one key."""

    @classmethod
    def shelve_all(cls, items: Sequence[Any], shelf: Shelf) -> dict[str, Plain]:
        """Put the files of several on a shelf, and give the one dict that stands for all."""
        raise NotImplementedError


def of_file(kind: str, file: File, **more: Plain) -> dict[str, Plain]:
    """Write the dict of a file, as W&B does, without what is not known."""
    known: Mapping[str, Plain] = {name: value for name, value in more.items() if value is not None}
    return {"_type": kind, "sha256": file.digest, "size": file.size, "path": file.name, **known}


def captions_of(items: Sequence[Any]) -> list[str | None] | bool:
    """List the captions of several, False when none has one; W&B writes it so."""
    captions = [getattr(item, "caption", None) for item in items]
    return captions if any(caption is not None for caption in captions) else False
