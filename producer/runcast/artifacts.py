"""What a run does with artifacts: it makes versions of them, and uses some. The functions behind `Run`'s methods."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from runcast import artifact_names, events, fetching, manifest
from runcast.artifact import Artifact
from runcast.destination import Destination
from runcast.errors import CommError, RuncastError, UsageError
from runcast.files import RunFiles
from runcast.journal import Journal
from runcast.paths import safe_part
from runcast.sender import Sender
from runcast.service import Service

MANIFEST = "manifest.json"


class Place(Protocol):
    """What is needed of a run."""

    id: str
    project: str
    offline: bool
    disabled: bool
    _files: RunFiles
    _destination: Destination
    _journal: Journal
    _sender: Sender


def log(
    run: Place,
    artifact_or_path: Artifact | str | os.PathLike[str],
    name: str | None,
    type: str | None,  # noqa: A002  # W&B's keyword.
    aliases: Sequence[str] | str | None,
    token: str | None,
) -> Artifact:
    """Make a version of an artifact, from its files or from a path; it is stored as soon as a service is there."""
    artifact = _as_artifact(run, artifact_or_path, name, type)
    wanted = _aliases(aliases)
    contents = artifact.contents
    artifact.sent_to(run._destination.files, run.project, token)
    if run.disabled:
        return artifact
    files = run._files
    # The bytes first: whoever hears of the version finds them, or finds that they are on their way.
    for digest, path in artifact.drafted():
        if not files.keep(path, digest, stays=True):
            files.lose(f"the disk had no room for artifact {artifact.collection_name}")
            return artifact
    data = manifest.encode(contents)
    if not files.keep(data, MANIFEST):
        files.lose(f"the disk had no room for artifact {artifact.collection_name}")
        return artifact
    files.tell(
        events.Artifact(
            time=time.time_ns(),
            name=artifact.collection_name,
            kind=artifact.type,
            digest=artifact.digest,
            size=artifact.size,
            files=artifact.file_count,
            description=artifact.description or "",
            metadata=artifact.plain_metadata(),
            aliases=tuple(wanted),
        )
    )
    last = run._journal.sequence
    artifact.told_as(lambda seconds: run._sender.wait_stored(last, seconds))
    return artifact


def use(
    run: Place,
    artifact_or_name: Artifact | str,
    type: str | None,  # noqa: A002  # W&B's keyword.
    aliases: Sequence[str] | str | None,
    token: str | None,
) -> Artifact:
    """Say that the run was made with a version, and give it. Raises CommError and UsageError."""
    if isinstance(artifact_or_name, Artifact):
        artifact = artifact_or_name
        if artifact.is_draft():
            log(run, artifact, None, None, aliases, token)
    else:
        if run.offline or run.disabled:
            raise TypeError("Cannot use artifact when in offline mode.")
        artifact = find(run._destination, token, artifact_or_name, run.project)
        if type is not None and artifact.type != type:
            raise ValueError(
                f"Supplied type {type} does not match type {artifact.type} of artifact {artifact.qualified_name}"
            )
    elsewhere = f"{artifact.project}/" if artifact.project not in {"", run.project} else ""
    if not run.disabled:
        run._files.tell(events.Use(time.time_ns(), f"{elsewhere}{artifact.collection_name}", artifact.digest))
    return artifact


def find(destination: Destination, token: str | None, text: str, project: str) -> Artifact:
    """Ask the service for `[PROJECT/]NAME[:VERSION]`; raises CommError, and UsageError when there is none."""
    reference = artifact_names.parse(text)
    url = destination.service()
    if url is None:
        raise CommError(f"artifact {text!r} cannot be asked for: no service is known here")
    service = Service(url, token)
    where = reference.project or project
    told = fetching.describe(service, where, reference.name, reference.version)
    if told is None:
        raise UsageError(f"there is no artifact {reference.name}:{reference.version} in project {where!r}")
    return Artifact.of_service(service, where, told)


def _as_artifact(run: Place, given: Artifact | str | os.PathLike[str], name: str | None, kind: str | None) -> Artifact:
    if isinstance(given, Artifact):
        if not given.is_draft():
            raise RuncastError(f"{given.name} is a version already; make a new Artifact to change it")
        return given
    path = Path(given)
    made = Artifact(name or safe_part(f"run-{run.id}-{path.name}").replace("/", "_"), kind or "unspecified")
    if path.is_dir():
        made.add_dir(path)
    elif path.is_file():
        made.add_file(path)
    elif "://" in str(given):
        made.add_reference(str(given))
    else:
        raise ValueError(f"path must be a file, directory or external reference like s3://bucket/path, not {given!r}")
    return made


def _aliases(given: Sequence[str] | str | None) -> list[str]:
    aliases = [given] if isinstance(given, str) else [str(alias) for alias in given or ()]
    for alias in aliases:
        if artifact_names.is_version(alias) or not alias or any(char in alias for char in "/:"):
            raise ValueError(f"{alias!r} cannot be an alias: it has no / and no :, and is not like v0")
    return aliases
