"""A run's files as W&B's public API gives them: listed, and brought here, each checked against its digest."""

from __future__ import annotations

import mimetypes
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, overload
from urllib.parse import quote

from runcast import fetching
from runcast.errors import UsageError
from runcast.manifest import Content
from runcast.service import Refused, Service, run_path


class File:
    """One file of a run: `name`, `size`, and `download`."""

    def __init__(self, service: Service, path: str, told: Mapping[str, Any]) -> None:
        self._service, self._path, self._told = service, path, told

    @property
    def name(self) -> str:
        """Its path within the run."""
        return str(self._told["name"])

    @property
    def size(self) -> int:
        """In bytes."""
        return int(self._told["size"])

    @property
    def sha256(self) -> str:
        """The digest of its bytes."""
        return str(self._told["digest"])

    @property
    def stored(self) -> bool:
        """Whether its bytes have arrived; while they have not, its trainer has them."""
        return bool(self._told["stored"])

    @property
    def updated_at(self) -> str:
        """When it was kept last, as ISO 8601 in UTC."""
        return str(self._told["time"])

    @property
    def mimetype(self) -> str:
        """What its name says that it is."""
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        return f"{self._service.url}{self._path}/files/{quote(self.name)}"

    direct_url = url

    def download(
        self, root: str | os.PathLike[str] = ".", replace: bool = False, exist_ok: bool = False, api: Any = None
    ) -> IO[str]:
        """Bring it below `root`, whole or not at all, and open it for reading.

        Raises ValueError when another file lies there, unless it may be replaced, or is to be taken (`exist_ok`);
        CommError, Damaged and OSError when it cannot be had.
        """
        del api
        folder = Path(root).absolute()
        place = folder / self.name
        content = Content(self.sha256, self.size)
        if place.exists() and not replace:
            if not exist_ok:
                raise ValueError(
                    "File already exists, pass replace=True to overwrite or exist_ok=True to leave it as is."
                )
        else:
            place = fetching.fetch(self._service, self.name, content, folder)
        return place.open(encoding="utf-8", errors="replace")

    def __repr__(self) -> str:
        return f"<File {self.name} ({self.size} bytes)>"


class Files(Sequence[File]):
    """The files of a run, by name."""

    def __init__(self, found: Sequence[File]) -> None:
        self._found = list(found)

    @overload
    def __getitem__(self, at: int) -> File: ...
    @overload
    def __getitem__(self, at: slice) -> list[File]: ...
    def __getitem__(self, at: int | slice) -> File | list[File]:
        return self._found[at]

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[File]:
        return iter(self._found)

    def __repr__(self) -> str:
        return f"<Files {len(self)}>"


def listed(
    service: Service, project: str, run: str, names: Sequence[str] | None = None, pattern: str | None = None
) -> Files:
    """List a run's files: all, those of these names, or those that fit a pattern in which % stands for any text."""
    if names is not None and pattern is not None:
        raise UsageError("files() takes names or a pattern, not both")
    wanted = None if names is None else set([names] if isinstance(names, str) else names)
    fits = re.compile(".*".join(map(re.escape, (pattern or "%").split("%"))), re.DOTALL).fullmatch
    path = run_path(project, run)
    prefix = next(iter(wanted)) if wanted is not None and len(wanted) == 1 else (pattern or "").partition("%")[0]
    found: list[File] = []
    after: str | None = ""
    while after is not None:
        try:
            page = service.get(f"{path}/files", after=after or None, prefix=prefix or None)
        except Refused as error:
            raise UsageError(str(error)) from error
        found += (
            File(service, path, told)
            for told in page["files"]
            if (told["name"] in wanted if wanted is not None else fits(told["name"]))
        )
        after = page["next"]
    return Files(found)
