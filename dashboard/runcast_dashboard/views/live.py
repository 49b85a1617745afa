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
    only=places.only(),
    moment=places.moment(),
)
places.keep(shown.options)
if shown.hidden is not None:
    places.keep_hidden(shown.hidden)
if shown.project:
    places.put(project=shown.project)
    places.keep_hidden(None)
    st.rerun()
if shown.open:
    places.go("views/run.py", project=project, run=shown.open)
