"""What a run is, as a service tells it: its names, its state, what it was configured with and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import quote

from runcast.service import Service

_NOT_NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


class About:
    """A run's own words, read when it was asked for; `load` reads them again."""

    def __init__(self, service: Service, told: Mapping[str, Any]) -> None:
        self._service, self._told = service, told
        self._whole = "facts" in told
        self.tags = [str(tag) for tag in told["tags"]]
        """Its tags; change the list, and `update` stores it."""

    def load(self) -> Self:
        """Read again what the service knows of it."""
        self._told, self._whole = self._service.run(self.project, self.id), True
        self.tags = [str(tag) for tag in self._told["tags"]]
        return self

    # What it is.

    @property
    def id(self) -> str:
        """Its id within the project."""
        return str(self._told["id"])

    @property
    def project(self) -> str:
        """The project that groups it."""
        return str(self._told["project"])

    @property
    def entity(self) -> str:
        """The one team that there is."""
        return "local"

    @property
    def path(self) -> list[str]:
        """Entity, project and id."""
        return [self.entity, self.project, self.id]

    @property
    def name(self) -> str:
        """Its display name."""
        return str(self._told["name"])

    @property
    def display_name(self) -> str:
        """Its display name."""
        return self.name

    @property
    def state(self) -> str:
        """`running`, `finished`, `failed` or `crashed`."""
        return str(self._told["state"])

    @property
    def url(self) -> str:
        """The page with its curves."""
        return f"{self._service.url}/run?project={quote(self.project, safe='')}&run={quote(self.id)}"

    @property
    def created_at(self) -> str:
        """When it began, as ISO 8601 in UTC."""
        return str(self._told["created"])

    @property
    def config(self) -> dict[str, Any]:
        """What it was configured with."""
        return dict(numbers(self._told["config"]))

    @property
    def summary(self) -> dict[str, Any]:
        """The last value of each key, or what its definition says, and what was set by hand."""
        return dict(numbers(self._told["summary"]))

    @property
    def summary_metrics(self) -> dict[str, Any]:
        """The summary."""
        return self.summary

    @property
    def notes(self) -> str:
        """What somebody noted about it."""
        return str(self._told["notes"])

    @property
    def group(self) -> str:
        """The group that it belongs to."""
        return str(self._told["group"])

    @property
    def job_type(self) -> str:
        """What kind of job it is."""
        return str(self._told["job_type"])

    @property
    def lastHistoryStep(self) -> int:  # noqa: N802  # W&B's name.
        """The highest step; -1 when nothing was logged."""
        return int(self._told["steps"]) - 1

    @property
    def metadata(self) -> dict[str, Any]:
        """What is known of its surroundings: git, system, packages, command …"""
        return dict(numbers(self._detail("facts")))

    @property
    def keys(self) -> list[str]:
        """The names of what it logged."""
        return [str(key["key"]) for key in self._detail("keys")]

    def _detail(self, name: str) -> Any:
        if not self._whole:
            self.load()
        return self._told[name]


def numbers(value: Any) -> Any:
    """Give NaN and infinities back, which JSON has as texts."""
    if isinstance(value, Mapping):
        return {key: numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [numbers(each) for each in value]
    return _NOT_NUMBERS.get(value, value) if isinstance(value, str) else value
