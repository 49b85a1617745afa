"""The artifacts that a service has, as W&B's public API gives them: by name, by what made them, all versions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, overload
from urllib.parse import quote

from runcast import artifact_names, fetching
from runcast.artifact import Artifact
from runcast.errors import UsageError
from runcast.service import Refused, Service, run_path

Told = dict[str, Any]


class Artifacts(Sequence[Artifact]):
    """Versions of artifacts; what lies in one is asked for when it is looked at."""

    def __init__(self, found: Sequence[Told], read: Callable[[Told], Artifact]) -> None:
        self._found, self._read = list(found), read

    @overload
    def __getitem__(self, at: int) -> Artifact: ...
    @overload
    def __getitem__(self, at: slice) -> list[Artifact]: ...
    def __getitem__(self, at: int | slice) -> Artifact | list[Artifact]:
        found = self._found[at]
        return [self._read(each) for each in found] if isinstance(found, list) else self._read(found)

    def __len__(self) -> int:
        return len(self._found)

    def __repr__(self) -> str:
        return f"<Artifacts {len(self)}>"


class Collection:
    """All versions of an artifact: its `name` and its `type`."""

    def __init__(self, service: Service, project: str, told: Told) -> None:
        self._service, self.project = service, project
        self.name, self.type = str(told["name"]), str(told["type"])

    def artifacts(self) -> Artifacts:
        """List the versions, the newest first."""
        return versions(self._service, self.project, self.name)

    versions = artifacts

    def __repr__(self) -> str:
        return f"<Artifact collection {self.name} ({self.type})>"


def find(service: Service, project: str, name: str, version: str) -> Artifact:
    """Give a version; raises UsageError when there is none, and CommError."""
    told = fetching.describe(service, project, name, version)
    if told is None:
        raise UsageError(f"there is no artifact {name}:{version} in project {project!r}")
    return Artifact.of_service(service, project, told)


def versions(service: Service, project: str, name: str) -> Artifacts:
    """List the versions of an artifact, the newest first. Raises UsageError when there is none of that name."""
    found = _get(service, f"{_path(project)}/{quote(artifact_names.check_name(name), safe='')}")["versions"]
    return Artifacts(found, lambda told: find(service, project, told["name"], told["version"]))


def collections(service: Service, project: str, kind: str | None = None) -> list[Collection]:
    """List a project's artifacts, the latest first; with `kind`, those of that type."""
    found = _get(service, _path(project))["artifacts"]
    return [Collection(service, project, told) for told in found if kind in {None, told["type"]}]


def of_run(service: Service, project: str, run: str, side: str) -> Artifacts:
    """List what a run `made` or `used`; what the service does not know yet is left out."""
    found = [told for told in _get(service, f"{run_path(project, run)}/artifacts")[side] if told["version"]]
    return Artifacts(found, lambda told: find(service, told["project"], told["name"], told["version"]))


def _path(project: str) -> str:
    return f"/api/v1/projects/{quote(project, safe='')}/artifacts"


def _get(service: Service, path: str) -> Any:
    try:
        return service.get(path)
    except Refused as error:
        raise UsageError(str(error)) from error
