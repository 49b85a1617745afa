"""A run as it is stored: what it was configured with, what it logged, what it printed."""

from __future__ import annotations

import importlib
import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from runcast.errors import ServerMissing
from runcast.service import Service, run_path

CONSOLE_LINES_MAX = 10_000
_NOT_NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}

Row = dict[str, Any]


class Run:
    """One run, read when it was asked for; `load` reads it again."""

    def __init__(self, service: Service, told: Mapping[str, Any]) -> None:
        self._service, self._told = service, told
        self._whole = "facts" in told

    def load(self) -> Run:
        """Read again what the service knows of it."""
        self._told, self._whole = self._service.run(self.project, self.id), True
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
    def tags(self) -> list[str]:
        """Its tags."""
        return list(self._told["tags"])

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

    # What it did.

    def scan_history(
        self,
        keys: Sequence[str] | None = None,
        page_size: int = 1000,
        min_step: int | None = None,
        max_step: int | None = None,
    ) -> Iterator[Row]:
        """Give every row, exact, merged by step, from `min_step` up to but not with `max_step`.

        With `keys`, only rows that have all of them, and only these and `_step` of each.
        """
        del page_size
        for row in self._service.history(self.project, self.id, keys=None if keys is None else list(keys)):
            step = row["_step"]
            if (min_step is None or step >= min_step) and (max_step is None or step < max_step):
                yield dict(row) if keys is None else {key: row[key] for key in (*keys, "_step") if key in row}

    def history(
        self,
        samples: int | None = None,
        keys: Sequence[str] | None = None,
        x_axis: str = "_step",
        pandas: bool = True,
        stream: str = "default",
    ) -> Any:
        """Give all rows, as a pandas DataFrame or as a list: exact, unless `samples` asks for fewer.

        W&B gives 500 samples where nothing is asked for; here that is said when it happens, and never by itself.
        `stream="system"` gives the samples of the machine. Raises ServerMissing where pandas is not installed.
        """
        asked = None if keys is None else [key for key in keys if key != x_axis]
        rows = [dict(row) for row in self._service.history(self.project, self.id, keys=asked, stream=stream)]
        if keys is not None:
            wanted = (x_axis, *keys)
            rows = [{key: row[key] for key in wanted if key in row} for row in rows]
        if samples is not None and len(rows) > samples > 0:
            said = f"{samples} of {len(rows)} rows of {self.name} are given; leave samples out for all"
            warnings.warn(said, stacklevel=2)
            rows = [rows[at * len(rows) // samples] for at in range(samples)]
        return _load("pandas").DataFrame(rows) if pandas else rows

    def arrow(self, keys: Sequence[str] | None = None) -> Any:
        """Give all rows as a pyarrow Table. Raises ServerMissing where pyarrow is not installed."""
        return _load("pyarrow").Table.from_pylist(list(self.scan_history(keys)))

    def console_logs(self, limit: int = 1000, search: str = "") -> list[dict[str, Any]]:
        """Give the last lines that it printed, each with `text`, `time`, `error`, `number` and `label`."""
        path = f"{run_path(self.project, self.id)}/console"
        told = self._service.get(path, limit=min(limit, CONSOLE_LINES_MAX), search=search or None)
        return list(told["lines"])

    def alerts(self) -> list[dict[str, Any]]:
        """Give its alerts, the latest first."""
        return list(self._service.get(f"{run_path(self.project, self.id)}/alerts")["alerts"])

    def to_dict(self) -> dict[str, Any]:
        """Give what the API says of it."""
        return json.loads(json.dumps(dict(self._told)))  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return f"<Run {self.project}/{self.id} ({self.state})>"


def numbers(value: Any) -> Any:
    """Give NaN and infinities back, which JSON has as texts."""
    if isinstance(value, Mapping):
        return {key: numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [numbers(each) for each in value]
    return _NOT_NUMBERS.get(value, value) if isinstance(value, str) else value


def _load(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ServerMissing(f"this needs {module}, which is not installed; `pip install {module}`") from error
