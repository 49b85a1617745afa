"""The board: what moves on a page.

Python hands it a few hundred bytes of settings; points never pass through Streamlit.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from runcast.tickets import LIVE, LIVE_SECONDS, mint
from runcast_dashboard.components import component, declare, ignored
from runcast_dashboard.settings import current

_board = component("board")


def ticket() -> str:
    """Make what lets a reader of these pages open the live websocket; empty where no token is asked for."""
    secret = current().token
    return mint(secret, LIVE, now=time.time(), seconds=LIVE_SECONDS) if secret else ""


def board(
    project: str,
    *,
    projects: Sequence[str],
    key: str,
    token: str = "",
    run: Mapping[str, object] | None = None,
    runs: Sequence[str] | None = None,
    options: Mapping[str, object] | None = None,
    hidden: Sequence[str] = (),
    only: Sequence[str] | None = None,
    moment: Mapping[str, object] | None = None,
) -> Any:
    """Show a project live, or one run of it, or `runs` by their ids.

    `hidden` are runs that are switched off at first; with `only`, so are any others that begin later.
    The key must not change while the same thing is shown: another key is another board. The result has
    `options` and `hidden` as the reader set them, and for one rerun `open` (a run's id), `project`,
    `compare` or `renew`.
    """
    declare()
    return _board(
        key="board-" + sha256(key.encode()).hexdigest(),  # Streamlit refuses some of what a project may be called.
        data={
            "project": project,
            "projects": list(projects),
            "run": dict(run) if run is not None else None,
            "runs": None if runs is None else list(runs),
            "url": current().live,
            "token": token,
            "options": dict(options or {}),
            "hidden": list(hidden),
            "only": None if only is None else list(only),
            "moment": dict(moment) if moment else None,
        },
        on_options_change=ignored,
        on_hidden_change=ignored,
        on_open_change=ignored,
        on_project_change=ignored,
        on_compare_change=ignored,
        on_renew_change=ignored,
        height="content",
        width="stretch",
    )
