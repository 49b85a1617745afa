"""Where the reader is: which project, which run, with which settings of the board.

It stands in the address, so that a link shows the same; and in the session, because
Streamlit drops the address's query when the reader goes to another page.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import streamlit as st

from runcast_dashboard import client
from runcast_dashboard.lessons import no_answer, no_project

AXES = ("step", "rel", "wall")
FLAGS = ("log", "outliers", "fold")
Options = dict[str, object]


def project() -> tuple[str, list[str]]:
    """Return the project to show and the names of all; where there is none, teach and stop the page."""
    try:
        names = [str(one["name"]) for one in client.projects()]
    except client.Unanswered as error:
        no_answer(error)
    asked = st.query_params.get("project") or st.session_state.get("project")
    if not names and not asked:
        no_project()
    chosen = str(asked or names[0])
    put(project=chosen)
    return chosen, names


def put(**place: str) -> None:
    """Write where the reader is now into the address and the session."""
    for name, value in place.items():
        st.session_state[name] = value
        if st.query_params.get(name) != value:
            st.query_params[name] = value


def recall(name: str) -> str | None:
    """Return part of the place, from the address or, after a change of page, from the session."""
    found = st.query_params.get(name) or st.session_state.get(name)
    return str(found) if found else None


def options() -> Options:
    """Return the board's settings: the reader's, or those of the link that they opened."""
    if "options" not in st.session_state:
        st.session_state["options"] = parse(st.query_params)
    kept: Options = st.session_state["options"]
    return kept


def keep(given: Mapping[str, object] | None) -> None:
    """Keep the board's settings, and put them in the address for others to open."""
    if given:
        st.session_state["options"] = dict(given)
    for name, value in format_options(st.session_state.get("options", {})).items():
        if st.query_params.get(name) != value:
            st.query_params[name] = value


def hidden() -> list[str]:
    """Return the runs that the reader hid on the board of the project shown."""
    kept: list[str] = st.session_state.get("hidden", [])
    return kept


def parse(query: Mapping[str, str]) -> Options:
    """Read the board's settings from a link."""
    found: Options = {}
    with contextlib.suppress(KeyError, ValueError):  # A link that was cut or mistyped shows the default.
        found["smooth"] = min(0.99, max(0.0, float(query["smooth"])))
    if query.get("axis") in AXES:
        found["axis"] = query["axis"]
    for flag in FLAGS:
        if query.get(flag) in {"0", "1"}:
            found[flag] = query[flag] == "1"
    return found


def format_options(given: Mapping[str, object]) -> dict[str, str]:
    """Write the board's settings for a link."""
    texts = {name: str(given[name]) for name in ("smooth", "axis") if name in given}
    return texts | {name: "1" if given[name] else "0" for name in FLAGS if name in given}


def go(page: str, **place: str) -> None:
    """Take the reader to another page."""
    for name, value in place.items():
        st.session_state[name] = value
    st.switch_page(page, query_params=place)
