"""What is behind a run when it begins: the same run, as it was left, or a moment of it or of another one.

The store keeps what was there before, under whatever id; here is decided what is asked of it, and from which step on
this process goes. That is read from the service, for only there it is known what other processes logged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from runcast import events
from runcast.errors import RuncastError, UsageError
from runcast.names import run_path

_MOMENT = re.compile(r"(?P<run>[^?]+)\?(?P<metric>[\w./-]+)=(?P<value>\d+)")

Ask = Callable[[str], Mapping[str, Any] | None]
"""Gives what the service knows of a run's id, None if it knows of none; raises RuncastError if it cannot be asked."""


class Moment(NamedTuple):
    """A run, up to and with a step."""

    run: str
    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """What a run begins with."""

    begin: str = events.JOIN
    base: str = ""
    base_step: int = 0
    step: int = 0
    name: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    notes: str = ""
    resumed: bool = False
    warning: str = ""


def read_moment(what: str, text: str) -> Moment:
    """Read `ID?_step=N`; raises UsageError."""
    found = _MOMENT.fullmatch(text)
    if found is None or found["metric"] != "_step":
        raise UsageError(f"{what} is {text!r}; it is a run's id and a step, such as 'ans3bsax?_step=123'")
    return Moment(found["run"], int(found["value"]))


def behind(
    *,
    project: str,
    run_id: str | None,
    overwrite: bool,
    resume: str = "",
    resume_from: str = "",
    fork_from: str = "",
    ask: Ask,
) -> Behind:
    """Decide what a run begins with; `overwrite` says that `run_id` is this run's alone. Raises UsageError."""
    if sum(map(bool, (resume, resume_from, fork_from))) > 1:
        raise UsageError("resume, resume_from and fork_from are three ways to begin; give one of them")
    if resume_from:
        return _rewound(project, run_id, read_moment("resume_from", resume_from), ask)
    if fork_from:
        return _forked(project, run_id, read_moment("fork_from", fork_from), ask)
    if resume:
        return _resumed(project, run_id, resume, ask)
    return Behind(begin=events.FRESH if overwrite else events.JOIN)


def _rewound(project: str, run_id: str | None, moment: Moment, ask: Ask) -> Behind:
    if run_id is not None and run_id != moment.run:
        raise UsageError(f"id is {run_id!r}, but resume_from goes back in {moment.run!r}; leave one of them out")
    found, warning = _asked(ask, moment.run)
    if found is None and not warning:
        raise UsageError(f"resume_from goes back in {moment.run!r}, which is no run of {project!r}")
    return _at(moment, events.REWIND, run_path(project, moment.run), found, warning, resumed=True)


def _forked(project: str, run_id: str | None, moment: Moment, ask: Ask) -> Behind:
    if run_id == moment.run:
        raise UsageError(f"fork_from branches off {moment.run!r}, so id must be another; resume_from goes back in it")
    found, warning = _asked(ask, moment.run)
    if found is None and not warning:
        raise UsageError(f"fork_from branches off {moment.run!r}, which is no run of {project!r}")
    return _at(moment, events.FRESH, run_path(project, moment.run), found, warning, resumed=False)


def _at(
    moment: Moment, begin: str, base: str, found: Mapping[str, Any] | None, warning: str, *, resumed: bool
) -> Behind:
    config = dict(found.get("config") or {}) if found else {}
    return Behind(
        begin=begin,
        base=base,
        base_step=moment.step,
        step=moment.step + 1,
        name=str(found["name"]) if found and resumed else None,
        config=config,
        resumed=resumed,
        warning=warning,
    )


def _resumed(project: str, run_id: str | None, resume: str, ask: Ask) -> Behind:
    if run_id is None:
        if resume == "must":
            raise UsageError("resume is 'must', and no id says what to resume; give the run's id, or resume='allow'")
        return Behind()
    found, warning = _asked(ask, run_id)
    if resume == "must" and found is None:
        raise UsageError(
            f"resume is 'must', but {warning}"
            if warning
            else f"resume is 'must', but there is no run {run_id!r} in {project!r}; resume='allow' begins one"
        )
    if resume == "never" and found is not None:
        raise UsageError(f"resume is 'never', but there is a run {run_id!r} in {project!r}; leave id out, or resume it")
    if found is None:
        return Behind(warning=warning)
    return Behind(
        step=int(found.get("steps") or 0),
        name=str(found["name"]),
        config=found.get("config") or {},
        summary=found.get("summary") or {},
        tags=tuple(found.get("tags") or ()),
        notes=str(found.get("notes") or ""),
        resumed=True,
    )


def _asked(ask: Ask, run_id: str) -> tuple[Mapping[str, Any] | None, str]:
    """Ask for a run; gives why nobody knows instead of raising it."""
    try:
        return ask(run_id), ""
    except RuncastError as error:
        return None, f"what there is of {run_id!r} cannot be asked: {error}"
