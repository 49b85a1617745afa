"""What a page shows when it has nothing to show: what to do, in a few lines."""

from __future__ import annotations

import json
import re
from typing import NoReturn

import streamlit as st

from runcast.names import apart
from runcast_dashboard import client

FIRST_RUN = """import runcast

runcast.init(project="my-project")
for step in range(1000):
    runcast.log({"loss": 1 / (step + 1)})
"""
LOOK_AGAIN_SECONDS = 2


@st.fragment(run_every=LOOK_AGAIN_SECONDS)
def _until_a_project_exists() -> None:
    """Look again and again, and show the board as soon as there is something on it."""
    try:
        if client.projects():
            st.rerun()
    except client.Unanswered:
        pass  # The whole page says so at its next run.


@st.fragment(run_every=LOOK_AGAIN_SECONDS)
def _until_the_service_answers() -> None:
    """Look again and again, and show the page as soon as the service is back."""
    try:
        client.projects()
    except client.Unanswered:
        return
    st.rerun()


def no_project() -> NoReturn:
    """Teach how to log a first run, wait for it, and end the page's script."""
    with st.container(width=620, key="lesson"):
        st.subheader("Log your first run")
        st.text(
            "Run this from any terminal on this machine. The board opens by itself as soon as the first number arrives."
        )
        st.code(FIRST_RUN, language="python")
        st.caption("`import runcast as wandb` runs a script that was written for W&B.")
    _until_a_project_exists()
    st.stop()


def no_answer(error: client.Unanswered) -> NoReturn:
    """Say that the service is away, wait for it, and end the page's script."""
    with st.container(width=620, key="lesson"):
        st.subheader("The service does not answer")
        st.text(str(error))
        st.text(
            "Nothing is lost: training goes on, and what is logged waits on its machine."
            " Look at `runcast status`, or start the service:"
        )
        st.code("runcast up", language="bash")
    _until_the_service_answers()
    st.stop()


def no_run(project: str, asked: str | None, recent: list[client.Json]) -> NoReturn:
    """Say that there is no such run, offer those that there are, and end the page's script."""
    with st.container(width=620, key="lesson"):
        if not recent:
            st.subheader("No run yet")
            st.text(f"Nothing was logged to {apart(project)} so far. A first run takes three lines:")
            st.code(FIRST_RUN.replace('"my-project"', json.dumps(project, ensure_ascii=False)), language="python")
        else:
            st.subheader("There is no such run")
            st.text(f"{apart(project)} has no run {apart(str(asked))}. Its latest:")
            for run in recent[:8]:
                if st.button(
                    plain(str(run["name"])), key=f"open {run['id']}", type="tertiary", icon=":material/show_chart:"
                ):
                    st.session_state["run"] = st.query_params["run"] = str(run["id"])
                    st.rerun()
    st.stop()


def plain(text: str) -> str:
    """Make text from strangers safe where Streamlit reads markdown: every sign that means something is escaped."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~$:&^=])", r"\\\1", text)
