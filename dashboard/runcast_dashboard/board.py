"""The one component of our own.

Python hands it a few hundred bytes of settings; points never pass through Streamlit.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

from runcast.tickets import LIVE, LIVE_SECONDS, mint
from runcast_dashboard.settings import current

NAME = "runcast.board"


def declare() -> None:
    """Tell Streamlit where the component's files lie, unless it knows.

    It looks for them in the package that has the distribution's name; ours lie in another one of the same
    distribution, so the manifest that it would look for is handed to it.
    """
    manager = get_bidi_component_manager()
    if manager.get_component_asset_root(NAME) is None:
        manifest = ComponentManifest("runcast", "1", [ComponentConfig("board", asset_dir="assets")])
        manager.register_from_manifest(manifest, Path(__file__).parent)


declare()
_board = st.components.v2.component(NAME, js="board.js", css="board.css")


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
    options: Mapping[str, object] | None = None,
    hidden: Sequence[str] = (),
) -> Any:
    """Show a project live, or one run of it.

    The key must not change while the same thing is shown: another key is another board. The result has
    `options` and `hidden` as the reader set them, and for one rerun `open` (a run's id), `project` or `renew`.
    """

    def changed() -> None:
        """Exist: without a callback the result has no such attribute."""

    declare()
    return _board(
        key="board-" + sha256(key.encode()).hexdigest(),  # Streamlit refuses some of what a project may be called.
        data={
            "project": project,
            "projects": list(projects),
            "run": dict(run) if run is not None else None,
            "url": current().live,
            "token": token,
            "options": dict(options or {}),
            "hidden": list(hidden),
        },
        on_options_change=changed,
        on_hidden_change=changed,
        on_open_change=changed,
        on_project_change=changed,
        on_renew_change=changed,
        height="content",
        width="stretch",
    )
