"""A run as it is stored: what it logged and printed, its files and artifacts, and what can be changed of it."""

from __future__ import annotations

import importlib
import json
import time
import warnings
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from runcast.apis import artifacts, files
from runcast.apis.about import About
from runcast.apis.artifacts import Artifacts
from runcast.apis.files import File, Files
from runcast.errors import ServerMissing, UsageError
from runcast.service import Refused, run_path

CONSOLE_LINES_MAX = 10_000
LOOK_SECONDS = 1.0  # Between two looks at whether it has ended.

Row = dict[str, Any]


class Run(About):
    """One run, read when it was asked for; `load` reads it again."""

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

    # What belongs to it.

    def files(self, names: Sequence[str] | None = None, per_page: int = 50, pattern: str | None = None) -> Files:
        """List its files, all or those of these names, or those that a pattern such as `media/%` fits."""
        del per_page
        return files.listed(self._service, self.project, self.id, names, pattern)

    def file(self, name: str) -> File:
        """Give one of its files; raises UsageError when it has none of that name."""
        found = self.files([name])
        if not found:
            raise UsageError(f"run {self.id!r} has no file {name!r}")
        return found[0]

    def logged_artifacts(self, per_page: int = 100) -> Artifacts:
        """List the versions of artifacts that it made, in that order."""
        del per_page
        return artifacts.of_run(self._service, self.project, self.id, "made")

    def used_artifacts(self, per_page: int = 100) -> Artifacts:
        """List the versions of artifacts that it used, in that order."""
        del per_page
        return artifacts.of_run(self._service, self.project, self.id, "used")

    # What can be changed.

    def update(self) -> None:
        """Store its tags as they are in `tags` now; nothing else of a run can be changed from here."""
        kept = set(map(str, self._told["tags"]))
        wanted = set(map(str, self.tags))
        self._curate(tag=sorted(wanted - kept), untag=sorted(kept - wanted))
        self.load()

    def delete(self, delete_artifacts: bool = False) -> None:
        """Leave it out of all lists; what it logged is kept. Its artifacts stay."""
        del delete_artifacts
        self._curate(deleted=True)

    def stop(self) -> None:
        """Ask it to end, as Ctrl-C would; raises UsageError when it does not run."""
        self._ask(f"{run_path(self.project, self.id)}/stop")

    def wait_until_finished(self) -> None:
        """Wait until it runs no more."""
        while self.load().state == "running":
            time.sleep(LOOK_SECONDS)

    def _curate(self, **change: Any) -> None:
        self._ask(f"/api/v1/projects/{quote(self.project, safe='')}/curate", {"runs": [self.id], **change})

    def _ask(self, path: str, body: Any = None) -> None:
        try:
            self._service.post(path, body)
        except Refused as error:
            raise UsageError(str(error)) from error

    def to_dict(self) -> dict[str, Any]:
        """Give what the API says of it."""
        return json.loads(json.dumps(dict(self._told)))  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return f"<Run {self.project}/{self.id} ({self.state})>"


def _load(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ServerMissing(f"this needs {module}, which is not installed; `pip install {module}`") from error
