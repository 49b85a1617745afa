"""Runs: a project's runs as a table, however many there are."""

from __future__ import annotations

import streamlit as st

from runcast_dashboard import places
from runcast_dashboard.table import table

project, projects = places.project()
shown = table(project, projects=projects, place=places.listing(), selected=places.selected())
places.keep_listing(shown.place)
if shown.selected is not None:
    st.session_state["selected"] = list(shown.selected)
if shown.project:
    places.put(project=shown.project)
    places.forget_listing()
    st.rerun()
if shown.open:
    places.go("views/run.py", project=project, run=shown.open)
if shown.live:
    places.keep_hidden(None)
    places.go("views/live.py", project=project, only=places.join(shown.live))
if shown.compare:
    places.go("views/compare.py", project=project, runs=places.join(shown.compare))
