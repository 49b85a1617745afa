"""The table of a project's runs: true while it is looked at, and never moving under the pointer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from math import isfinite
from typing import Any

import streamlit as st

from runcast_dashboard import client, places
from runcast_dashboard.lessons import no_answer, no_run

REFRESH_SECONDS = 2
RUNS_MAX = 200  # Of one page of the table; older ones are a click away.
COLUMNS_MAX = 40  # Of config and of summary, each: what a reader can still scroll through.
SPARK_POINTS = 40  # A sparkline is about 150 pixels wide.
SPARKS_AT_ONCE = 8
STATES = ("running", "finished", "failed", "crashed")
ROW_HEIGHT = 36
HEAD_HEIGHT = 38
ROWS_SHOWN_MAX = 18

Json = dict[str, Any]


def flat(values: object, prefix: str = "") -> Json:
    """Write nested values with dotted names; what is a list becomes text."""
    if not isinstance(values, dict):
        return {}
    found: Json = {}
    for key, value in values.items():
        if isinstance(value, dict) and value:
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


def number(value: object) -> float | None:
    """Read a number, also one that JSON had to write as a word; None for what is none."""
    if isinstance(value, str) and value in {"NaN", "Infinity", "-Infinity"}:
        return float(value)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def columns_of(rows: Iterable[Json]) -> list[str]:
    """List the names that rows have, in order of appearance, up to what is readable."""
    return list(dict.fromkeys(name for row in rows for name in row))[:COLUMNS_MAX]


def settle(rows: Sequence[Json], order: Sequence[str], *, frozen: bool) -> list[Json]:
    """Put rows in the order in which they stand already; the new ones come first, or last where nothing may move."""
    place = {run_id: at for at, run_id in enumerate(order)}
    known = sorted((row for row in rows if row["id"] in place), key=lambda row: place[row["id"]])
    fresh = [row for row in rows if row["id"] not in place]
    return known + fresh if frozen else fresh + known


def cells(found: Sequence[Json], names: Sequence[str]) -> dict[str, list[object]]:
    """Make columns of flattened values: numbers where all are numbers, else text."""
    made: dict[str, list[object]] = {}
    for name in names:
        values = [row.get(name) for row in found]
        numbers = [number(value) for value in values]
        if all((value is None) == (as_number is None) for value, as_number in zip(values, numbers, strict=True)):
            made[name] = list(numbers)
        else:
            made[name] = [None if value is None else str(value) for value in values]
    return made


def readable(values: Sequence[object]) -> list[object]:
    """Round numbers to what a table can show; where one is NaN or infinite, write all as text, or it would be blank."""
    floats = [value for value in values if isinstance(value, float)]
    if all(map(isfinite, floats)):
        return [float(f"{value:.5g}") if isinstance(value, float) else value for value in values]
    return [in_words(value) if isinstance(value, float) else value for value in values]


def in_words(value: float) -> str:
    """Write a number with four figures, and NaN by its name."""
    return f"{value:.4g}".replace("nan", "NaN").replace("inf", "∞")


def when(value: object) -> datetime | None:
    """Read a moment from the API: seconds since 1970, or ISO 8601."""
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    return datetime.fromtimestamp(float(value), UTC) if isinstance(value, int | float) else None


def clock(seconds: object) -> str:
    """Write a duration as `3:07`, `1:20:00` or `2d 4:00:00`."""
    total = int(number(seconds) or 0)
    days, rest = divmod(total, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, second = divmod(rest, 60)
    text = f"{hours}:{minutes:02}:{second:02}" if hours or days else f"{minutes}:{second:02}"
    return f"{days}d {text}" if days else text


def sparks(project: str, found: Sequence[Json], key: str) -> list[list[float]]:
    """Fetch a small curve of one metric for each run; a run that stands still is asked once."""
    kept: dict[tuple[str, str, str], tuple[object, list[float]]] = st.session_state.setdefault("sparks", {})

    def fetch(run: Json) -> list[float]:
        """Ask for one run's curve, if it has changed."""
        place, version = (project, str(run["id"]), key), (run.get("steps"), run.get("updated"))
        if place in kept and kept[place][0] == version:
            return kept[place][1]
        curve = client.series(project, str(run["id"]), key, points=SPARK_POINTS) or {}
        values = curve.get("values") or curve.get("mean") or []
        kept[place] = (version, [value for value in map(number, values) if value is not None and isfinite(value)])
        return kept[place][1]

    with ThreadPoolExecutor(SPARKS_AT_ONCE) as pool:
        return list(pool.map(fetch, found))


def frame(project: str, found: Sequence[Json], spark: str | None) -> tuple[dict[str, list[object]], dict[str, Any]]:
    """Make the table's columns, and how each is to be shown."""
    configs = [flat(run.get("config")) for run in found]
    summaries = [flat(run.get("summary")) for run in found]
    table: dict[str, list[object]] = {
        "state": [[run["state"]] for run in found],
        "name": [str(run["name"]) for run in found],
        "created": [when(run.get("created")) for run in found],
        "duration": [clock(run.get("duration")) for run in found],
        "steps": [run.get("steps") for run in found],
    }
    columns = st.column_config
    shown: dict[str, Any] = {
        "state": columns.MultiselectColumn("State", width=92, options=STATES, color=["green", "gray", "orange", "red"]),
        "name": columns.TextColumn("Run", width="medium"),
        "created": columns.DatetimeColumn("Created", format="D MMM, HH:mm:ss", timezone=st.context.timezone),
        "duration": columns.TextColumn("Duration", width=88),
        "steps": columns.NumberColumn("Steps", format="localized", width=76),
    }
    if spark:
        table["spark"] = list(sparks(project, found, spark))
        shown["spark"] = columns.LineChartColumn(spark, width=170)
    for prefix, rows in (("config", configs), ("summary", summaries)):
        for name, numbers in cells(rows, columns_of(rows)).items():
            values = readable(numbers)
            table[f"{prefix} {name}"] = values
            about = "summary: the last value" if prefix == "summary" else "config"
            if any(isinstance(value, str) for value in values):
                shown[f"{prefix} {name}"] = columns.TextColumn(name, help=about, alignment="right")
            else:
                shown[f"{prefix} {name}"] = columns.NumberColumn(name, help=about, format="plain")
    return table, shown


@st.fragment(run_every=REFRESH_SECONDS)
def runs_table(project: str, *, state: str | None, spark: str | None) -> None:
    """Show the runs of a project, again every two seconds."""
    pages: list[str | None] = st.session_state.setdefault("run pages", [None])
    try:
        found, following = client.runs(project, state=state, limit=RUNS_MAX, cursor=pages[-1])
        if not found:
            if state is None and len(pages) == 1:
                no_run(project, None, [])
            st.text(f"No run of {project} is {state or 'here'} now.")
            return
        view = f"{project} {state} {pages[-1]}"
        widget = f"runs {view}"
        selected: list[int] = st.session_state.get(widget, {}).get("selection", {}).get("rows", [])
        orders: dict[str, list[str]] = st.session_state.setdefault("run orders", {})
        found = settle(found, orders.get(view, []), frozen=bool(selected))
        orders[view] = [run["id"] for run in found]
        table, shown = frame(project, found, spark)
    except client.Unanswered as error:
        no_answer(error)
    st.dataframe(
        table,
        hide_index=True,
        height=min(len(found), ROWS_SHOWN_MAX) * ROW_HEIGHT + HEAD_HEIGHT,
        row_height=ROW_HEIGHT,
        column_config=shown,
        key=widget,
        on_select="rerun",
        selection_mode="multi-row",
        placeholder="",
    )
    actions(project, found, [row for row in selected if row < len(found)])
    turn(pages, following)


def actions(project: str, found: Sequence[Json], selected: Sequence[int]) -> None:
    """Offer what can be done with the selected runs."""
    chosen = [found[row] for row in selected]
    with st.container(horizontal=True, vertical_alignment="center"):
        if not chosen:
            st.caption("Select a run to open it, or several to see them together.")
            return
        if st.button("Open run", icon=":material/show_chart:", type="primary", disabled=len(chosen) != 1):
            places.go("views/run.py", project=project, run=chosen[0]["id"])
        if st.button(
            f"Show {'it' if len(chosen) == 1 else f'these {len(chosen)}'} on Live", icon=":material/monitoring:"
        ):
            ids = {run["id"] for run in chosen}
            st.session_state["hidden"] = [run["id"] for run in found if run["id"] not in ids]
            places.go("views/live.py", project=project)


def turn(pages: list[str | None], following: str | None) -> None:
    """Offer newer and older runs, where there are more than a page."""
    if following is None and len(pages) == 1:
        return
    with st.container(horizontal=True):
        if st.button("Newer", icon=":material/arrow_back:", disabled=len(pages) == 1):
            pages.pop()
            st.rerun(scope="fragment")
        if st.button("Older", icon=":material/arrow_forward:", disabled=following is None):
            pages.append(following)
            st.rerun(scope="fragment")
