"""What the pages say is so: every setting is written down, every link leads somewhere, every command exists."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import click
import pytest
from tests.flow.running import python, up

from runcast.cli import COMMANDS, cli

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "deploy" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
SETTINGS = (ROOT / "docs" / "settings.md").read_text()
SOURCES = [path for folder in ("producer", "ingest", "dashboard", "deploy") for path in (ROOT / folder).rglob("*.py")]


def _variables() -> set[str]:
    """Every RUNCAST_ variable that a source file or a deployment names."""
    files = [*SOURCES, ROOT / "docker-compose.yml", *(path for path in (ROOT / "deploy").iterdir() if path.is_file())]
    return {
        name for path in files for name in re.findall(r"\bRUNCAST_[A-Z_]*[A-Z]\b", path.read_text(encoding="utf-8"))
    }


def test_every_setting_is_documented() -> None:
    missing = {name for name in _variables() if f"`{name}`" not in SETTINGS}
    assert not missing


def test_nothing_is_documented_that_no_source_reads() -> None:
    documented = set(re.findall(r"`(RUNCAST_[A-Z_]+)`", SETTINGS))
    assert documented == _variables() & documented


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://", "<")):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_exists_with_its_options(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for line in re.findall(r"(?:^    |`)(?:RUNCAST_\w+=\S+ )*runcast ([^`\n;|]+)", text, flags=re.MULTILINE):
        words = shlex.split(re.split(r"\s{2,}|#", line)[0])
        if not words or words[0].startswith("-") or words[0] == "COMMAND":
            continue
        assert words[0] in COMMANDS, f"runcast {line}"
        command = cli.get_command(None, words[0])  # type: ignore[arg-type]
        assert command is not None
        if isinstance(command, click.Group) and words[1:] and not words[1].startswith("-"):
            words = words[1:]
            command = command.get_command(click.Context(command), words[0])
            assert command is not None, f"runcast {line}"
        known = {option for parameter in command.params for option in [*parameter.opts, *parameter.secondary_opts]}
        for word in words[1:]:
            if word.startswith("-") and word not in {"--help"}:
                assert word in known, f"runcast {line}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_example_is_python(page: Path) -> None:
    for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL):
        compile(block, str(page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_the_changelog_names_the_version() -> None:
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), flags=re.MULTILINE)
    assert version is not None
    assert f"## {version[1]} " in (ROOT / "CHANGELOG.md").read_text()


def test_the_examples_of_the_clients_page_run_one_after_the_other(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "client.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    program = "\n".join(block for block in blocks if "subscribe(" not in block)  # That one never ends.
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "train.py").write_text("import runcast\n")
    with up(tmp_path / "rc") as service:
        begin = f"import os; os.chdir({str(tmp_path / 'work')!r})\n"
        done = python(begin + program, RUNCAST_DIR=str(service.directory))
        assert done.returncode == 0, done.stderr
        assert done.stdout == "0 0.5\n"
        assert (tmp_path / "work" / "artifacts" / "classifier:v0" / "weights.txt").read_text() == "0.1 0.2"
