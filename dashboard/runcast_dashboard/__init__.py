"""Runcast's dashboard: Streamlit pages, and one component for everything that moves."""
