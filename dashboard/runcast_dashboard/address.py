"""The browser's address, which shows where the reader is without an entry in its history."""

from __future__ import annotations

import streamlit as st

from runcast_dashboard import places
from runcast_dashboard.components import component, declare, ignored

KEY = "address"

_address = component("address", styled=False)


def address() -> None:
    """Show where the page's script has taken the reader; the last thing that it does."""
    declare()
    page, query, arrivals = places.shown()
    with st.container(key=KEY):
        # The number makes it write once more where another page had the same.
        told = _address(key="shown", data={"page": page, "query": query, "arrivals": arrivals}, on_shown_change=ignored)
    if told.shown is not None:
        places.stands(told.shown)
