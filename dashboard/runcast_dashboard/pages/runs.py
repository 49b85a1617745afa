"""Runs: a project's runs as a table that stays true while it is looked at."""

from __future__ import annotations

import streamlit as st

from runcast_dashboard import places
from runcast_dashboard.table import runs_table

project, projects = places.project()
with st.container(key="page"):
    runs_table(project, projects)
