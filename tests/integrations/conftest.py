"""Where programs of users run: unmodified, with `import wandb`, against a service of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tests.flow.running import Running, environment, up

from runcast.apis.api import Api
from runcast.service import run_path

PROGRAMS = Path(__file__).parent / "programs"
SECONDS_MAX = 240  # Libraries of this size take half a minute to import where four of them do at once.


def needs(*modules: str) -> pytest.MarkDecorator:
    """Skip a test whose libraries are not installed."""
    missing = [name for name in modules if find_spec(name.partition(".")[0]) is None]
    return pytest.mark.skipif(
        bool(missing), reason=f"{', '.join(missing)} not installed; `make test-integrations` has all of them"
    )


@dataclass(frozen=True)
class Seen:
    """What the service knows of a run."""

    service: Running
    record: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.record["id"])

    @property
    def config(self) -> Mapping[str, Any]:
        return dict(self.record["config"])

    @property
    def summary(self) -> Mapping[str, Any]:
        return dict(self.record["summary"])

    def history(self) -> list[Mapping[str, Any]]:
        """Every row."""
        return list(self.service.api.history(str(self.record["project"]), self.id))

    def rows(self, *keys: str) -> list[tuple[Any, ...]]:
        """The rows in which all of these keys are, as tuples of their values."""
        return [tuple(row[key] for key in keys) for row in self.history() if all(key in row for key in keys)]

    def kinds(self) -> Mapping[str, str]:
        """What it logged to be looked at: the kind of each, by its key."""
        held = ((key, value) for row in self.history() for key, value in row.items() if isinstance(value, dict))
        return {key: str(value["_type"]) for key, value in held if "_type" in value}

    def artifacts(self) -> list[tuple[str, str]]:
        """The names and versions of the artifacts that it made, in that order."""
        path = run_path(str(self.record["project"]), self.id)
        made = self.service.api.get(f"{path}/artifacts")["made"]
        return [(str(each["name"]), str(each["version"])) for each in made]

    def writers(self) -> list[str]:
        """The labels of the processes that wrote to it."""
        return [str(writer["label"]) for writer in self.record["writers"]]


@dataclass(frozen=True)
class Workshop:
    """A service, and a folder to work in."""

    service: Running
    folder: Path

    def run(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a program as `runcast run` does; it ends well and everything of it is stored."""
        done = subprocess.run(
            [sys.executable, "-m", "runcast.cli", "run", *words],
            env=environment(
                RUNCAST_DIR=str(self.service.directory), HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false", **environ
            ),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        assert "Synced " in done.stderr, done.stderr
        return done

    def program(self, name: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run one of the programs beside this file."""
        return self.run(str(PROGRAMS / f"{name}.py"), *arguments, **environ)

    def api(self) -> Api:
        """What a program reads with."""
        return Api(server=self.service.api.url)

    def seen(self, project: str) -> list[Seen]:
        """A project's runs, oldest first, as the service knows them."""
        listed = sorted(self.service.api.runs(project), key=lambda run: str(run["created"]))
        return [Seen(self.service, self.service.api.run(project, str(run["id"]))) for run in listed]

    def only(self, project: str) -> Seen:
        """A project's one run, which ended well."""
        [run] = self.seen(project)
        assert run.record["state"] == "finished"
        return run


@pytest.fixture(scope="session")
def _service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    # A short path: a unix socket's may have no more than about 100 bytes.
    with up(tmp_path_factory.mktemp("rc")) as service:
        yield service


@pytest.fixture
def workshop(_service: Running, tmp_path: Path) -> Workshop:
    """Give a service and an empty folder."""
    return Workshop(_service, tmp_path)
