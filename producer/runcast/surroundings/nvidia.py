"""How NVIDIA GPUs do, through NVML: `nvidia-ml-py` has to be installed, and a driver to be there."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from runcast.lazy import load


class Nvidia:
    """All NVIDIA GPUs of this machine. Raises what the library raises where there are none."""

    def __init__(self) -> None:
        self._nvml: Any = load("pynvml")
        self._nvml.nvmlInit()
        self._gpus = [self._nvml.nvmlDeviceGetHandleByIndex(at) for at in range(self._nvml.nvmlDeviceGetCount())]
        self._limits = [self._ask("nvmlDeviceGetEnforcedPowerLimit", gpu) for gpu in self._gpus]

    def describe(self) -> list[dict[str, Any]]:
        """Say which GPUs these are."""
        return [
            {
                "name": _text(self._ask("nvmlDeviceGetName", gpu)),
                "memory_bytes": getattr(self._ask("nvmlDeviceGetMemoryInfo", gpu), "total", None),
                "uuid": _text(self._ask("nvmlDeviceGetUUID", gpu)),
                "driver": _text(self._ask("nvmlSystemGetDriverVersion")),
            }
            for gpu in self._gpus
        ]

    def read(self) -> dict[str, float]:
        """Take one sample; what a GPU does not tell is left out."""
        values: dict[str, float] = {}
        for at, gpu in enumerate(self._gpus):
            name = f"gpu.{at}"
            if (use := self._ask("nvmlDeviceGetUtilizationRates", gpu)) is not None:
                values[f"{name}.gpu"], values[f"{name}.memory"] = float(use.gpu), float(use.memory)
            if (memory := self._ask("nvmlDeviceGetMemoryInfo", gpu)) is not None:
                values[f"{name}.memoryAllocatedBytes"] = float(memory.used)
                values[f"{name}.memoryAllocated"] = 100 * memory.used / memory.total
            if (temperature := self._ask("nvmlDeviceGetTemperature", gpu, 0)) is not None:
                values[f"{name}.temp"] = float(temperature)
            if (power := self._ask("nvmlDeviceGetPowerUsage", gpu)) is not None:
                values[f"{name}.powerWatts"] = power / 1000
                if limit := self._limits[at]:
                    values[f"{name}.powerPercent"] = 100 * power / limit
        return values

    def _ask(self, question: str, *about: Any) -> Any:
        with suppress(Exception):  # Each GPU tells something else; a part of one (MIG) tells least.
            return getattr(self._nvml, question)(*about)
        return None

    def close(self) -> None:
        """Let the library go."""
        with suppress(Exception):
            self._nvml.nvmlShutdown()


def _text(given: object) -> str | None:
    return given.decode(errors="replace") if isinstance(given, bytes) else given if isinstance(given, str) else None
