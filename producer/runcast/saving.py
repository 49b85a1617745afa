"""Which files of the program's belong to a run, and what they are called there; W&B's rules for `save`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from glob import glob as matches
from pathlib import Path
from typing import NamedTuple

from runcast.errors import UsageError

LIVE, END, NOW = "live", "end", "now"
POLICIES = (LIVE, END, NOW)
_ELSEWHERE = ("gs://", "s3://", "http://", "https://")


class Saved(NamedTuple):
    """A file: its name within the run, and where it lies."""

    name: str
    source: Path


class Stamp(NamedTuple):
    """By which it is seen that a file was written again."""

    size: int
    modified: int

    @classmethod
    def of(cls, path: Path) -> Stamp | None:
        """Look at a file; None where there is none."""
        try:
            stat = path.stat()
        except OSError:
            return None
        return cls(stat.st_size, stat.st_mtime_ns)


def check_policy(policy: str) -> str:
    """Return a policy; raises ValueError as W&B does."""
    if policy not in POLICIES:
        raise ValueError('Only "live", "end" and "now" policies are currently supported.')
    return policy


def find(pattern: str | bytes | os.PathLike[str], base: str | os.PathLike[str] | None) -> list[Saved]:
    """Find the files that a pattern means, folders with all that is in them.

    A name is the path below `base`. Without one: below the working directory; of an absolute path, below the
    folder around its own. Raises TypeError for what is no path, and UsageError for a file that is not below `base`.
    """
    text = os.fsdecode(pattern)
    if text.startswith(_ELSEWHERE):
        return []
    if base is not None:
        root = Path(base).absolute()
        text = str(root / text)
    elif os.path.isabs(text):
        root = Path(text).parent.parent
    else:
        root = Path(text).absolute().parent if ".." in Path(text).parts else Path.cwd()
    root = Path(os.path.normpath(root))
    found: dict[str, Saved] = {}
    for match in sorted(matches(text, recursive=True)):
        for source in _files(Path(os.path.normpath(Path(match).absolute()))):
            if not source.is_relative_to(root):
                raise UsageError(f"{source} is not below base_path {root}")
            name = source.relative_to(root).as_posix()
            found[name] = Saved(name, source)
    return list(found.values())


def below(folder: Path) -> Iterator[Saved]:
    """Find all files of a run's own folder."""
    for source in _files(folder):
        yield Saved(source.relative_to(folder).as_posix(), source)


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif path.is_dir():
        yield from sorted(each for each in path.rglob("*") if each.is_file())


def link(saved: Saved, folder: Path) -> Path:
    """Let a file stand in the run's folder under its name; returns where."""
    place = folder / saved.name
    if place != saved.source and not (place.is_symlink() and place.readlink() == saved.source):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.symlink_to(saved.source)
    return place
