"""A service's REST API as the commands use it: by the standard library alone, which a trainer's machine has too."""

from __future__ import annotations

import http.client
import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

import click

from runcast import discovery, settings
from runcast.errors import RuncastError, ServerMissing

SERVER = "RUNCAST_SERVER"
SECONDS_MAX = 30.0  # For an answer to begin; how long it takes to arrive is not bounded.

server_option = click.option(
    "--server", envvar=SERVER, metavar="URL", help="Where the service is; default: the one that runs on this machine."
)


class Refused(RuncastError):
    """The service answered with an error, and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        self.status = status
        super().__init__(sentence)


class Service:
    """A service, by its address and its token."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url, self.token = url.rstrip("/"), token

    @classmethod
    def find(cls, url: str | None = None) -> Service:
        """Take the service of that address, or the one that runs on this machine; raises ServerMissing."""
        directory, token = settings.directory(os.environ), settings.read_token(os.environ)
        if url:
            if not url.startswith(("http://", "https://")):
                raise click.UsageError(f"--server is {url!r}; it begins with http:// or https://")
            return cls(url, token)
        found = discovery.read(directory)
        if found is None:
            raise ServerMissing(
                f"no service runs in {directory}; start one with `runcast up`, or name one with --server URL"
            )
        return cls(found.url, token)

    @contextmanager
    def open(self, path: str, **params: Any) -> Iterator[http.client.HTTPResponse]:
        """Ask for something, and read the answer as it comes; raises Refused and ServerMissing."""
        given = {key: value for key, value in params.items() if value is not None}
        url = f"{self.url}{path}" + (f"?{urlencode(given, doseq=True)}" if given else "")
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        request = urllib.request.Request(url, headers=headers)  # noqa: S310  # The scheme was checked, or is our own.
        try:
            with urllib.request.urlopen(request, timeout=SECONDS_MAX) as answer:  # noqa: S310
                yield answer
        except urllib.error.HTTPError as error:
            with error:
                raise Refused(error.code, _sentence(error)) from error
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise ServerMissing(f"no answer from the service at {self.url}: {reason}; see `runcast status`") from error

    def get(self, path: str, **params: Any) -> Any:
        """Ask for something and read it whole; NaN and infinities come as bare tokens."""
        with self.open(path, **params) as answer:
            return json.load(answer)

    # What it is asked.

    def projects(self) -> list[Mapping[str, Any]]:
        """List the projects."""
        return list(self.get("/api/v1/projects")["projects"])

    def runs(self, project: str, *, limit: int | None = None, **params: Any) -> Iterator[Mapping[str, Any]]:
        """List a project's runs, page by page."""
        cursor, given = None, 0
        while limit is None or given < limit:
            page = self.get(f"/api/v1/projects/{quote(project, safe='')}/runs", cursor=cursor, **params)
            for run in page["runs"]:
                if limit is not None and given >= limit:
                    return
                given += 1
                yield run
            cursor = page.get("next")
            if cursor is None:
                return

    def run(self, project: str, run: str) -> Mapping[str, Any]:
        """Give one run."""
        found: Mapping[str, Any] = self.get(run_path(project, run))
        return found

    def split(self, what: str) -> tuple[str, str | None]:
        """Read PROJECT or PROJECT/RUN; a project's own name may have slashes in it, so the service is asked."""
        project, slash, run = what.rpartition("/")
        if not slash or any(each["name"] == what for each in self.projects()):
            return what, None
        return project, run

    def history(self, project: str, run: str, **params: Any) -> Iterator[Mapping[str, Any]]:
        """Give a run's rows, merged by step."""
        with self.open(f"{run_path(project, run)}/history", **params) as answer:
            for line in answer:
                if line.strip():
                    yield json.loads(line)


def run_path(project: str, run: str) -> str:
    """Name a run's resource."""
    return f"/api/v1/projects/{quote(project, safe='')}/runs/{quote(run, safe='')}"


def _sentence(error: urllib.error.HTTPError) -> str:
    """Find the sentence in an error's body, wherever it came from."""
    try:
        body = json.loads(error.read(65536))
    except (ValueError, OSError):
        return f"{error.url} answered {error.code} {error.reason}"
    said = body.get("error") or body.get("detail") if isinstance(body, dict) else None
    if isinstance(said, dict):
        said = said.get("message")
    if error.code == 401:
        return f"{said or 'a token is needed'}; set RUNCAST_TOKEN or RUNCAST_TOKEN_FILE"
    return str(said or f"{error.url} answered {error.code} {error.reason}")
