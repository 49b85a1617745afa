"""Do something to a module once it is imported: at once if it is, else when somebody does."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

Act = Callable[[ModuleType], None]


def when_imported(name: str, act: Act) -> None:
    """Call `act` with the module of this name; nothing is imported for it."""
    if (module := sys.modules.get(name)) is not None:
        act(module)
        return
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    _finder.waiting.setdefault(name, []).append(act)


class _Finder(MetaPathFinder):
    """Finds what the others find, and is told when it was loaded."""

    def __init__(self) -> None:
        self.waiting: dict[str, list[Act]] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self.waiting:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    self._listen(fullname, spec.loader)
                return spec
        return None

    def _listen(self, name: str, loader: Loader) -> None:
        load = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            load(module)
            for act in self.waiting.pop(name, ()):
                act(module)

        loader.exec_module = exec_module  # type: ignore[method-assign]  # A loader serves one module.


_finder = _Finder()
