"""The files of `deploy/`: no engine is needed to see that they fit together and name what exists."""

from __future__ import annotations

import re
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml
from tests.flow.running import wait_until

from runcast.cli import cli
from runcast_ingest.server_binary import find_server

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
            assert re.search(r":\d+\.\d+\.\d+-\w+$", service["image"]), f"{name} is pinned"


def test_the_stream_server_is_one_that_exists(compose: dict[str, Any]) -> None:
    """Valkey's images are made on Debian trixie since 8.0.5 and 8.1.4: there is no later one for bookworm."""
    name, _, tag = compose["services"]["redis"]["image"].partition(":")
    assert name == "valkey/valkey"
    version, _, system = tag.partition("-")
    major, minor, patch = map(int, version.split("."))
    assert (major, minor) >= (8, 0), "as transport demands"
    assert system == ("bookworm" if (major, minor, patch) in {(8, 0, 4), (8, 1, 2)} else "trixie")


def test_the_stream_server_does_not_run_as_root(compose: dict[str, Any]) -> None:
    """A shell that starts the server by itself would skip what gives up root."""
    line = compose["services"]["redis"]["command"][-1]
    assert "exec docker-entrypoint.sh valkey-server" in line


def test_the_lines_that_make_the_secrets_work_and_containers_may_read_them(
    compose: dict[str, Any], tmp_path: Path
) -> None:
    """A secret is mounted with the owner and the mode that it has outside, and the service runs as another user."""
    head = (ROOT / "docker-compose.yml").read_text().partition("services:")[0]
    lines = [line[4:] for line in head.splitlines() if line.startswith("#   ") and "secrets" in line]
    made = [line for line in lines if not line.startswith(("docker", "RUNCAST_URL"))]
    assert len(made) == 2
    subprocess.run(["sh", "-ec", "umask 077\n" + "\n".join(made)], cwd=tmp_path, check=True, timeout=30)
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    for secret in compose["secrets"].values():
        path = tmp_path / secret["file"]
        assert len(path.read_text().strip()) == 64
        assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_an_image_is_built_from_nothing_but_what_it_copies() -> None:
    """Neither secrets nor data nor a virtual environment of hundreds of megabytes go to the builder."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert lines[0] == "*"
    allowed = {line[1:] for line in lines if line[0] == "!"}
    for path in DOCKERFILES:
        copied = {source for word, rest in _instructions(path) if word == "COPY" for source in rest.split()[:-1]}
        assert copied == allowed, path.name


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


def test_redis_takes_its_configuration(tmp_path: Path) -> None:
    """A server of the kind that the container runs reads every line of it."""
    socket = Path(tempfile.mkdtemp(prefix="rc-")) / "redis.sock"  # A short path: it may have about 100 bytes.
    process = subprocess.Popen(
        [find_server(), str(DEPLOY / "redis.conf"), "--port", "0", "--unixsocket", str(socket)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_until(lambda: socket.exists() or process.poll(), 20)
        assert process.poll() is None
        with redis.Redis(unix_socket_path=str(socket)) as client:
            assert client.config_get("maxmemory")["maxmemory"] == str(1024**3)
            assert client.config_get("stream-node-max-entries")["stream-node-max-entries"] == "100"
    finally:
        process.terminate()
        said, _ = process.communicate(timeout=20)
        shutil.rmtree(socket.parent)
    assert "FATAL" not in said


COMPOSE_WORDS = {
    "service": "image build command environment volumes secrets ports depends_on healthcheck restart stop_grace_period",
    "build": "context dockerfile",
    "healthcheck": "test interval timeout retries start_period",
}
PORTS = {"redis": 6379, "ingest": 8484, "dashboard": 8485}


def _strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in _strings(each)]
    if isinstance(value, list):
        return [text for each in value for text in _strings(each)]
    return [str(value)]


def test_compose_knows_every_word_of_its_file(compose: dict[str, Any]) -> None:
    assert compose.keys() == {"services", "volumes", "secrets"}
    for name, service in compose["services"].items():
        assert service.keys() <= set(COMPOSE_WORDS["service"].split()), name
        for part in ("build", "healthcheck"):
            assert service.get(part, {}).keys() <= set(COMPOSE_WORDS[part].split()), (name, part)
        assert service["restart"] == "unless-stopped"
        for condition in service.get("depends_on", {}).values():
            assert condition == {"condition": "service_healthy"}, name


def test_containers_call_each_other_by_name_at_the_port_that_is_listened_on(compose: dict[str, Any]) -> None:
    assert compose["services"].keys() == PORTS.keys()
    called = set()
    for name, service in compose["services"].items():
        for text in _strings([service.get("command"), service.get("environment")]):
            for host, port in re.findall(r"(?:://|@)([a-z][a-z0-9.-]*):(\d+)", text):
                if host != "localhost":
                    assert int(port) == PORTS.get(host), (name, text)
                    assert host in service["depends_on"], f"{name} needs {host} to be there"
                    called.add((name, host))
        if name != "redis":
            assert f"--port {PORTS[name]}" in " ".join(_strings(service["command"]))
        for published in service["ports"]:
            assert published == f"127.0.0.1:{PORTS[name]}:{PORTS[name]}"
    assert called == {("ingest", "redis"), ("dashboard", "ingest")}


def test_a_container_reads_only_secrets_that_it_is_given(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        read = {secret for text in _strings(service) for secret in re.findall(r"/run/secrets/(\w+)", text)}
        assert read == set(service["secrets"]), name


def test_a_dollar_is_the_shells_and_not_composes(compose: dict[str, Any]) -> None:
    """Compose replaces `$(…` or `$NAME` by itself, before any shell sees it, unless the sign is doubled."""
    for text in _strings(compose):
        assert "$" not in text.replace("$$", ""), text


def test_every_variable_that_is_set_is_one_that_is_read(compose: dict[str, Any]) -> None:
    settings = (ROOT / "docs" / "settings.md").read_text()
    files = [ROOT / "docker-compose.yml", *(path for path in DEPLOY.iterdir() if path.is_file())]
    for path in files:
        for name in re.findall(r"\bRUNCAST_[A-Z_]+\b", path.read_text()):
            assert f"`{name}`" in settings, (path.name, name)


def test_health_is_asked_where_it_is_answered(compose: dict[str, Any]) -> None:
    asked = {path.name: path.read_text() for path in DOCKERFILES}
    asked |= {name: " ".join(_strings(service.get("healthcheck", {}))) for name, service in compose["services"].items()}
    ports = {"service.Dockerfile": 8484, "dashboard.Dockerfile": 8485, "ingest": 8484}
    for name, port in ports.items():
        assert set(re.findall(r"http://(\S+?)\'", asked[name])) == {f"127.0.0.1:{port}/healthz"}, name


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="this system has no systemd to ask")
def test_systemd_knows_every_word_of_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "runcast.service"
    unit.write_text((DEPLOY / "runcast.service").read_text().replace("/opt/runcast/bin/runcast", sys.executable))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0
    assert str(unit) not in done.stderr, done.stderr


def test_the_proxies_send_each_path_to_whom_it_belongs() -> None:
    """The API and /live are the service's, everything else is the dashboard's."""
    nginx, caddy = (DEPLOY / "nginx.conf").read_text(), (DEPLOY / "Caddyfile").read_text()
    assert dict(re.findall(r"location ([^{]+?) \{\s*proxy_pass http://([^;]+);", nginx)) == {
        "= /live": "127.0.0.1:8484",
        "/api/": "127.0.0.1:8484",
        "~ ^/(healthz|readyz|metrics)$": "127.0.0.1:8484",
        "/": "127.0.0.1:8485",
    }
    for line in nginx.splitlines():
        assert not line.strip() or line.strip().startswith("#") or line.rstrip()[-1] in "{};", line
    assert nginx.count("{") == nginx.count("}")
    assert re.findall(r"handle (@service )?\{\s*reverse_proxy (\S+)", caddy) == [
        ("@service ", "127.0.0.1:8484"),
        ("", "127.0.0.1:8485"),
    ]
    assert "@service path /live /api/* /healthz /readyz /metrics" in caddy
    assert caddy.count("{") == caddy.count("}")


def test_the_proxies_pass_the_websocket_and_speak_tls() -> None:
    nginx, caddy = (DEPLOY / "nginx.conf").read_text(), (DEPLOY / "Caddyfile").read_text()
    assert "proxy_set_header Upgrade $http_upgrade" in nginx
    assert "listen 443 ssl" in nginx
    for path in ("/live", "/api/"):
        assert path in nginx
        assert path in caddy
