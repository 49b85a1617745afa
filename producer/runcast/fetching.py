"""Bring files of artifacts and runs here: each is checked against its digest before it stands under its name."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from runcast import manifest
from runcast.errors import CommError, RuncastError, ServerMissing
from runcast.manifest import Content
from runcast.paths import check_path
from runcast.service import Refused, Service
from runcast.spool import BLOCK_BYTES, weigh_file

MANIFEST_BYTES_MAX = 256 * 1024 * 1024


class Damaged(RuncastError):
    """What came, or what lies in a folder, is not what its digest says."""


def describe(service: Service, project: str, name: str, version: str) -> Mapping[str, Any] | None:
    """Ask for a version; None if there is none. Raises CommError."""
    path = f"/api/v1/projects/{quote(project, safe='')}/artifacts/{quote(name, safe='')}/{quote(version, safe='')}"
    try:
        found: Mapping[str, Any] = service.get(path)
    except Refused as error:
        if error.status == 404:
            return None
        raise CommError(f"artifact {name}:{version} cannot be asked for: {error}") from error
    except ServerMissing as error:
        raise CommError(f"artifact {name}:{version} cannot be asked for: {error}") from error
    return found


def contents(service: Service, digest: str) -> dict[str, Content]:
    """Fetch a manifest; raises CommError, Damaged and MalformedEntry."""
    with _open(service, digest) as answer:
        data = answer.read(MANIFEST_BYTES_MAX + 1)
    if hashlib.sha256(data).hexdigest() != digest:
        raise Damaged("the artifact's manifest is not what its digest says")
    return manifest.decode(data)


def fetch(service: Service, path: str, content: Content, root: Path) -> Path:
    """Have a file in a folder: one that lies there as it should stays. Raises CommError, Damaged and OSError."""
    place = root / check_path(path)
    if is_whole(place, content):
        return place
    _stay_inside(place.parent, root)
    place.parent.mkdir(parents=True, exist_ok=True)
    _stay_inside(place.parent, root)
    fresh = place.with_name(f".{os.urandom(8).hex()}")
    found = hashlib.sha256()
    try:
        with _open(service, content.digest) as answer, fresh.open("xb") as file:
            while block := answer.read(BLOCK_BYTES):
                found.update(block)
                file.write(block)
        if found.hexdigest() != content.digest:
            raise Damaged(f"what came for {path!r} is not what its digest says; try again")
        fresh.replace(place)
    finally:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
    return place


def is_whole(place: Path, content: Content) -> bool:
    """Whether a file lies there, and is what its digest says."""
    if place.is_symlink() or not place.is_file() or place.stat().st_size != content.size:
        return False
    return weigh_file(place).digest == content.digest


def _stay_inside(folder: Path, root: Path) -> None:
    """Raises Damaged when a link in the folder leads out of it."""
    if not folder.resolve().is_relative_to(root.resolve()):
        raise Damaged(f"{folder} leads out of {root} by a link")


class _open:  # noqa: N801  # It is used as `open` is.
    def __init__(self, service: Service, digest: str) -> None:
        self._answer = service.open(f"/api/v1/files/{digest}")

    def __enter__(self) -> Any:
        try:
            return self._answer.__enter__()
        except Refused as error:
            if error.status == 404:
                raise CommError("the file has not arrived yet; its trainer still has it") from error
            raise CommError(f"the file cannot be fetched: {error}") from error
        except ServerMissing as error:
            raise CommError(f"the file cannot be fetched: {error}") from error

    def __exit__(self, *trouble: Any) -> None:
        try:
            self._answer.__exit__(*trouble)
        except ServerMissing as error:
            raise CommError(f"the file broke off: {error}") from error
