"""Run: one training, its state, where it ran, what it was given, what came out; and its curves, live."""

from __future__ import annotations

from runcast_dashboard import client, places
from runcast_dashboard.board import board, ticket
from runcast_dashboard.lessons import no_answer, no_run

project, projects = places.project()
run_id = places.recall("run")
try:
    found = client.run(project, run_id) if run_id else None
    if found is None:
        recent, _ = client.runs(project, limit=20)
        if run_id or not recent:
            no_run(project, run_id, recent)
        found = recent[0]
except client.Unanswered as error:
    no_answer(error)
places.put(run=str(found["id"]))
shown = board(
    project,
    projects=projects,
    key=f"run {project}/{found['id']}",
    token=ticket(),
    run=found,
    options=places.options(),
    moment=places.moment(),
)
places.keep(shown.options)
if shown.compare:
    # With those that the reader had picked, or else with the latest other one.
    others = places.selected() or [str(run["id"]) for run in client.runs(project, limit=2)[0]]
    places.go("views/compare.py", project=project, runs=places.join(dict.fromkeys([str(found["id"]), *others])))
if shown.project:
    places.go("views/live.py", project=project)
