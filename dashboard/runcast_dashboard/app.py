"""The script that Streamlit runs for each reader: navigation, and the frame around the pages."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from runcast_dashboard import places
from runcast_dashboard.address import address

HERE = Path(__file__).parent  # Its pages lie in `views`: a folder named `pages` Streamlit would serve on its own.

# Streamlit's page becomes an application's frame: no margins where the board is, a low header.
FRAME = """<style>
[data-testid="stMainBlockContainer"] { padding: 56px 0 0 0; max-width: none; }
[data-testid="stMainBlockContainer"] > [data-testid="stVerticalBlock"] { gap: 0; }
[data-testid="stHeader"] { height: 56px; border-bottom: 1px solid var(--st-border-color, #8884); }
.st-key-page { padding: 16px 20px 24px; }
.st-key-address { display: none; }
[data-testid="stLayoutWrapper"]:has(> .st-key-lesson), .st-key-lesson { align-self: center; }
.st-key-lesson { margin-top: 12vh; padding: 0 20px; }
</style>"""

st.set_page_config(
    page_title="Runcast", page_icon=str(HERE / "logo.svg"), layout="wide", initial_sidebar_state="collapsed"
)
st.html(FRAME)
st.logo(str(HERE / "logo.svg"), size="large")
page = st.navigation(
    [
        st.Page(HERE / "views" / "live.py", title="Live", icon=":material/monitoring:", default=True),
        st.Page(HERE / "views" / "runs.py", title="Runs", icon=":material/table_rows:", url_path="runs"),
        st.Page(HERE / "views" / "compare.py", title="Compare", icon=":material/compare_arrows:", url_path="compare"),
        st.Page(HERE / "views" / "run.py", title="Run", icon=":material/show_chart:", url_path="run"),
        st.Page(HERE / "views" / "alerts.py", title="Alerts", icon=":material/notifications:", url_path="alerts"),
        st.Page(HERE / "views" / "health.py", title="Health", icon=":material/monitor_heart:", url_path="health"),
    ],
    position="top",
)
places.arrive(page.url_path)
page.run()
address()
