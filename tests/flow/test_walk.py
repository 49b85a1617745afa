"""A newcomer's walk: what stands in the pages is typed as it stands, in its order, and works."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.flow.running import Running, environment, python, up, wait_until

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
TYPED = ["README.md", "docs/getting-started.md", "docs/operations.md"]
# These have tests of their own, or are what this service was started by: they serve until somebody ends them.
ELSEWHERE = re.compile(r"pip install|runcast (up|down|demo|tail|run|import)\b")


def _examples(page: str) -> list[str]:
    """The Python programs of a page, without those that follow something for ever."""
    found = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), flags=re.DOTALL)
    return [program for program in found if "init(" in program and "async" not in program]


def _lines(page: str) -> list[str]:
    """The lines of a page that are typed into a shell, without what is said about them."""
    text = re.sub(r"```.*?```", "", (ROOT / page).read_text(), flags=re.DOTALL)
    return [re.split(r"\s{2,}", line)[0] for line in re.findall(r"^    (\S.*)$", text, flags=re.MULTILINE)]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with up(tmp_path_factory.mktemp("service")) as running:
        for page in TYPED:
            for program in _examples(page):
                done = python(program, RUNCAST_DIR=str(running.directory))
                assert done.returncode == 0, done.stderr
                assert "Synced" in done.stderr
        yield running


@pytest.mark.parametrize(
    ("page", "line"), [(page, line) for page in TYPED for line in _lines(page) if not ELSEWHERE.search(line)]
)
def test_a_line_of_the_pages_works_as_it_is_typed(service: Running, tmp_path: Path, page: str, line: str) -> None:
    program = line.split(maxsplit=1)[0]
    if shutil.which(program, path=f"{BIN}:/usr/bin:/bin") is None:
        pytest.skip(f"this system has no {program}")
    run = next(service.api.runs("intro"))["id"]
    (tmp_path / "backup").mkdir()
    typed = (
        line.replace("intro/RUN", f"intro/{run}")
        .replace("http://127.0.0.1:8484", service.api.url)
        .replace("~/.runcast", str(service.directory))
        .replace("/backup", f"{tmp_path}/backup")
    )
    done = subprocess.run(
        ["bash", "-c", typed],
        cwd=tmp_path,
        env=environment(RUNCAST_DIR=str(service.directory), PATH=f"{BIN}:/usr/bin:/bin"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"{typed}\n{done.stdout}{done.stderr}"
    assert done.stdout or done.stderr or program == "sqlite3", "it says something"


def test_a_backup_is_whole_while_the_service_writes(service: Running, tmp_path: Path) -> None:
    """Both lines of the page, one after the other."""
    if shutil.which("sqlite3") is None:
        pytest.skip("this system has no sqlite3")
    (copy,) = (line for line in _lines("docs/operations.md") if line.startswith("sqlite3"))
    typed = copy.replace("~/.runcast", str(service.directory)).replace("/backup", str(tmp_path))
    subprocess.run(["bash", "-c", typed], check=True, timeout=60)
    done = service.runcast("doctor", "--dir", str(tmp_path))
    assert done.returncode == 0
    assert "none yet" not in done.stdout


def test_the_pages_program_that_follows_a_project_prints_what_is_stored(service: Running) -> None:
    (program,) = (
        found
        for found in re.findall(r"```python\n(.*?)```", (ROOT / "docs/client.md").read_text(), flags=re.DOTALL)
        if "asyncio.run" in found
    )
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", program],
        env=environment(RUNCAST_DIR=str(service.directory)),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = process.stdout
        wait_until(lambda: said.readline().startswith("Row(") or None, 30)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
