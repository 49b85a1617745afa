"""Bring a file of a run back to this machine, in one step: a reader sees the old one or the new one."""

from __future__ import annotations

import os
import shutil
from importlib import import_module
from pathlib import Path
from typing import IO
from urllib.parse import quote

from runcast.destination import Destination
from runcast.errors import CommError, ServerMissing, UsageError
from runcast.names import split_path


def restore(
    name: str, *, run_path: str, root: Path, replace: bool, destination: Destination, token: str | None
) -> IO[str]:
    """Give a file of a run, open for reading; one that lies below `root` already is asked for only to `replace` it.

    Raises ValueError when the run has no such file, CommError when the service cannot be asked, and UsageError for
    a name that leads out of `root`.
    """
    place = Path(os.path.normpath(root / name))
    if not place.is_relative_to(root) or place == root:
        raise UsageError(f"{name!r} is no file below {root}")
    if replace or not place.exists():
        _fetch(name, run_path, place, destination, token)
    return place.open(encoding="utf-8", errors="replace")


def _fetch(name: str, run_path: str, place: Path, destination: Destination, token: str | None) -> None:
    project, run = split_path("/".join(run_path.strip("/").split("/")[-2:]))
    url = destination.service()
    if url is None:
        raise CommError(f"{name!r} of {run_path} cannot be fetched: no service is known here")
    service = import_module("runcast.service")
    fresh = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        with service.Service(url, token).open(f"{service.run_path(project, run)}/files/{quote(name)}") as answer:
            place.parent.mkdir(parents=True, exist_ok=True)
            with fresh.open("wb") as file:
                shutil.copyfileobj(answer, file)
        fresh.replace(place)
    except service.Refused as error:
        if error.status == 404:
            raise ValueError(f"File {name} not found in {run_path}.") from error
        raise CommError(f"{name!r} of {run_path} cannot be fetched: {error}") from error
    except ServerMissing as error:
        raise CommError(f"{name!r} of {run_path} cannot be fetched: {error}") from error
    finally:
        fresh.unlink(missing_ok=True)
