"""Small programs that W&B's client and ours must answer alike, each about one rule of rows, summary or config.

Each runs between `init` and `finish` of a run of its own, with `wandb`, `run`, `math`, `np` and `out` at hand: what it
appends to `out` is compared too. `outcome(call)` gives what a call returned, or what it raised; `outcome(call, kind)`
only whether it raised that.
"""

from __future__ import annotations

from tests.golden.programs import config, definitions, endings, refused, steps, summary, tensors, values

_PARTS = (steps, values, refused, summary, definitions, config, endings)

PROGRAMS: dict[str, str] = {name: text for part in _PARTS for name, text in part.PROGRAMS.items()}

# Those that need PyTorch, which the tests of this folder do without where it is missing.
TENSORS: dict[str, str] = tensors.PROGRAMS

# What some programs' runs begin with, as Python: keywords of `init`.
BEGINNINGS: dict[str, str] = config.BEGINNINGS

# Whole programs, each a process of its own.
PROCESSES: dict[str, str] = endings.PROCESSES
