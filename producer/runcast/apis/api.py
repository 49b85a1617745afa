"""`runcast.Api()`: projects, runs and artifacts of a service, as W&B's public API gives them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

from runcast import artifact_names
from runcast.apis import artifacts
from runcast.apis.artifacts import Artifacts, Collection
from runcast.apis.filters import condition, ordered
from runcast.apis.run import Run
from runcast.artifact import Artifact
from runcast.conditions import fits
from runcast.errors import UsageError
from runcast.service import Refused, Service

ENTITY = "local"  # What stands before the project in a path, where somebody wants one: there is one team here.


class Api:
    """Reads what a service has stored. `server` is its address; default: the one that runs on this machine.

    Raises ServerMissing when there is none, and UsageError for paths that name nothing.
    """

    def __init__(
        self,
        overrides: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        api_key: str | None = None,
        *,
        server: str | None = None,
    ) -> None:
        del timeout
        given = dict(overrides or {})
        self._service = Service.find(server or given.get("base_url"))
        if api_key:
            self._service.token = api_key
        self._project = given.get("project")

    @property
    def default_entity(self) -> str:
        """The one team that there is."""
        return ENTITY

    def projects(self, entity: str | None = None) -> list[Project]:
        """List the projects, the one that was written to last first."""
        del entity
        return [Project(self, each) for each in self._service.projects()]

    def project(self, name: str, entity: str | None = None) -> Project:
        """Give one project; raises UsageError when there is none of that name."""
        found = {project.name: project for project in self.projects(entity)}
        if name not in found:
            raise UsageError(f"there is no project {name!r}; there are {', '.join(found) or 'none'}")
        return found[name]

    def runs(
        self,
        path: str | None = None,
        filters: Mapping[str, Any] | str | None = None,
        order: str = "+created_at",
        per_page: int = 50,
        **_: Any,
    ) -> Runs:
        """Find the runs of a project, `project` or `entity/project`, that fit filters, in an order.

        Filters are MongoDB-like, or a text such as `config.lr < 0.01 and "best" in tags`; the service searches by that.
        Raises UsageError for a project that there is not, and for a filter that cannot be read.
        """
        del per_page
        project = self._split(path or self._project or "", run=False)[0]
        text = filters if isinstance(filters, str) else None
        wanted = None if isinstance(filters, str) else condition(filters or {})
        try:
            found: Sequence[Mapping[str, Any]] = list(self._service.runs(project, sort="created", filter=text))
        except Refused as error:
            raise UsageError(str(error)) from error
        chosen = ordered([run for run in found if wanted is None or fits(run, wanted)], order)
        return Runs([Run(self._service, run) for run in chosen])

    def run(self, path: str) -> Run:
        """Give one run: `project/id`, `entity/project/id` or `entity/project/runs/id`. Raises UsageError."""
        project, id_ = self._split(path, run=True)
        try:
            return Run(self._service, self._service.run(project, id_))
        except Refused as error:
            raise UsageError(str(error)) from error

    def artifact(self, name: str, type: str | None = None) -> Artifact:  # noqa: A002  # W&B's keyword.
        """Give a version, `project/name:alias`; without an alias the latest. Raises UsageError and CommError."""
        project, reference = self._reference(name)
        found = artifacts.find(self._service, project, reference.name, reference.version)
        if type is not None and found.type != type:
            raise ValueError(f"type {type} specified but this artifact is of type {found.type}")
        return found

    def artifacts(
        self,
        type_name: str | None = None,
        name: str | None = None,
        per_page: int = 50,
        tags: Sequence[str] | None = None,
    ) -> Artifacts:
        """List the versions of an artifact, `project/name`, the newest first. Raises UsageError."""
        del type_name, per_page, tags  # A name has one type.
        if name is None:
            raise UsageError("artifacts() needs the name of one, as project/name")
        project, reference = self._reference(name)
        return artifacts.versions(self._service, project, reference.name)

    artifact_versions = artifacts

    def artifact_collections(
        self, project_name: str, type_name: str | None = None, per_page: int = 50
    ) -> list[Collection]:
        """List a project's artifacts, of one type or of all, the latest first. Raises UsageError."""
        del per_page
        return artifacts.collections(self._service, self._split(project_name, run=False)[0], type_name)

    def artifact_exists(self, name: str, type: str | None = None) -> bool:  # noqa: A002  # W&B's keyword.
        """Whether there is that version."""
        try:
            self.artifact(name, type)
        except (UsageError, ValueError):
            return False
        return True

    def _reference(self, name: str) -> tuple[str, artifact_names.Reference]:
        """Divide a name; the part before it is a project, which may have slashes, or an entity's and a project's."""
        path, _, version = name.partition(":")
        before, _, last = path.rpartition("/")
        reference = artifact_names.parse(f"{last}:{version}" if version else last)
        return self._split(before or self._project or "", run=False)[0], reference

    def flush(self) -> None:
        """Do nothing: nothing is kept between two questions."""

    def _split(self, path: str, *, run: bool) -> tuple[str, str]:
        """Divide a path; a project's name may have slashes, so what stands before it may be part of it."""
        *parts, last = path.strip("/").split("/")
        if not last or (run and not parts):
            raise UsageError(f"the path is {path!r}; write it as {'project/run' if run else 'project'}")
        if run and parts[-1:] == ["runs"]:
            parts.pop()
        names = parts if run else [*parts, last]
        known = {project["name"] for project in self._service.projects()}
        # The longest name that there is counts; an entity before it is nobody here.
        project = next((name for at in range(len(names)) if (name := "/".join(names[at:])) in known), "/".join(names))
        return project, last if run else ""


class Project:
    """A project: `name`, and how many runs it has."""

    def __init__(self, api: Api, told: Mapping[str, Any]) -> None:
        self._api, self._told = api, told

    @property
    def name(self) -> str:
        """What it is called."""
        return str(self._told["name"])

    @property
    def entity(self) -> str:
        """The one team that there is."""
        return ENTITY

    @property
    def created_at(self) -> str:
        """When it was made, as ISO 8601 in UTC."""
        return str(self._told["created"])

    @property
    def run_count(self) -> int:
        """How many runs it has."""
        return int(self._told["runs"])

    def runs(self, filters: Mapping[str, Any] | str | None = None, order: str = "+created_at") -> Runs:
        """Find runs of it; see `Api.runs`."""
        return self._api.runs(self.name, filters, order)

    def __repr__(self) -> str:
        return f"<Project {self.name}>"


class Runs(Sequence[Run]):
    """Runs that were found, in order."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self._runs = list(runs)

    @overload
    def __getitem__(self, at: int) -> Run: ...
    @overload
    def __getitem__(self, at: slice) -> list[Run]: ...
    def __getitem__(self, at: int | slice) -> Run | list[Run]:
        return self._runs[at]

    def __len__(self) -> int:
        return len(self._runs)

    def __iter__(self) -> Iterator[Run]:
        return iter(self._runs)

    def __repr__(self) -> str:
        return f"<Runs {len(self)}>"
