"""The modules of W&B's client, as Python's import system finds them: each a thin one that asks the table.

`wandb` itself is a real package on the path, with a real `__spec__`; what is below it is made when it is imported. A
name is looked for when it is asked for, so `import wandb` costs what `import runcast` costs.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import FunctionType, ModuleType
from typing import Any

from runcast.shim.names import EVERYTHING, TABLE


def answer(name: str, namespace: dict[str, Any]) -> None:
    """Let a module of W&B's answer from the table, and let what is below it be imported."""
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, Finder())
    namespace["__getattr__"] = partial(_find, name, namespace)
    namespace["__dir__"] = partial(_list, name, namespace)


class Finder(MetaPathFinder, Loader):
    """Finds the modules of the table below `wandb`, and makes them."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Give a module's spec; None for what is not in the table, and for `wandb`, which is on the path."""
        del path, target
        if fullname == "wandb" or fullname not in TABLE:
            return None
        return ModuleSpec(fullname, self, origin=__file__, is_package=bool(_below(fullname)))

    def exec_module(self, module: ModuleType) -> None:
        """Let the new module answer."""
        module.__doc__ = f"Runcast, as `{module.__name__}`."
        answer(module.__name__, vars(module))


def _find(module: str, namespace: dict[str, Any], name: str) -> Any:
    """Look a name up where the table says; raises AttributeError."""
    if f"{module}.{name}" in TABLE:
        return importlib.import_module(f"{module}.{name}")
    if not name.startswith("__"):
        for source, names in TABLE[module].items():
            if names != EVERYTHING and name not in names.split():
                continue
            try:
                found = getattr(importlib.import_module(source), name)
            except AttributeError:
                continue
            except ModuleNotFoundError as error:
                if error.name != source:
                    raise  # A library that an integration is for is not installed: that is what the caller hears.
                continue
            if isinstance(found, type | FunctionType):
                namespace[name] = found  # These do not change; `wandb.run` does.
            return found
    raise AttributeError(f"module {module!r} has no attribute {name!r}: Runcast has nothing of this name")


def _list(module: str, namespace: dict[str, Any]) -> list[str]:
    found = {*namespace, *_below(module)}
    for source, names in TABLE[module].items():
        if names != EVERYTHING:
            found.update(names.split())
            continue
        with suppress(ModuleNotFoundError):
            found.update(dir(importlib.import_module(source)))
    return sorted(found)


def _below(module: str) -> list[str]:
    """Name the modules directly below one."""
    return [name.rpartition(".")[2] for name in TABLE if name.rpartition(".")[0] == module]
