"""Histograms of a model, with stand-ins that have what is asked of PyTorch; tests/integrations has the real one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from runcast.watching import BINS, Watch, count, models_of


class Tensor:
    """What `count` asks of a tensor."""

    requires_grad = True

    def __init__(self, values: Any) -> None:
        self._values = np.asarray(values)
        self.hooks: dict[int, Callable[[Tensor], None]] = {}

    def _self(self, *_: int) -> Tensor:
        return self

    detach = reshape = isfinite = _self

    def __getitem__(self, _: Tensor) -> Tensor:
        return Tensor(self._values[np.isfinite(self._values)])

    def numel(self) -> int:
        return int(self._values.size)

    def min(self) -> np.float64:
        return np.float64(self._values.min())

    def max(self) -> np.float64:
        return np.float64(self._values.max())

    def histc(self, bins: int, low: Any, high: Any) -> np.ndarray[Any, Any]:
        return np.histogram(self._values, bins, (low, high))[0]

    float = _self

    def register_hook(self, hook: Callable[[Tensor], None]) -> Handle:
        return Handle(self.hooks, hook)


class Handle:
    """Takes a hook off again."""

    def __init__(self, hooks: dict[int, Any], hook: Any) -> None:
        self._hooks, self._hook = hooks, hook
        hooks[id(hook)] = hook

    def remove(self) -> None:
        del self._hooks[id(self._hook)]


class Model:
    """A model of two parameters."""

    training = True

    def __init__(self) -> None:
        self.parameters = {"w": Tensor([1.0, 2.0, 2.0]), "b": Tensor([0.0])}
        self.hooks: dict[int, Callable[..., None]] = {}

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        return iter(self.parameters.items())

    def register_forward_hook(self, hook: Callable[..., None]) -> Handle:
        return Handle(self.hooks, hook)

    def batch(self) -> None:
        """Go forward and back once."""
        for hook in list(self.hooks.values()):
            hook(self, (), None)
        for parameter in self.parameters.values():
            for hook in list(parameter.hooks.values()):
                hook(Tensor([0.5, -0.5]))


@pytest.fixture
def rows() -> list[Mapping[str, Any]]:
    return []


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("gradients", {"gradients/w", "gradients/b"}),
        ("parameters", {"parameters/w", "parameters/b"}),
        ("all", {"gradients/w", "gradients/b", "parameters/w", "parameters/b"}),
        (None, set()),
    ],
)
def test_what_is_watched_is_logged_at_every_so_manieth_batch(
    what: str | None, names: set[str], rows: list[Mapping[str, Any]]
) -> None:
    model = Model()
    watch = Watch(model, what=what, every=3, number=0, log=rows.append)
    for batch in range(1, 7):
        rows.clear()
        model.batch()
        assert {name for row in rows for name in row} == (names if batch % 3 == 0 else set())
    watch.end()
    assert not model.hooks
    assert not any(parameter.hooks for parameter in model.parameters.values())


def test_a_second_models_names_are_its_own(rows: list[Mapping[str, Any]]) -> None:
    model = Model()
    Watch(model, what="gradients", every=1, number=1, log=rows.append)
    model.batch()
    assert {name for row in rows for name in row} == {"gradients/graph_1w", "gradients/graph_1b"}


def test_evaluation_is_not_watched(rows: list[Mapping[str, Any]]) -> None:
    model = Model()
    model.training = False
    Watch(model, what="parameters", every=1, number=0, log=rows.append)
    model.batch()
    assert rows == []


def test_a_hook_never_ends_a_training() -> None:
    def log(_: Mapping[str, Any]) -> None:
        raise OSError

    model = Model()
    Watch(model, what="all", every=1, number=0, log=log)
    model.batch()


def test_finite_values_are_counted_between_their_least_and_their_largest() -> None:
    counted = count(Tensor([0.0, 1.0, 1.0, math.nan, math.inf]))
    assert counted is not None
    assert (counted["values"][0], counted["values"][-1], sum(counted["values"])) == (1, 2, 3)  # type: ignore[index,arg-type]
    assert (counted["bins"][0], counted["bins"][-1], len(counted["bins"])) == (0.0, 1.0, BINS + 1)  # type: ignore[index,arg-type]
    assert count(Tensor([math.nan])) is None
    alone = count(Tensor([2.0, 2.0]))
    assert alone is not None
    assert (alone["bins"][0], alone["bins"][-1]) == (1.5, 2.5)  # type: ignore[index]


def test_only_models_can_be_watched() -> None:
    model = Model()
    assert models_of(model) == (model,)
    assert models_of([model, model]) == (model, model)
    with pytest.raises(TypeError, match="Expected a pytorch module"):
        models_of(3)
