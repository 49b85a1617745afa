"""Play the programs with a client, W&B's or ours."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from tests.golden.programs import BEGINNINGS, PROGRAMS, TENSORS


def outcome(call: Callable[[], Any], kind: type[Exception] | tuple[type[Exception], ...] | None = None) -> Any:
    """Give what a call returned, or the name and text of what it raised; with a kind, only whether it raised that."""
    try:
        return call()
    except Exception as error:
        return f"{type(error).__name__}: {error}" if kind is None else isinstance(error, kind)


def play(wandb: Any, names: Iterable[str] = PROGRAMS, **init: Any) -> dict[str, list[Any]]:
    """Run each program in a run of its own, whose name is the program's; what they said, by name."""
    told: dict[str, list[Any]] = {}
    for name in names:
        begin = eval(BEGINNINGS.get(name, "{}"))
        run = wandb.init(project="golden", name=name, reinit=True, **begin, **init)
        out: list[Any] = []
        program = (PROGRAMS | TENSORS)[name]
        scope = {"wandb": wandb, "run": run, "math": math, "np": np, "out": out, "outcome": outcome}
        try:
            exec(program, scope)
        except Exception as error:
            out.append(f"ended by {type(error).__name__}: {error}")
        run.finish()
        told[name] = json.loads(json.dumps(out, default=str))
    return told
