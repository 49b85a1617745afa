"""Where the reader is: which project, which run, with which settings of the board.

It stands in the address, so that a link shows the same; and in the session, because Streamlit drops the address's query
when the reader goes to another page.

What the browser's address said is read when the reader arrives at a page; from then on it is kept here, and the browser
is told what to show. If Streamlit wrote it, each word would be an entry of the browser's history.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated
from urllib.parse import urlencode

import msgspec
import streamlit as st

from runcast_dashboard import client, ranges
from runcast_dashboard.lessons import no_answer, no_project

AXES = ("step", "rel", "wall", "metric")
FLAGS = ("log", "logx", "outliers", "fold", "race")
KINDS = ("ema", "mean", "gauss")
BANDS = ("range", "std", "stderr")
GROUPING = ("by", "band")
KEY_CHARS_MAX = 256  # As long as a metric's name may be.
AXIS_CHARS_MAX = KEY_CHARS_MAX + 20
LISTING = ("filter", "sort", "group")
LINKED = ("only", "without")  # The runs that a link shows, or that it does not.
FIND_CHARS_MAX = 500
CHARTS_MAX = 500
RUNS_MAX = 200  # In an address: its length has a limit, and so has what can be told apart.
Options = dict[str, object]
_Name = Annotated[str, msgspec.Meta(max_length=KEY_CHARS_MAX)]
_Names = Annotated[list[_Name], msgspec.Meta(max_length=CHARTS_MAX)]
LOADING_SECONDS = 30.0  # Of a page, on a slow line.
SHOWN_MAX = 100  # Addresses of one page that a browser may still answer with.


class Charts(msgspec.Struct, omit_defaults=True):
    """What a link says of single charts: pins, hidden ones, orders by section, sizes in columns and rows."""

    pinned: _Names = []
    hidden: _Names = []
    order: Annotated[dict[_Name, _Names], msgspec.Meta(max_length=CHARTS_MAX)] = {}
    sizes: Annotated[dict[_Name, tuple[int, int]], msgspec.Meta(max_length=CHARTS_MAX)] = {}


def arrive(page: str) -> None:
    """Take in what the address says, when the reader comes to a page, or to another place on it by a link."""
    state, given = st.session_state, st.query_params.to_dict()
    # Each run of a script is given the address again: as it was at first, or as it was shown since.
    if state.get("page") == page and (given == state["given"] or urlencode(given) in state["shown"]):
        return
    state["page"], state["given"], state["shown"] = page, given, []
    state["address"] = dict(state.pop("going", None) or given)
    state["arrivals"] = state.get("arrivals", 0) + 1


def shown() -> tuple[str, str, int]:
    """Return the page and the query of the address to show, and how often the reader has arrived somewhere."""
    query = urlencode(_address())
    if query not in st.session_state["shown"]:
        st.session_state["shown"] = [*st.session_state["shown"], query][-SHOWN_MAX:]
    return st.session_state["page"], query, st.session_state["arrivals"]


def stands(query: str) -> None:
    """Hear what the browser shows by now: Streamlit is told, which asks for it again when its line was cut.

    It makes an entry of the history only of what the browser does not show.
    """
    if query == urlencode(_address()) and st.query_params.to_dict() != _address():
        st.query_params.from_dict(_address())


def _address() -> dict[str, str]:
    """Return what the address says, to be read and changed."""
    kept: dict[str, str] = st.session_state["address"]
    return kept


def project() -> tuple[str, list[str]]:
    """Return the project to show and the names of all; where there is none, teach and stop the page."""
    try:
        names = [str(one["name"]) for one in client.projects()]
    except client.Unanswered as error:
        no_answer(error)
    asked = _address().get("project") or st.session_state.get("project")
    if not names and not asked:
        no_project()
    chosen = str(asked or names[0])
    put(project=chosen)
    return chosen, names


def put(**place: str) -> None:
    """Write where the reader is now into the address and the session."""
    _enter(place)
    for name, value in place.items():
        st.session_state[name] = value
        _address()[name] = value


def _enter(place: Mapping[str, str]) -> None:
    """Forget which runs were chosen, where the place is another project's."""
    before = st.session_state.get("project")
    if before is None or place.get("project", before) == before:
        return
    for name in (*LINKED, "switched", "selected"):
        st.session_state.pop(name, None)


def recall(name: str) -> str | None:
    """Return part of the place, from the address or, after a change of page, from the session."""
    found = _address().get(name) or st.session_state.get(name)
    return str(found) if found else None


def options() -> Options:
    """Return the board's settings: the reader's, or those of the link that they opened."""
    if "options" not in st.session_state:
        st.session_state["options"] = parse(_address())
    kept: Options = st.session_state["options"]
    return kept


def keep(given: Mapping[str, object] | None) -> None:
    """Keep the board's settings, and put them in the address for others to open."""
    if given:
        st.session_state["options"] = dict(given)
    texts = format_options(st.session_state.get("options", {}))
    for name in (*GROUPING, "x", "ranges"):
        _address().pop(name, None)
    _address().update(texts)


def moment() -> dict[str, object] | None:
    """Take the moment and the stretch of the x axis out of the link that was opened; what comes after is the reader's.

    Scripts run again while a page loads: it is said for as long as that may take.
    """
    found: dict[str, object] = {}
    with contextlib.suppress(KeyError, ValueError):
        found["t"] = _finite(_address()["t"])
    with contextlib.suppress(KeyError, ValueError):
        first, last, *axis = _address()["zoom"].split(",", 2)  # Of another axis than the board's: which.
        low, high = _finite(first), _finite(last)
        if low < high and len("".join(axis)) <= AXIS_CHARS_MAX:
            found["zoom"] = [low, high, *axis]
    if 0 < len(_address().get("find", "")) <= FIND_CHARS_MAX:
        found["find"] = _address()["find"]
    with contextlib.suppress(KeyError, msgspec.DecodeError):
        found["charts"] = msgspec.to_builtins(msgspec.json.decode(_address()["charts"], type=Charts))
    for name in ("t", "zoom", "find", "charts"):
        _address().pop(name, None)
    if found:
        st.session_state["moment"] = (time.monotonic(), found)
    opened, kept = st.session_state.get("moment", (0.0, None))
    return kept if time.monotonic() - opened < LOADING_SECONDS else None


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def hidden(among: Sequence[str] | None = None) -> list[str]:
    """Return the runs that are switched off on the board: those that a link leaves out, or those that were put aside.

    From the latter the reader may have switched some on, and others off. `among` are the runs of a board that shows no
    others: there, only the link counts.
    """
    if among is not None:
        only, without = (split(_address().get(name)) for name in LINKED)
        return [id_ for id_ in among if id_ in without or (only and id_ not in only)]
    if any(name in _address() for name in LINKED):
        for name in LINKED:
            st.session_state[name] = _address().get(name)
    only, without = (split(st.session_state.get(name)) for name in LINKED)
    if without:
        return without
    try:
        if only:
            return [id_ for id_ in client.ids(str(recall("project")), hidden=None) if id_ not in only]
        aside = client.ids(str(recall("project")), hidden=True)
    except client.Unanswered:
        return []  # The board says so itself.
    on, off = st.session_state.get("switched", ((), ()))
    return [*(id_ for id_ in aside if id_ not in on), *off]


def only() -> list[str] | None:
    """Return the runs of a link that shows no others, for as long as the reader has not switched any off or on."""
    chosen, without = (split(st.session_state.get(name)) for name in LINKED)
    return None if without else chosen or None


def keep_hidden(given: Sequence[str] | None) -> None:
    """Keep which runs are switched off; None: as at first. What a link said of it is over."""
    st.session_state.pop("switched", None)
    if given is not None:
        with contextlib.suppress(client.Unanswered):
            aside, off = set(client.ids(str(recall("project")), hidden=True)), set(given)
            st.session_state["switched"] = (sorted(aside - off), sorted(off - aside))
    for name in LINKED:
        st.session_state.pop(name, None)
        _address().pop(name, None)


def listing() -> dict[str, str]:
    """Return the filter, order and grouping of the runs: the reader's, or those of the link that they opened."""
    return {name: recall(name) or "" for name in LISTING}


def keep_listing(given: Mapping[str, object] | None) -> None:
    """Keep how the runs are listed, and put it in the address for others to open."""
    if given is not None:
        for name in LISTING:
            st.session_state[name] = str(given.get(name) or "")
    for name in LISTING:
        value = st.session_state[name] if given is not None else recall(name)
        _address().pop(name, None)
        if value:
            _address()[name] = value


def forget_listing() -> None:
    """List the runs as at first: another project has other keys."""
    st.session_state["selected"] = []
    keep_listing({})


def selected() -> list[str]:
    """Return the runs that the reader selected in the table."""
    kept: list[str] = st.session_state.get("selected", [])
    return kept


def join(ids: Iterable[str]) -> str:
    """Write ids of runs for an address; an id has no comma."""
    return ",".join(ids)


def split(text: str | None) -> list[str]:
    """Read ids of runs from an address, each once."""
    return list(dict.fromkeys(id_ for id_ in (text or "").split(",") if id_))[:RUNS_MAX]


def parse(query: Mapping[str, str]) -> Options:
    """Read the board's settings from a link."""
    found: Options = {}
    with contextlib.suppress(KeyError, ValueError):  # A link that was cut or mistyped shows the default.
        found["smooth"] = min(0.99, max(0.0, float(query["smooth"])))
    if query.get("axis") in AXES:
        found["axis"] = query["axis"]
    if 0 < len(query.get("x", "")) <= KEY_CHARS_MAX:
        found["x"] = query["x"]
    if query.get("kind") in KINDS:
        found["kind"] = query["kind"]
    if query.get("band") in BANDS:
        found["band"] = query["band"]
    if 0 < len(query.get("by", "")) <= KEY_CHARS_MAX:
        found["by"] = query["by"]
    for flag in FLAGS:
        if query.get(flag) in {"0", "1"}:
            found[flag] = query[flag] == "1"
    if by_hand := ranges.read(query.get("ranges", "")):
        found["ranges"] = by_hand
    return found


def format_options(given: Mapping[str, object]) -> dict[str, str]:
    """Write the board's settings for a link."""
    texts = {name: str(given[name]) for name in ("smooth", "kind", "axis") if name in given}
    if given.get("axis") == "metric" and given.get("x"):
        texts["x"] = str(given["x"])
    if given.get("by"):
        texts |= {name: str(given[name]) for name in GROUPING if name in given}
    if by_hand := ranges.write(given.get("ranges")):
        texts["ranges"] = by_hand
    return texts | {name: "1" if given[name] else "0" for name in FLAGS if name in given}


def go(page: str, **place: str) -> None:
    """Take the reader to another page."""
    _enter(place)
    for name, value in place.items():
        st.session_state[name] = value
    st.session_state["going"] = place
    # With the address as it is: another one would be an entry of the history of the page that is left.
    st.switch_page(page, query_params=_address())
