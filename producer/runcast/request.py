"""What one `init` was told: its keywords, its `settings`, and what of both nobody knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from runcast import told
from runcast.config import choose, read_config, read_files
from runcast.given import Settings as Given
from runcast.settings import DEFAULT, Settings

DEFAULTS = "config-defaults.yaml"  # Read where a program begins, if it is there; W&B's name.

# What `init` calls a setting, and what `Settings` calls it.
_KEYWORDS = {
    "project": "project",
    "entity": "entity",
    "id": "run_id",
    "name": "run_name",
    "notes": "run_notes",
    "group": "run_group",
    "job_type": "run_job_type",
    "mode": "mode",
    "dir": "root_dir",
    "reinit": "reinit",
    "resume": "resume",
    "resume_from": "resume_from",
    "fork_from": "fork_from",
    "save_code": "save_code",
    "sync_tensorboard": "sync_tensorboard",
    "tensorboard": "sync_tensorboard",
    "strict_steps": "strict_steps",
}
_ELSEWHERE = frozenset("tags config config_exclude_keys config_include_keys settings monitor_gym".split())
_NEEDLESS = frozenset("allow_val_change anonymous force".split())


class Request:
    """One call of `init`."""

    def __init__(self, words: Mapping[str, Any]) -> None:
        self._words = words
        self._given = Given(**(words.get("settings") or {}))

    def layers(self) -> list[tuple[str, Mapping[str, Any]]]:
        """Give what it says of settings, under W&B's names, and where it says it."""
        now = {name: self._words[key] for key, name in _KEYWORDS.items() if self._words.get(key) is not None}
        return [("init(settings=)", self._given), ("init()", now)]

    def config(self, settings: Settings) -> dict[str, Any]:
        """Read what the run is configured with: the files of defaults, and what was given; raises UsageError."""
        given = choose(
            read_config(self._words.get("config")),
            include=self._words.get("config_include_keys"),
            exclude=self._words.get("config_exclude_keys"),
        )
        defaults = settings.config_paths
        if settings.sources["config_paths"] == DEFAULT and Path(DEFAULTS).is_file():
            defaults = (DEFAULTS,)  # Whoever names files, or none, means no others.
        return {**read_files(defaults), **given}

    def tags(self, settings: Settings) -> tuple[str, ...]:
        """Give the run's tags; raises UsageError."""
        return told.tags(self._words.get("tags") or settings.tags)

    def warnings(self) -> Iterator[str]:
        """Name what is not known, and what is and does nothing here."""
        if unknown := sorted(self._words.keys() - _KEYWORDS.keys() - _ELSEWHERE - _NEEDLESS):
            yield f"init() does not know {', '.join(unknown)}; ignored"
        if self._given.unknown:
            yield f"Settings() does not know {', '.join(self._given.unknown)}; ignored"
        if self._words.get("monitor_gym"):
            yield "monitor_gym is ignored: log videos with Video()"
