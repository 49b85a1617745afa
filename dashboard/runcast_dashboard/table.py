"""The table of a project's runs."""

from __future__ import annotations

import streamlit as st

from runcast_dashboard import client


@st.fragment(run_every=2)
def runs_table(project: str, projects: list[str]) -> None:
    """Show the runs of a project, again every two seconds."""
    found, _ = client.runs(project)
    st.dataframe([{"state": run["state"], "run": run["name"], "steps": run["steps"]} for run in found], hide_index=True)
    del projects
