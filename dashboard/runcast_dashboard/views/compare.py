"""Compare: some runs of a project side by side, in words, in curves and over each other."""

from __future__ import annotations

import streamlit as st

from runcast_dashboard import places
from runcast_dashboard.board import board, ticket
from runcast_dashboard.compare import VIEWS, compare

project, projects = places.project()
runs = places.split(places.recall("runs") or places.join(places.selected()))
show = places.recall("show")
if show not in VIEWS:
    show = VIEWS[0]
shown = compare(project, runs=runs, show=show)
if shown.show in VIEWS:
    show = shown.show
places.put(runs=places.join(runs), show=show)
if show == "charts" and len(runs) > 1:
    overlaid = board(
        project,
        projects=projects,
        key=f"compare {project} {places.join(runs)}",
        token=ticket(),
        runs=runs,
        options=places.options(),
        hidden=places.hidden(runs),
        moment=places.moment(),
    )
    places.keep(overlaid.options)
    if overlaid.open:
        places.go("views/run.py", project=project, run=overlaid.open)
    if overlaid.project:
        places.go("views/live.py", project=overlaid.project)
if shown.keep:
    places.put(runs=places.join(shown.keep))
    st.rerun()
if shown.open:
    places.go("views/run.py", project=project, run=shown.open)
if shown.table:
    st.session_state["selected"] = runs
    places.go("views/runs.py", project=project)
