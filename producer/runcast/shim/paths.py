"""`wandb.sdk.lib.paths`: the names of kinds of paths, for annotations."""

from __future__ import annotations

import os
from pathlib import PurePosixPath

StrPath = str | os.PathLike[str]
FilePathStr = str
URIStr = str


class LogicalPath(str):
    """A path within an artifact: with forward slashes on every system."""

    __slots__ = ()

    def __new__(cls, path: StrPath) -> LogicalPath:
        """Write a path so."""
        return super().__new__(cls, PurePosixPath(os.fspath(path).replace(os.sep, "/")).as_posix())

    def to_path(self) -> PurePosixPath:
        """Give it as a path."""
        return PurePosixPath(self)
