"""What a run does beside logging rows: tell somebody, keep files, watch a model, speak of itself."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Mapping
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from runcast import alerts, events
from runcast.beginning import Beginning
from runcast.errors import RunFinished
from runcast.folder import Folder
from runcast.making import Making
from runcast.restoring import restore
from runcast.rows import plain
from runcast.saving import LIVE, check_policy, find
from runcast.settings import Settings
from runcast.watching import EVERY, KINDS, Watch, models_of

if TYPE_CHECKING:
    from runcast.surroundings.attend import Surroundings


class Beside(Making):
    """A run without its rows, which `Run` adds."""

    __slots__ = ("_folder", "_step", "_surroundings", "_waits", "_watches")

    _step: int

    def __init__(self, settings: Settings, beginning: Beginning) -> None:
        super().__init__(settings, beginning)
        self._folder = Folder(settings, self.id, self._start_time)
        self._waits = alerts.Waits(time.monotonic)
        self._watches: list[Watch] = []
        self._surroundings: Surroundings | None = None

    def log(self, data: Mapping[str, Any], step: int | None = None, commit: bool | None = None, **_: Any) -> None:
        """Log a row."""
        raise NotImplementedError

    def keep_file(self, name: str, path: Path) -> bool:
        """Add a file that lies somewhere, as it is now; says whether it is kept."""
        raise NotImplementedError

    def _join(self) -> None:
        raise NotImplementedError

    def mark(self) -> None:
        """Leave the run's id in its folder, where one was given."""
        self._folder.mark()

    @property
    def dir(self) -> str:
        """A folder for its files; what lies there when it ends belongs to it."""
        return str(self._folder.files())

    @property
    def sync_dir(self) -> str:
        """The folder around `dir`."""
        return str(self._folder.files().parent)

    def alert(
        self,
        title: str,
        text: str = "",
        level: str | alerts.AlertLevel | None = None,
        wait_duration: float | timedelta | None = None,
    ) -> None:
        """Tell somebody; an alert of the same title within `wait_duration` (seconds, or a timedelta) is left out.

        Raises ValueError for a level other than INFO, WARN and ERROR.
        """
        how_bad = alerts.level_of(level)
        if self._finished:
            raise RunFinished(self.id, "alert")
        if self._waits.may(str(title), wait_duration):
            self._publish(events.Alert(time.time_ns(), plain(str(title)), plain(str(text)), how_bad, self._step))

    def save(
        self,
        glob_str: str | os.PathLike[str] | None = None,
        base_path: str | os.PathLike[str] | None = None,
        policy: str = LIVE,
    ) -> list[str] | bool:
        """Add files to the run, and give where they stand in its folder; True when there is nothing to do.

        With the policies `live` and `end` a file is kept as it is when the run ends, with `now` as it is now.
        Raises ValueError for another policy, and UsageError for a file that is not below `base_path`.
        """
        if self._finished:
            raise RunFinished(self.id, "save")
        check_policy(policy)
        if glob_str is None:
            return True
        self._join()
        return [str(self._folder.take(saved, policy, self.keep_file)) for saved in find(glob_str, base_path)]

    def restore(
        self,
        name: str,
        run_path: str | None = None,
        replace: bool = False,
        root: str | os.PathLike[str] | None = None,
    ) -> IO[str]:
        """Give a file of this run, or of that of `run_path`, open for reading; see `restoring.restore`."""
        return restore(
            name,
            run_path=run_path or self.path,
            root=Path(root).absolute() if root is not None else self._folder.files(),
            replace=replace,
            destination=self._destination,
            token=self._settings.token,
        )

    def watch(
        self,
        models: Any,
        criterion: Any = None,
        log: str | None = "gradients",
        log_freq: int = EVERY,
        idx: int | None = None,
        log_graph: bool = False,
    ) -> None:
        """Log histograms of a PyTorch model's `gradients`, its `parameters` or `all`, at every `log_freq`-th batch.

        They stand in the row that is logged next. Raises TypeError for what is no model, and ValueError for one that
        is watched already. Graphs are not drawn: `criterion` and `log_graph` do nothing.
        """
        del criterion, log_graph
        if self._finished:
            raise RunFinished(self.id, "watch")
        if log not in KINDS:
            raise ValueError(f"log is {log!r}; it is 'gradients', 'parameters', 'all' or None")
        for model in models_of(models):
            if any(watch.model is model for watch in self._watches):
                raise ValueError("You can only call `watch` once per model; `unwatch` it first")
            number = len(self._watches) if idx is None else idx
            self._watches.append(Watch(model, what=log, every=log_freq, number=number, log=self._log_beside))

    def _log_beside(self, row: Mapping[str, Any]) -> None:
        if not self._finished:
            self.log(row, commit=False)

    def unwatch(self, models: Any = None) -> None:
        """Watch these models no more; without any, none."""
        gone = None if models is None else models_of(models)
        for watch in self._watches[:]:
            if gone is None or any(watch.model is model for model in gone):
                watch.end()
                self._watches.remove(watch)

    def mark_preempting(self) -> None:
        """Say that whoever lent the machine takes it back soon."""
        self._publish(events.Describe(time.time_ns(), {"preempting": True}))

    def pin_config_keys(self, keys: Iterable[str] = ()) -> None:
        """Say which config keys are looked at first."""
        self._publish(events.Describe(time.time_ns(), {"pinned_config": [plain(str(key)) for key in keys]}))

    def write_logs(self, text: str) -> None:
        """Add text to the run's console without printing it."""
        if self._finished:
            raise RunFinished(self.id, "write_logs")
        if self._surroundings is not None:
            self._surroundings.write(str(text))

    def display(self, height: int = 420, hidden: bool = False) -> bool:
        """Show the run's page in a notebook; False where there is none."""
        notebook = sys.modules.get("IPython.display")
        if notebook is None or self.url is None or "ipykernel" not in sys.modules:
            return False
        notebook.display(notebook.HTML(self.to_html(height, hidden)))
        return True

    def _tensorboard_callback(self, logdir: str, save: bool = True, root_logdir: str = "") -> None:
        """Log what is written for TensorBoard in a folder; libraries call it."""
        del save, root_logdir
        follower = import_module("runcast.integration.tensorboard").Follower.of(self)
        follower.watch(Path(logdir), (), None)

    def _label(self, repo: str | None = None, code: str | None = None, **_: object) -> None:
        """Take what a library says of the program it is in; transformers calls it."""
        if labels := {key: value for key, value in (("repo", repo), ("code", code)) if value is not None}:
            self._publish(events.Describe(time.time_ns(), {"label": labels}))
