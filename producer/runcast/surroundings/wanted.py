"""What of a run's surroundings is wanted: everything, unless a variable or a setting says otherwise."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from runcast.errors import UsageError

SYSTEM = "RUNCAST_SYSTEM"
SYSTEM_SECONDS = "RUNCAST_SYSTEM_SECONDS"
META = "RUNCAST_META"
GIT = "RUNCAST_GIT"
CODE = "RUNCAST_CODE"
CONSOLE = "RUNCAST_CONSOLE"
THEIRS = {  # W&B's variable for each: some say the opposite.
    SYSTEM: "WANDB__DISABLE_STATS",
    SYSTEM_SECONDS: "WANDB__STATS_SAMPLING_INTERVAL",
    META: "WANDB__DISABLE_META",
    GIT: "WANDB_DISABLE_GIT",
    CODE: "WANDB_DISABLE_CODE",
    CONSOLE: "WANDB_CONSOLE",
}

OFF, AUTO, WRAP, REDIRECT = "off", "auto", "wrap", "redirect"
CONSOLES = (OFF, AUTO, WRAP, REDIRECT)
SECONDS_MIN, SECONDS_MAX = 0.1, 3600.0  # Between two samples.

_NO = frozenset({"0", "false", "no", "off"})
_YES = frozenset({"1", "true", "yes", "on"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which surroundings are kept with a run. Each variable is in docs/settings.md."""

    samples: bool = True  # How CPU, memory, disk, network and GPUs do.
    every_seconds: float = 5.0
    facts: bool = True  # Machine, Python, packages, command line, the scheduler's words.
    git: bool = True  # Commit, branch, remote …
    code: bool = True  # … and what is changed on top of it.
    console: str = AUTO

    @property
    def anything(self) -> bool:
        """Whether there is anything to do."""
        return self.samples or self.facts or self.git or self.console != OFF

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Wanted:
        """Read the variables, W&B's where ours say nothing; raises UsageError for what is neither."""
        off = {
            "samples": _switch(environ, SYSTEM),
            "facts": _switch(environ, META),
            "git": _switch(environ, GIT),
            "code": _switch(environ, CODE),
        }
        switched: dict[str, Any] = {name: on for name, on in off.items() if on is not None}
        wanted = cls(**switched)
        if seconds := environ.get(SYSTEM_SECONDS) or environ.get(THEIRS[SYSTEM_SECONDS]):
            wanted = replace(wanted, every_seconds=_seconds(SYSTEM_SECONDS, seconds))
        if console := environ.get(CONSOLE) or environ.get(THEIRS[CONSOLE]):
            wanted = replace(wanted, console=_console(CONSOLE, console))
        return wanted

    def changed(self, given: Mapping[str, Any]) -> Wanted:
        """Take over what `Settings` say, under W&B's names; names of other settings are not looked at."""
        changes: dict[str, Any] = {}
        for name, field in _DISABLE.items():
            if given.get(name) is not None:
                changes[field] = not given[name]
        if given.get("save_code") is not None:
            changes["code"] = bool(given["save_code"])
        if given.get("x_stats_sampling_interval") is not None:
            changes["every_seconds"] = _seconds("x_stats_sampling_interval", given["x_stats_sampling_interval"])
        if given.get("console") is not None:
            changes["console"] = _console("console", str(given["console"]))
        return replace(self, **changes)


_DISABLE = {
    "x_disable_stats": "samples",
    "x_disable_meta": "facts",
    "disable_git": "git",
    "disable_code": "code",
}
NAMES = frozenset((*_DISABLE, "save_code", "x_stats_sampling_interval", "console"))
"""What `Settings` calls them."""


def _switch(environ: Mapping[str, str], ours: str) -> bool | None:
    """Read a variable of ours that says yes or no, or one of W&B's that says the opposite."""
    if text := environ.get(ours, "").lower():
        if text not in _NO | _YES:
            raise UsageError(f"{ours} is {text!r}; it is 0 or 1")
        return text in _YES
    # Theirs may hold what only their client understands: then it is left at what it is.
    text = environ.get(THEIRS[ours], "").lower()
    return False if text in _YES else True if text in _NO else None


def _seconds(name: str, given: Any) -> float:
    try:
        seconds = float(given)
    except (TypeError, ValueError):
        seconds = math.nan
    if not SECONDS_MIN <= seconds <= SECONDS_MAX:
        raise UsageError(f"{name} is {given!r}; it is a number of seconds from {SECONDS_MIN} to {SECONDS_MAX:.0f}")
    return seconds


def _console(name: str, given: str) -> str:
    mode = given.lower()
    if mode not in CONSOLES and not mode.startswith((WRAP, REDIRECT)):  # W&B has variants such as `wrap_raw`.
        raise UsageError(f"{name} is {given!r}; it is one of {', '.join(CONSOLES)}")
    return next(known for known in CONSOLES if mode.startswith(known))
