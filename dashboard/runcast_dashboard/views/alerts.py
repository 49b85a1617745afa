"""Alerts: what a project's runs wanted somebody to know, and the rules by which they are watched."""

from __future__ import annotations

import streamlit as st

from runcast_dashboard import places
from runcast_dashboard.alerts import alerts

project, projects = places.project()
shown = alerts(project, projects=projects)
if shown.project:
    places.put(project=shown.project)
    st.rerun()
if shown.open:
    places.go("views/run.py", project=project, run=shown.open)
