"""What a run is, as W&B's client says it: the half of `Run` that is read, and named anew, while it goes on."""

from __future__ import annotations

import html
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

from runcast import events, names, told
from runcast.beginning import Beginning
from runcast.config import Config
from runcast.destination import Destination
from runcast.given import Settings as Given
from runcast.settings import Settings
from runcast.surroundings.wanted import Wanted
from runcast.writer import Writer


class RunStatus(NamedTuple):
    """How far what was logged is stored."""

    sync_items_total: int
    sync_items_pending: int
    sync_time: None = None


class ConfigStatic(dict[str, Any]):
    """A copy of a config, to be read by item and by attribute."""

    def __getattr__(self, key: str) -> Any:
        try:
            return self[key]
        except KeyError:
            raise AttributeError(f"the config has no {key!r}") from None

    def __setattr__(self, key: str, value: Any) -> None:
        raise AttributeError("this copy of the config can only be read; set values in run.config")


class Described:
    """What a run is. What changes is told to `_publish`."""

    __slots__ = (
        "__weakref__",
        "_beginning",
        "_config",
        "_destination",
        "_finished",
        "_name",
        "_notes",
        "_settings",
        "_start_time",
        "_tags",
        "_writer",
    )

    _beginning: Beginning
    _config: Config
    _finished: bool
    _writer: Writer

    def __init__(self, settings: Settings, beginning: Beginning) -> None:
        self._settings, self._beginning = settings, beginning
        self._destination = Destination(settings)
        self._name, self._notes, self._tags = beginning.name, beginning.notes, beginning.tags
        self._start_time = time.time()
        self._finished = False

    def _publish(self, event: events.Event) -> None:
        raise NotImplementedError

    # What it is called.

    @property
    def id(self) -> str:
        """The run's id within its project."""
        return self._beginning.run_id

    @property
    def project(self) -> str:
        """The project that groups it."""
        return self._beginning.project

    @property
    def path(self) -> str:
        """`project/id`: the run's name within everything."""
        return self._beginning.path

    @property
    def name(self) -> str:
        """The display name; it may be changed while the run goes on."""
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        name = names.check_name("run name", str(name))
        self._publish(events.Rename(time.time_ns(), name))
        self._name = name

    @property
    def notes(self) -> str | None:
        """What was noted about it; it may be changed while the run goes on."""
        return self._notes or None

    @notes.setter
    def notes(self, notes: str | None) -> None:
        self._publish(events.Describe(time.time_ns(), {"notes": notes or ""}))
        self._notes = notes or ""

    @property
    def tags(self) -> tuple[str, ...]:
        """Its tags; they may be changed while the run goes on."""
        return self._tags

    @tags.setter
    def tags(self, tags: Iterable[str]) -> None:
        found = told.tags(tags)
        self._publish(events.Describe(time.time_ns(), {"tags": list(found)}))
        self._tags = found

    @property
    def group(self) -> str:
        """The group of runs that it belongs to."""
        return self._beginning.group

    @property
    def job_type(self) -> str:
        """What kind of work it is, such as `train` or `eval`."""
        return self._beginning.job_type

    @property
    def entity(self) -> str:
        """Whose it is, as `init` was told; a server of one's own has no accounts."""
        return self._settings.entity

    @property
    def sweep_id(self) -> str | None:
        """The sweep that it is a trial of."""
        return self._settings.sweep_id or None

    @property
    def settings(self) -> Given:
        """Its settings, under W&B's names."""
        own = self._settings
        return Given(
            **{
                **own.given,
                "project": self.project,
                "entity": own.entity,
                "run_id": self.id,
                "run_name": self._name,
                "run_notes": self.notes,
                "run_tags": self._tags,
                "run_group": self.group,
                "run_job_type": self.job_type,
                "mode": told.SHARED if own.shared else own.mode,
                "silent": own.silent,
                "quiet": own.quiet,
                "resumed": self.resumed,
                "root_dir": str(own.root or own.directory),
                "strict_steps": own.strict_steps,
            }
        )

    @property
    def wanted(self) -> Wanted:
        """What of its surroundings is kept."""
        return self._settings.wanted

    @property
    def config_static(self) -> ConfigStatic:
        """A copy of the config, which only can be read."""
        return ConfigStatic(self._config.as_dict())

    # Where it is seen.

    @property
    def url(self) -> str | None:
        """The page with the run's curves, or None while no server is known."""
        return self._destination.run_page(self.project, self.id) if self._settings.mode != "disabled" else None

    @property
    def project_url(self) -> str | None:
        """The page with the project's runs, or None while no server is known."""
        return self._destination.project_page(self.project) if self._settings.mode != "disabled" else None

    @property
    def sweep_url(self) -> str | None:
        """There is no page of a sweep: None."""
        return None

    def get_url(self) -> str | None:
        """Name the run's page, as older programs ask for it."""
        return self.url

    def get_project_url(self) -> str | None:
        """Name the project's page, as older programs ask for it."""
        return self.project_url

    def project_name(self) -> str:
        """Name the project, as older programs ask for it."""
        return self.project

    def to_html(self, height: int = 420, hidden: bool = False) -> str:
        """Write a frame with the run's page in it, for a notebook; hidden behind a button if asked for."""
        address = html.escape(self.url or "", quote=True)
        style = f"border:none;width:100%;height:{int(height)}px;" + ("display:none;" if hidden else "")
        button = (
            "<button onClick=\"this.nextSibling.style.display='block';this.style.display='none';\">"
            "Display Runcast run</button>"
            if hidden
            else ""
        )
        return f'{button}<iframe src="{address}" style="{style}"></iframe>'

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Show it in a notebook's cell."""
        del include, exclude
        return {"text/html": self.to_html(hidden=True), "text/plain": repr(self)}

    # How it is.

    @property
    def starting_step(self) -> int:
        """The first step of this process: behind what there was, when the run is resumed."""
        return self._beginning.step

    @property
    def start_time(self) -> float:
        """When this process began it, in seconds since 1970."""
        return self._start_time

    @property
    def resumed(self) -> bool:
        """Whether it goes on with a run that was there."""
        return self._beginning.resumed

    @property
    def offline(self) -> bool:
        """Whether it stays in its journal until `runcast sync`."""
        return self._settings.mode == "offline"

    @property
    def disabled(self) -> bool:
        """Whether nothing of it is kept."""
        return self._settings.mode == "disabled"

    @property
    def finished(self) -> bool:
        """Whether `finish` was called."""
        return self._finished

    @property
    def _attach_id(self) -> str:
        """What `_attach` finds it by, in another process too."""
        return self.path

    def status(self) -> RunStatus:
        """Say how much of what was logged is stored."""
        return RunStatus(self._writer.journal.sequence, self._writer.waiting)

    def __repr__(self) -> str:
        return f"<Run {self.path} {'finished' if self._finished else 'running'}>"
