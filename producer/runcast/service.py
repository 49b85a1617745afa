"""A service's REST API as programs and commands use it: by the standard library alone, as a trainer has no more."""

from __future__ import annotations

import http.client
import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from runcast import discovery, settings
from runcast.errors import RuncastError, ServerMissing, UsageError
from runcast.surroundings.secrets import mask_text

NAMED_RUNS_MAX = 1000  # Looked at for a run's name, the latest first; beyond them an id is what helps.
SECONDS_MAX = 30.0  # For an answer to begin; how long it takes to arrive is not bounded.

_UNASKED = "the service asks for its token; set RUNCAST_TOKEN, or RUNCAST_TOKEN_FILE to the file that holds it"
_MISTAKEN = "the service has another token than the one in RUNCAST_TOKEN or RUNCAST_TOKEN_FILE"


class Refused(RuncastError):
    """The service answered with an error, and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        self.status = status
        super().__init__(sentence)


class Service:
    """A service, by its address and its token."""

    def __init__(self, url: str, token: str | None = None, *, seconds_max: float = SECONDS_MAX) -> None:
        self.url, self.token, self._seconds_max = url.rstrip("/"), token, seconds_max

    @classmethod
    def find(cls, url: str | None = None, directory: Path | None = None) -> Service:
        """Take the service of that address, or the one that runs on this machine; raises ServerMissing."""
        directory = directory or settings.directory(os.environ)
        token = settings.token_of(os.environ, directory)
        if url:
            if not url.startswith(("http://", "https://")):
                raise UsageError(f"the service is {mask_text(url)!r}; its address begins with http:// or https://")
            return cls(url, token)
        found = discovery.read(directory)
        if found is None:
            raise ServerMissing(
                f"no service runs in {directory}; start one with `runcast up`, or name one elsewhere with --server URL"
            )
        return cls(found.url, token)

    @contextmanager
    def open(
        self, path: str, *, method: str = "GET", body: Any = None, **params: Any
    ) -> Iterator[http.client.HTTPResponse]:
        """Ask for something, and read the answer as it comes; raises Refused and ServerMissing."""
        given = {key: value for key, value in params.items() if value is not None}
        url = f"{self.url}{path}" + (f"?{urlencode(given, doseq=True)}" if given else "")
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310  # The scheme was checked, or is our own.
        try:
            answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=self._seconds_max)  # noqa: S310
        except urllib.error.HTTPError as error:
            with error:
                said = _MISTAKEN if self.token else _UNASKED
                raise Refused(error.code, said if error.code == 401 else _sentence(error)) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._missing(error) from error
        with answer:
            try:
                yield answer
            except BrokenPipeError:
                raise  # Of whoever reads what we print, not of the service: we only listen to it.
            except (ConnectionError, TimeoutError, http.client.HTTPException) as error:
                raise self._missing(error) from error

    def _missing(self, error: Exception) -> ServerMissing:
        reason = getattr(error, "reason", error)
        said = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
        if isinstance(error, http.client.InvalidURL):
            said = "that is no address; it has a host, maybe a port, and nobody's name"  # It would repeat a password.
        return ServerMissing(f"no answer from a service at {mask_text(self.url)}: {said}; is it running there?")

    def get(self, path: str, **params: Any) -> Any:
        """Ask for something and read it whole; NaN and infinities come as bare tokens."""
        with self.open(path, **params) as answer:
            return json.load(answer)

    def post(self, path: str, body: Any = None, **params: Any) -> Any:
        """Have something done, and read the answer; `body` goes as JSON."""
        with self.open(path, method="POST", body=body, **params) as answer:
            return json.load(answer)

    def delete(self, path: str) -> Any:
        """Have something taken away, and read the answer."""
        with self.open(path, method="DELETE") as answer:
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
        """Read PROJECT or PROJECT/RUN; a project's own name may have slashes in it, so the service is asked.

        A project need not be there yet; of one that is, the run is: raises what `locate` raises.
        """
        project, slash, run = what.rpartition("/")
        projects = {each["name"] for each in self.projects()} if slash else set()
        if not slash or what in projects:
            return what, None
        return self.locate(what) if project in projects and run else (project, run)

    def locate(self, what: str) -> tuple[str, str]:
        """Read PROJECT/RUN, where RUN is an id or a name that one run alone has; raises UsageError and Refused."""
        project, _, run = what.rpartition("/")
        if not project or not run:
            raise UsageError(f"{what!r} names no run; write PROJECT/RUN (`runcast ls {what.strip('/')}` lists them)")
        try:
            return project, str(self.run(project, run)["id"])
        except Refused as error:
            if error.status != 404 or not (named := self._by_name(project, run)):
                raise
            return project, named

    def _by_name(self, project: str, name: str) -> str | None:
        """Find the id of the run of that name, None if there is none; raises UsageError if there are several."""
        named = [str(run["id"]) for run in self.runs(project, limit=NAMED_RUNS_MAX) if run["name"] == name]
        if len(named) > 1:
            raise UsageError(f"{len(named)} runs of {project!r} are called {name!r}; use an id: {', '.join(named[:5])}")
        return named[0] if named else None

    def history(self, project: str, run: str, **params: Any) -> Iterator[Mapping[str, Any]]:
        """Give a run's rows, merged by step."""
        with self.open(f"{run_path(project, run)}/history", **params) as answer:
            for line in answer:
                if line.strip():
                    yield json.loads(line)


def rules_path(project: str) -> str:
    """Name the resource of a project's alert rules."""
    return f"/api/v1/projects/{quote(project, safe='')}/rules"


def run_path(project: str, run: str) -> str:
    """Name a run's resource."""
    return f"/api/v1/projects/{quote(project, safe='')}/runs/{quote(run, safe='')}"


def _sentence(error: urllib.error.HTTPError) -> str:
    """Find the sentence in an error's body, wherever it came from."""
    try:
        body = json.loads(error.read(65536))
    except (ValueError, OSError):
        return f"{mask_text(error.url)} answered {error.code} {error.reason}"
    said = body.get("error") or body.get("detail") or body.get("status") if isinstance(body, dict) else None
    if isinstance(said, dict):
        said = said.get("message")
    return str(said or f"{mask_text(error.url)} answered {error.code} {error.reason}")
