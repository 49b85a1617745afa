"""Where a setting comes from, and which of several goes first."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from runcast.errors import UsageError
from runcast.given import Settings as Given
from runcast.launch import read
from runcast.settings import FIELDS, NAMES, Settings, alone, resolve


def told(home: Path, environ: Mapping[str, str] | None = None, *layers: tuple[str, Mapping[str, Any]]) -> Settings:
    return resolve({"RUNCAST_DIR": str(home)} | dict(environ or {}), *layers)


def test_whoever_says_something_later_goes_first(tmp_path: Path) -> None:
    """File, W&B's variable, ours, setup, init's settings, init's keywords."""
    assert (told(tmp_path).project, told(tmp_path).sources["project"]) == (None, "default")
    (tmp_path / "settings.toml").write_text('project = "file"\n')
    expected = [("file", f"project in {tmp_path / 'settings.toml'}")]
    environ: dict[str, str] = {}
    layers: list[tuple[str, dict[str, Any]]] = []
    found = [told(tmp_path)]
    for name in ("WANDB_PROJECT", "RUNCAST_PROJECT"):
        environ[name] = name
        expected.append((name, name))
        found.append(told(tmp_path, environ))
    for where in ("setup()", "init(settings=)", "init()"):
        layers.append((where, {"project": where}))
        expected.append((where, f"project of {where}"))
        found.append(told(tmp_path, environ, *layers))
    assert [(each.project, each.sources["project"]) for each in found] == expected


def test_none_says_nothing(tmp_path: Path) -> None:
    assert told(tmp_path, {"RUNCAST_PROJECT": "p"}, ("init()", {"project": None})).project == "p"


@pytest.mark.parametrize(
    ("variable", "text", "field", "value"),
    [
        ("WANDB_MODE", "dryrun", "mode", "offline"),
        ("WANDB_MODE", "run", "mode", "online"),
        ("WANDB_MODE", "shared", "shared", True),
        ("WANDB_DISABLED", "true", "mode", "disabled"),
        ("WANDB_ENTITY", "e", "entity", "e"),
        ("WANDB_RUN_ID", "r", "run_id", "r"),
        ("WANDB_NAME", "n", "name", "n"),
        ("WANDB_NOTES", "n", "notes", "n"),
        ("WANDB_TAGS", "a, b,", "tags", ("a", "b")),
        ("WANDB_RUN_GROUP", "g", "group", "g"),
        ("WANDB_JOB_TYPE", "j", "job_type", "j"),
        ("WANDB_RESUME", "must", "resume", "must"),
        ("WANDB_RESUME", "true", "resume", "auto"),
        ("WANDB_SWEEP_ID", "s", "sweep_id", "s"),
        ("WANDB_SILENT", "true", "silent", True),
        ("WANDB_QUIET", "1", "quiet", True),
        ("WANDB_DIR", "/d", "root", Path("/d")),
        ("WANDB_CACHE_DIR", "/c", "cache", Path("/c")),
        ("WANDB_ARTIFACT_DIR", "/a", "artifacts", Path("/a")),
        ("WANDB_CONFIG_PATHS", "a.yaml,b.yaml", "config_paths", ("a.yaml", "b.yaml")),
        ("WANDB_HOST", "h", "host", "h"),
        ("WANDB_INIT_TIMEOUT", "3", "init_seconds", 3.0),
        ("WANDB__PRIMARY", "false", "primary", False),
        ("WANDB_X_LABEL", "rank7", "label", "rank7"),
    ],
)
def test_wbs_variables_count_where_ours_say_nothing(
    variable: str, text: str, field: str, value: object, tmp_path: Path
) -> None:
    found = told(tmp_path, {variable: text})
    assert getattr(found, field) == value
    if field != "shared":
        assert found.sources[field] == variable


@pytest.mark.parametrize("name", ["WANDB_API_KEY", "WANDB_BASE_URL", "WANDB_APP_URL"])
def test_what_speaks_of_wbs_own_server_is_not_looked_at(name: str, tmp_path: Path) -> None:
    assert told(tmp_path, {name: "https://api.example.com"}) == told(tmp_path)


@pytest.mark.parametrize(
    ("environ", "layer", "said"),
    [
        ({"RUNCAST_MODE": "x"}, {}, "RUNCAST_MODE is 'x'; it is one of online, offline, disabled, shared"),
        ({"RUNCAST_URL": "http://x"}, {}, "RUNCAST_URL is 'http://x'; it begins with one of redis://"),
        ({"RUNCAST_STRICT_STEPS": "maybe"}, {}, "RUNCAST_STRICT_STEPS is 'maybe'; it is 0 or 1"),
        ({"RUNCAST_INIT_SECONDS": "soon"}, {}, "RUNCAST_INIT_SECONDS is 'soon'; it is a number of seconds"),
        ({}, {"mode": "x"}, "mode of init() is 'x'"),
        ({}, {"run_tags": 3}, "run_tags of init() is 3; it is a list of texts"),
    ],
)
def test_what_cannot_be_is_refused_with_where_it_was_said(
    environ: dict[str, str], layer: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as refused:
        told(tmp_path, environ, ("init()", layer))
    assert said in str(refused.value)


def test_a_settings_file_says_only_what_there_is(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    for text, said in (('projct = "x"', "sets 'projct', which there is not"), ("project = ", "is no settings file")):
        path.write_text(text)
        with pytest.raises(UsageError, match=said):
            told(tmp_path)


def test_the_file_speaks_of_surroundings_too(tmp_path: Path) -> None:
    """And W&B's variable goes before it, as any variable."""
    (tmp_path / "settings.toml").write_text('console = "off"\nsystem = false\nstrict_steps = true\ntags = ["a"]\n')
    found = told(tmp_path)
    assert (found.wanted.console, found.wanted.samples, found.strict_steps, found.tags) == ("off", False, True, ("a",))
    assert told(tmp_path, {"WANDB_CONSOLE": "wrap"}).wanted.console == "wrap"


def test_a_program_speaks_of_surroundings_too(tmp_path: Path) -> None:
    found = told(tmp_path, {}, ("init(settings=)", Given(console="off", x_disable_stats=True, save_code=False)))
    assert (found.wanted.console, found.wanted.samples, found.wanted.code) == ("off", False, False)
    older = told(tmp_path, {}, ("init(settings=)", Given(_disable_stats=True, _disable_meta=True)))
    assert (older.wanted.samples, older.wanted.facts) == (False, False)


def test_the_token_comes_from_its_variable_its_file_or_the_login(tmp_path: Path) -> None:
    (tmp_path / "login").write_text("kept\n")
    (tmp_path / "file").write_text("filed\n")
    assert told(tmp_path).token == "kept"
    assert told(tmp_path, {"RUNCAST_TOKEN_FILE": str(tmp_path / "file")}).token == "filed"
    assert told(tmp_path, {"RUNCAST_TOKEN": "set"}).token == "set"


def test_settings_take_anything_and_name_what_nobody_knows() -> None:
    given = Given(mode="offline", x_anything=1, start_method="thread", nonsense=2)
    assert given.unknown == ["nonsense"]
    assert (given.mode, given.project, given["nonsense"]) == ("offline", None, 2)
    given.project = "p"
    assert dict(given.model_copy())["project"] == "p"
    with pytest.raises(AttributeError):
        given.nothing  # noqa: B018


def test_every_setting_has_a_field_and_one_name() -> None:
    assert set(FIELDS) <= set(Settings.__dataclass_fields__)
    assert len(NAMES) == len({known.field for known in NAMES.values()})


def test_what_runcast_starts_for_itself_is_led_nowhere_by_the_environment(tmp_path: Path) -> None:
    """A bench or a demo on your own Redis would store your streams in a database that is thrown away."""
    led = {
        "RUNCAST_DIR": "/theirs",
        "RUNCAST_URL": "redis://production",
        "RUNCAST_WEBHOOK": "https://people",
        "WANDB_MODE": "offline",
        "WANDB_DISABLED": "1",
        "RUNCAST_RUN_ID": "theirs",
        "WANDB_FORK_FROM": "theirs?_step=1",
        "RANK": "1",
        "WORLD_SIZE": "2",
    }
    kept = {"PATH": "/bin", "RUNCAST_TOKEN": "t", "RUNCAST_SYSTEM": "0"}
    environ = alone(led | kept, tmp_path)
    assert read(environ) is None
    assert environ == kept | {"RUNCAST_DIR": str(tmp_path), "WORLD_SIZE": "2"}
