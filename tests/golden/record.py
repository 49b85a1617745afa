"""Record what the official client does with the programs: `python -m tests.golden.record`, from the repository's root.

It runs in a virtual environment of its own, with `pip install wandb==0.31.* numpy pandas pyyaml torch msgspec` and this
repository's `producer` on PYTHONPATH, of which it needs the reader of `.wandb` files only. Its result, `official.json`,
is what the tests compare with, so that they need no official client.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.golden.play import play
from tests.golden.programs import PROCESSES, PROGRAMS, TENSORS

HERE = Path(__file__).parent


def main() -> None:
    """Play every program offline, and read the files that the client wrote."""
    folder = tempfile.mkdtemp()
    os.environ |= {
        "WANDB_MODE": "offline",
        "WANDB_SILENT": "true",
        "WANDB_DIR": folder,
        "WANDB_CONSOLE": "off",
        "WANDB_X_DISABLE_STATS": "true",
        "WANDB_X_DISABLE_META": "true",
        "WANDB_DISABLE_GIT": "true",
    }
    told: dict[str, list[Any]] = {}
    for name, program in PROCESSES.items():  # First: a child of a process that has a run writes through its helper.
        done = subprocess.run([sys.executable, "-c", program, name], check=False, capture_output=True)
        told[name] = [done.returncode]
    import wandb  # noqa: PLC0415  # Its environment comes first.
    from tests.golden.read import final  # noqa: PLC0415

    told |= play(wandb, [*PROGRAMS, *TENSORS])
    recorded: dict[str, Any] = {"version": wandb.__version__, "programs": {}}
    for path in sorted(Path(folder).glob("wandb/offline-run-*/*.wandb")):
        name, run = final(path)
        recorded["programs"][name] = {"out": told[name], **run}
    (HERE / "official.json").write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n")
    print(f"{len(recorded['programs'])} programs recorded with {wandb.__version__}")


if __name__ == "__main__":
    main()
