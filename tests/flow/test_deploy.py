"""The files of `deploy/`: no engine is needed to see that they fit together and name what exists."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from runcast.cli import cli

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILES = sorted(DEPLOY.glob("*.Dockerfile"))


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


def _instructions(path: Path) -> list[tuple[str, str]]:
    joined = path.read_text().replace("\\\n", " ")
    lines = [line.strip() for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in lines]


def _runcast_commands(text: str) -> list[list[str]]:
    """Every call of `runcast` in a shell line or a JSON list, as its words."""
    words = re.sub(r'[\[\],]|"', " ", text) if text.startswith("[") else text
    calls = re.findall(r"\bruncast\s+((?:up|dashboard|down)\b[^\n;&|]*)", words)
    return [shlex.split(f"runcast {call}") for call in calls]


def _check_command(words: list[str]) -> None:
    """A command that a file names exists, with every option that it is given."""
    command = cli.get_command(None, words[1])  # type: ignore[arg-type]
    assert command is not None, words
    known = {option for parameter in command.params for option in [*parameter.opts, *parameter.secondary_opts]}
    for word in words[2:]:
        if word.startswith("--"):
            assert word.partition("=")[0] in known, f"{' '.join(words)}: there is no {word}"


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_an_image_has_a_pinned_base_another_user_than_root_and_a_health_check(path: Path) -> None:
    instructions = _instructions(path)
    words = [word for word, _ in instructions]
    assert instructions[0][0] == "FROM"
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", instructions[0][1]), "a base is pinned to the patch version"
    assert "USER" in words
    assert words.index("USER") < words.index("CMD")
    assert dict(instructions)["USER"] == "runcast"
    assert "HEALTHCHECK" in words


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_an_image_copies_what_exists_and_installs_an_extra_that_exists(path: Path) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for word, rest in _instructions(path):
        if word == "COPY":
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists(), source
        if match := re.search(r"pip install .*'\.\[(\w+)\]'", rest):
            assert match[1] in extras


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_an_image_runs_a_command_that_exists(path: Path) -> None:
    commands = [words for word, rest in _instructions(path) if word == "CMD" for words in _runcast_commands(rest)]
    assert commands
    for words in commands:
        _check_command(words)


def test_every_service_has_a_health_check_or_one_in_its_image(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        if "build" in service:
            dockerfile = ROOT / service["build"]["context"] / service["build"]["dockerfile"]
            assert "HEALTHCHECK" in dockerfile.read_text(), name
        else:
            assert "healthcheck" in service, name
            assert re.search(r":\d+\.\d+\.\d+", service["image"]), f"{name} is pinned"


def test_everything_that_compose_refers_to_is_there(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (ROOT / source).exists() if source.startswith(".") else source in compose["volumes"], (name, volume)
        for secret in service.get("secrets", []):
            assert secret in compose["secrets"]
        for other in service.get("depends_on", {}):
            assert other in compose["services"]


def test_the_token_comes_from_a_file_and_no_port_is_open_to_the_world(compose: dict[str, Any]) -> None:
    for name in ("ingest", "dashboard"):
        environment = compose["services"][name]["environment"]
        assert environment["RUNCAST_TOKEN_FILE"] == "/run/secrets/token"
        assert "RUNCAST_TOKEN" not in environment
    for service in compose["services"].values():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:")
    assert "secrets/" in (ROOT / ".gitignore").read_text()


def test_the_containers_run_commands_that_exist(compose: dict[str, Any]) -> None:
    called = []
    for name in ("ingest", "dashboard"):
        command = compose["services"][name]["command"]
        line = command[-1] if command[0] == "sh" else " ".join(command)
        found = _runcast_commands(line)
        assert found, name
        called += [words[1] for words in found]
        for words in found:
            _check_command(words)
    assert called == ["up", "dashboard"]


def test_the_unit_runs_a_command_that_exists() -> None:
    unit = (DEPLOY / "runcast.service").read_text()
    commands = _runcast_commands(unit)
    assert commands
    for words in commands:
        _check_command(words)


def test_redis_keeps_what_it_is_given() -> None:
    lines = dict(
        line.split(None, 1) for line in (DEPLOY / "redis.conf").read_text().splitlines() if line and line[0] != "#"
    )
    assert lines["appendonly"] == "yes"
    assert lines["maxmemory-policy"] == "noeviction"


def test_the_proxies_pass_the_websocket_and_speak_tls() -> None:
    nginx, caddy = (DEPLOY / "nginx.conf").read_text(), (DEPLOY / "Caddyfile").read_text()
    assert "proxy_set_header Upgrade $http_upgrade" in nginx
    assert "listen 443 ssl" in nginx
    for path in ("/live", "/api/"):
        assert path in nginx
        assert path in caddy
