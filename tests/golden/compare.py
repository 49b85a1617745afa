"""Play the programs with our client against a service, and bring what came of them to the form of what was recorded."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.flow.running import Running, python
from tests.golden.read import flat, without_clocks

OFFICIAL: dict[str, Any] = json.loads((Path(__file__).parent / "official.json").read_text())["programs"]

PLAY = """
import json, sys
import runcast as wandb
from tests.golden.play import play
print(json.dumps(play(wandb, sys.argv[1:])))
"""


def played(service: Running, programs: Iterable[str], processes: Mapping[str, str], **environ: str) -> dict[str, Any]:
    """Play programs, and whole processes; what they said, and what the API says of their runs."""
    quiet = {"RUNCAST_SILENT": "1", "RUNCAST_SYSTEM": "0", "RUNCAST_CONSOLE": "off", "RUNCAST_GIT": "0"}
    root = str(Path(__file__).parents[2])
    environ |= {"RUNCAST_DIR": str(service.directory), "PYTHONPATH": root, **quiet}
    done = python(PLAY, *programs, **environ)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    for name, program in processes.items():
        ours = program.replace("import sys, wandb;", "import sys, runcast as wandb;")
        told[name] = [python(ours, name, **environ).returncode]
    runs = {run["name"]: run for run in service.api.runs("golden", sort="created")}  # The latest of a name.
    return {
        name: {
            "rows": [without_clocks(dict(row)) for row in service.api.history("golden", str(runs[name]["id"]))],
            "summary": flat(dict(runs[name]["summary"])),
            "config": flat(dict(runs[name]["config"])),
            "exit_code": runs[name]["exit_code"],
            "out": told[name],
        }
        for name in [*programs, *processes]
    }


def same(value: Any) -> Any:
    """Make NaN equal to itself, and a number the same however it is written."""
    if isinstance(value, dict):
        return {key: same(each) for key, each in value.items()}
    if isinstance(value, list):
        return [same(each) for each in value]
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
    return value
