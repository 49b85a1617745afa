"""What surrounds a run, from the program to the service's answers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.flow.running import Running, python, up

from runcast.service import Service

PROGRAM = """
import sys, time, runcast
runcast.init(project="around", id="r")
print("hello")
for percent in range(0, 101, 10):
    sys.stderr.write(f"\\r{percent}%")
    runcast.log({"loss": percent})
    time.sleep(0.03)
sys.stderr.write("\\n")
print("bye")
"""
ON = {"RUNCAST_SYSTEM": "1", "RUNCAST_META": "1", "RUNCAST_GIT": "1", "RUNCAST_CONSOLE": "wrap"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with up(tmp_path_factory.mktemp("around")) as running:
        yield running


@pytest.fixture(scope="module")
def api(service: Running) -> Service:
    """A service that holds one run with everything on."""
    done = python(PROGRAM, "--token=hush-hush", RUNCAST_DIR=str(service.directory), **ON, RUNCAST_SYSTEM_SECONDS="0.1")
    assert done.returncode == 0, done.stderr
    return service.api


def test_facts_are_told_with_the_run(api: Service) -> None:
    facts = api.run("around", "r")["facts"]
    assert {"command", "interpreter", "packages", "system"} <= set(facts)
    assert "hush-hush" not in str(facts)


def test_samples_are_in_a_stream_of_their_own(api: Service) -> None:
    run = api.run("around", "r")
    assert run["summary"] == {"loss": 100}
    assert [row["loss"] for row in api.history("around", "r")] == list(range(0, 101, 10))
    samples = list(api.history("around", "r", stream="system"))
    assert [row["_step"] for row in samples] == list(range(len(samples)))
    assert any(name.endswith("cpu") for name in samples[0])


def test_the_console_has_a_bar_as_one_line(api: Service) -> None:
    told = api.get("/api/v1/projects/around/runs/r/console")
    lines = [str(line["text"]) for line in told["lines"]]
    assert [line for line in lines if not line.startswith("runcast: ")] == ["hello", "100%", "bye"]
