"""What the pages do in Python, without a browser: scripts of Streamlit, run against an API that answers from memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import httpx
import pytest
from streamlit.testing.v1 import AppTest

import runcast_dashboard
from runcast_dashboard import client, lessons, places, settings

SCRIPT = Path(runcast_dashboard.__file__).parent / "app.py"


def made_run(name: str, state: str = "finished", **more: Any) -> dict[str, Any]:
    """Describe a run as the API does."""
    return {
        "id": name,
        "name": name,
        "state": state,
        "config": {"lr": 0.1, "net": {"width": 8}},
        "summary": {"loss": 0.5},
        "created": "2026-03-01T09:30:00.000000Z",
        "updated": "2026-03-01T09:31:00.000000Z",
        "finished": None,
        "duration": 60.0,
        "steps": 10,
        **more,
    }


class Api:
    """The service's answers, as a test wants them."""

    def __init__(self) -> None:
        self.projects: dict[str, list[dict[str, Any]]] = {}
        self.away = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer as the service would."""
        if self.away:
            raise httpx.ConnectError("connection refused")
        parts = [unquote(part) for part in request.url.raw_path.decode().partition("?")[0].split("/")[4:]]
        if not parts:
            answer: Any = {"projects": [{"name": name, "updated": name} for name in self.projects]}
        elif parts[-1] == "order":
            hidden = request.url.params.get("hidden")
            answer = {"ids": [run["id"] for run in self.projects[parts[0]] if not hidden or run.get("hidden")]}
        elif len(parts) == 2:
            state = request.url.params.get("state")
            answer = {"runs": [run for run in self.projects[parts[0]] if state in {None, run["state"]}], "next": None}
        else:
            found = [run for run in self.projects[parts[0]] if run["id"] == parts[2]]
            if not found:
                return httpx.Response(404, json={"error": {"code": "unknown_run", "message": "there is none"}})
            answer = found[0]
        return httpx.Response(200, content=json.dumps(answer))


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    api = Api()
    settings.use(settings.DashboardSettings("http://service"))
    with httpx.Client(base_url="http://service/api/v1", transport=httpx.MockTransport(api)) as answering:
        monkeypatch.setattr(client, "_client", lambda _: answering)
        yield api


def opened(page: str = "", **query: str) -> AppTest:
    """Run a page as for a reader who follows a link."""
    app = AppTest.from_file(str(SCRIPT), default_timeout=20)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    if page:
        app.switch_page(f"views/{page}.py").run()
    return app


def told(app: AppTest, at: int = 0) -> Any:
    """Return what a page hands to one of its components in the browser."""
    return json.loads(app.get("bidi_component")[at].proto.json)


def address(app: AppTest) -> dict[str, str]:
    """Return what a page has the browser's address say."""
    return dict(parse_qsl(told(app, -1)["query"]))


def texts(app: AppTest) -> str:
    """Return everything that a page says in words."""
    return "\n".join(str(one.value) for kind in (app.subheader, app.text, app.code, app.caption) for one in kind)


def test_without_a_project_the_page_teaches_the_first_run(api: Api) -> None:
    app = opened()
    assert not app.exception
    assert "Log your first run" in texts(app)
    assert "runcast.init" in texts(app)


def test_a_service_that_is_away_is_said_in_words(api: Api) -> None:
    api.away = True
    app = opened()
    assert not app.exception
    assert "no answer from the service at http://service" in texts(app)
    assert "runcast up" in texts(app)


def test_the_latest_project_is_shown_and_stands_in_the_link(api: Api) -> None:
    api.projects = {"a": [made_run("one")], "b": [made_run("two")]}
    app = opened()
    assert not app.exception
    assert address(app)["project"] == "b"


def test_a_link_says_how_runs_are_listed(api: Api) -> None:
    api.projects = {"a": [made_run("one")]}
    app = opened("runs", project="a", filter="config.lr < 1", group="config.net.width")
    assert not app.exception
    assert address(app)["filter"] == "config.lr < 1"
    app.switch_page("views/live.py").run()
    app.switch_page("views/runs.py").run()
    assert address(app)["filter"] == "config.lr < 1"
    assert address(app)["group"] == "config.net.width"


def test_a_link_shows_only_its_runs_on_live(api: Api) -> None:
    api.projects = {"a": [made_run("one"), made_run("two"), made_run("three")]}
    app = opened(project="a", only="two")
    assert not app.exception
    assert told(app)["hidden"] == ["one", "three"]
    app.switch_page("views/runs.py").run()
    app.switch_page("views/live.py").run()
    assert told(app)["hidden"] == ["one", "three"]


def test_a_link_may_say_what_it_leaves_out(api: Api) -> None:
    api.projects = {"a": [made_run("one"), made_run("two"), made_run("three")]}
    assert told(opened(project="a", without="one,three"))["hidden"] == ["one", "three"]
    compared = told(opened("compare", project="a", runs="one,two", show="charts", without="two", t="7"), 1)
    assert compared["hidden"] == ["two"]
    assert compared["moment"] == {"t": 7.0}


def test_what_is_put_aside_begins_switched_off_whenever_it_is_put_aside(api: Api) -> None:
    api.projects = {"a": [made_run("one"), made_run("two")], "b": [made_run("three", hidden=True), made_run("four")]}
    app = opened(project="a")
    assert told(app)["hidden"] == []
    app.switch_page("views/runs.py").run()
    api.projects["a"][0]["hidden"] = True
    app.switch_page("views/live.py").run()
    assert told(app)["hidden"] == ["one"]
    # Another project has others, also where it was chosen on another page.
    app.switch_page("views/runs.py").run()
    app.session_state["project"] = "a"
    app.query_params["project"] = "b"
    app.run()
    app.switch_page("views/live.py").run()
    assert told(app)["hidden"] == ["three"]


def test_an_unknown_run_offers_those_that_there_are(api: Api) -> None:
    api.projects = {"a": [made_run("**one**")]}
    app = opened("run", project="a", run="gone")
    assert not app.exception
    assert "There is no such run" in texts(app)
    assert app.button[0].label == r"\*\*one\*\*"
    app.button[0].click().run()
    assert not app.exception
    assert address(app)["run"] == "**one**"


def test_a_mistyped_link_shows_the_defaults() -> None:
    assert places.parse({"smooth": "much", "axis": "sideways", "log": "maybe"}) == {}
    assert places.parse({"smooth": "7", "axis": "rel", "log": "1"}) == {"smooth": 0.99, "axis": "rel", "log": True}


def test_axes_set_by_hand_come_back_from_a_link_and_nothing_else_does() -> None:
    said = {"loss": {"y": [0, None]}, "é/__proto__": {"y": [None, 2.5], "x": [1, 2], "axis": "metric a b"}}
    assert places.parse({"ranges": places.format_options({"ranges": said})["ranges"]}) == {"ranges": said}
    assert "ranges" not in places.format_options({"ranges": {}})
    ends = ["null", "[null,null]", "[1,1]", "[2,1]", "[1]", '["1",2]', "[true,2]", "[0,NaN]", "[0,1" + "0" * 400 + "]"]
    for wrong in (*(f'{{"a":{{"y":{one}}}}}' for one in ends), '{"a":{"x":[0,1]}}', '{"a":[]}', "[1]", "{", "[" * 3000):
        assert places.parse({"ranges": wrong}) == {}, wrong
    many = {f"metric {k}": {"y": [k, None]} for k in range(1000)}
    kept = places.parse(places.format_options({"ranges": many}))["ranges"]
    assert isinstance(kept, dict)
    assert 100 < len(kept) < 1000
    assert list(kept)[-1] == "metric 999"


def test_text_for_markdown_is_escaped() -> None:
    assert lessons.plain("**a** :red[b] $c$ <b>") == r"\*\*a\*\* \:red\[b\] \$c\$ \<b\>"


def test_a_dashboard_served_apart_opens_its_socket_at_the_service() -> None:
    assert settings.DashboardSettings.apart("https://runs.example.org/", "key").live == "wss://runs.example.org/live"
    assert settings.DashboardSettings.apart("http://10.0.0.5:8484").live == "ws://10.0.0.5:8484/live"
