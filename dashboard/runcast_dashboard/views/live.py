"""Live: every run of a project, as it logs."""

from __future__ import annotations

import streamlit as st

from runcast_dashboard import places
from runcast_dashboard.board import board, ticket

project, projects = places.project()
shown = board(
    project,
    projects=projects,
    key=f"live {project}",
    token=ticket(),
    options=places.options(),
    hidden=places.hidden(),
)
places.keep(shown.options)
if shown.hidden is not None:
    st.session_state["hidden"] = shown.hidden
if shown.project:
    places.put(project=shown.project)
    st.session_state["hidden"] = []
    st.rerun()
if shown.open:
    places.go("views/run.py", project=project, run=shown.open)
