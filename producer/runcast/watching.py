"""Histograms of a PyTorch model's gradients and parameters, logged into the rows of the training that it is in.

PyTorch is never imported: what a model and its tensors can do is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from runcast.events import Plain

BINS = 64  # As many as W&B's.
EVERY = 1000  # Batches between two histograms.
KINDS = {None: (), "gradients": ("gradients",), "parameters": ("parameters",), "all": ("parameters", "gradients")}

Log = Callable[[Mapping[str, Any]], None]


def models_of(given: Any) -> Sequence[Any]:
    """Give the models that `watch` was given; raises TypeError for what is none."""
    models = tuple(given) if isinstance(given, list | tuple) else (given,)
    for model in models:
        if not hasattr(model, "named_parameters") or not hasattr(model, "register_forward_hook"):
            raise TypeError(f"Expected a pytorch module (torch.nn.Module). Received {type(model)}")
    return models


class Watch:
    """The hooks on one model; `end` takes them off again."""

    def __init__(self, model: Any, *, what: str | None, every: int, number: int, log: Log) -> None:
        self.model = model
        self._log, self._every = log, max(1, every)
        self._handles: list[Any] = []
        # The first model's names are its own; those of others would be the same.
        prefix = f"graph_{number}" if number else ""
        kinds = KINDS[what]
        if "parameters" in kinds:
            self._follow_parameters(f"parameters/{prefix}")
        if "gradients" in kinds:
            self._follow_gradients(f"gradients/{prefix}")

    def _follow_parameters(self, prefix: str) -> None:
        due = self._counter()

        def passed(module: Any, arguments: Any, result: Any) -> None:
            del arguments, result
            if module.training and due():
                self._tell((f"{prefix}{name}", parameter) for name, parameter in module.named_parameters())

        self._handles.append(self.model.register_forward_hook(passed))

    def _follow_gradients(self, prefix: str) -> None:
        for name, parameter in self.model.named_parameters():
            if parameter.requires_grad:
                self._handles.append(parameter.register_hook(self._gradient_hook(f"{prefix}{name}")))

    def _gradient_hook(self, name: str) -> Callable[[Any], None]:
        due = self._counter()

        def computed(gradient: Any) -> None:
            if due():
                self._tell([(name, gradient)])

        return computed

    def _counter(self) -> Callable[[], bool]:
        """Count calls, and say which are due: every n-th."""
        calls = 0

        def due() -> bool:
            nonlocal calls
            calls += 1
            return calls % self._every == 0

        return due

    def _tell(self, tensors: Iterable[tuple[str, Any]]) -> None:
        with suppress(Exception):  # A hook that raises would end the training's own step.
            found = {name: counted for name, tensor in tensors if (counted := count(tensor)) is not None}
            if found:
                self._log(found)

    def end(self) -> None:
        """Take the hooks off."""
        for handle in self._handles:
            handle.remove()
        self._handles = []


def count(tensor: Any) -> dict[str, Plain] | None:
    """Count a tensor's finite values into a histogram, where the tensor is; None if there are none."""
    values = tensor.detach()
    if getattr(values, "is_sparse", False):
        values = values.coalesce().values()
    values = values.reshape(-1).float()
    values = values[values.isfinite()]
    if not values.numel():
        return None
    low, high = float(values.min()), float(values.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    try:
        counts = values.histc(BINS, low, high)
    except (RuntimeError, NotImplementedError):  # Not every device counts.
        counts = values.cpu().histc(BINS, low, high)
    width = (high - low) / BINS
    return {
        "_type": "histogram",
        "values": [int(each) for each in counts.tolist()],
        "bins": [low + width * at for at in range(BINS + 1)],
    }
