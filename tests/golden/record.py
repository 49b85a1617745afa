"""Record what the official client does with the programs: `python record.py` where it and numpy are installed.

It needs nothing of Runcast but its reader of `.wandb` files, by PYTHONPATH; its result, `official.json`, is what the
tests compare with, so that they need no official client.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from tests.golden.play import play

HERE = Path(__file__).parent


def main() -> None:
    """Play every program offline, and read the files that the client wrote."""
    folder = tempfile.mkdtemp()
    os.environ |= {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_DIR": folder, "WANDB_CONSOLE": "off"}
    import wandb  # noqa: PLC0415  # Its environment comes first.
    from tests.golden.read import final  # noqa: PLC0415

    settings = wandb.Settings(x_disable_stats=True, x_disable_meta=True, disable_git=True)
    told = play(wandb, settings=settings)
    recorded: dict[str, Any] = {"version": wandb.__version__, "programs": {}}
    for path in sorted(Path(folder).glob("wandb/offline-run-*/*.wandb")):
        name, run = final(path)
        recorded["programs"][name] = {"out": told[name], **run}
    (HERE / "official.json").write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n")
    print(f"{len(recorded['programs'])} programs recorded with {wandb.__version__}")


if __name__ == "__main__":
    main()
