"""The demo that checks itself."""

from __future__ import annotations

from pathlib import Path

from tests.flow.running import runcast


def test_the_demo_stores_what_eight_trainings_logged_and_says_so(tmp_path: Path) -> None:
    done = runcast("demo", "--exit", "--port", "0", RUNCAST_DIR=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    head = next(at for at, line in enumerate(lines) if line.startswith("RUN "))
    table = [line.split() for line in lines[head + 1 : head + 9]]
    states = {row[0]: row[1] for row in table}
    assert states.pop("diverges") == "failed"
    assert states.pop("killed") == "crashed"
    assert set(states.values()) == {"finished"}
    for row in table:
        assert row[2] == row[3], "rows logged and rows stored"
        assert row[4] == "same"
        assert float(row[6]) < 10_000, "it was seen live"
    assert list(tmp_path.iterdir()) == [], "a checked demo leaves nothing behind"
