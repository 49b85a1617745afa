"""Runs: a project's runs as a table that stays true while it is looked at."""

from __future__ import annotations

import streamlit as st

from runcast_dashboard import client, places
from runcast_dashboard.lessons import no_answer
from runcast_dashboard.table import STATES, columns_of, flat, number, runs_table

JUDGED_BY = ("acc", "loss", "reward", "score")  # A metric that is likely to be what a training is judged by.

project, projects = places.project()
try:
    recent, _ = client.runs(project, limit=50)
except client.Unanswered as error:
    no_answer(error)
metrics = columns_of(
    {name: value for name, value in flat(run.get("summary")).items() if number(value) is not None} for run in recent
)
metrics.sort(key=lambda name: not any(word in name.lower() for word in JUDGED_BY))
with st.container(key="page"):
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = projects if project in projects else [project, *projects]
        chosen = st.selectbox("Project", names, index=names.index(project), width=260)
        spark = st.selectbox("Curve", metrics, width=220, placeholder="No metric yet") if metrics else None
        state = st.selectbox("State", STATES, index=None, placeholder="All states", width=160)
    if chosen and chosen != project:
        st.session_state.pop("run pages", None)
        places.put(project=chosen)
        st.rerun()
    runs_table(project, state=state, spark=spark)
