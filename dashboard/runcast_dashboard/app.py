"""The script that Streamlit runs for each reader: navigation, and the frame around the pages."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

HERE = Path(__file__).parent

# Streamlit's page becomes an application's frame: no margins where the board is, a low header.
FRAME = """<style>
[data-testid="stMainBlockContainer"] { padding: 56px 0 0 0; max-width: none; }
[data-testid="stMainBlockContainer"] > [data-testid="stVerticalBlock"] { gap: 0; }
[data-testid="stHeader"] { height: 56px; border-bottom: 1px solid var(--st-border-color, #8884); }
[data-testid="stMain"] { scrollbar-gutter: auto; }
</style>"""

st.set_page_config(
    page_title="Runcast", page_icon=str(HERE / "logo.svg"), layout="wide", initial_sidebar_state="collapsed"
)
st.html(FRAME)
st.logo(str(HERE / "logo.svg"), size="large")
st.navigation(
    [
        st.Page(HERE / "pages" / "live.py", title="Live", icon=":material/monitoring:", default=True),
        st.Page(HERE / "pages" / "runs.py", title="Runs", icon=":material/table_rows:", url_path="runs"),
        st.Page(HERE / "pages" / "run.py", title="Run", icon=":material/show_chart:", url_path="run"),
    ],
    position="top",
).run()
