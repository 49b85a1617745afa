"""How AMD GPUs do, as the kernel's driver says it in files: no tool and no right is needed."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from runcast.errors import RuncastError

VENDOR = "0x1002"


class Amd:
    """All AMD GPUs of this machine. Raises RuncastError where there are none."""

    def __init__(self, *, cards: Path = Path("/sys/class/drm")) -> None:
        found = sorted(cards.glob("card[0-9]*/device/gpu_busy_percent"), key=lambda path: _digits(path.parts[-3]))
        self._gpus = [path.parent for path in found if _read(path.parent / "vendor") == VENDOR]
        if not self._gpus:
            raise RuncastError(f"no AMD GPU in {cards}")
        self._sensors = [next(iter(sorted((gpu / "hwmon").glob("hwmon*"))), gpu) for gpu in self._gpus]

    def describe(self) -> list[dict[str, Any]]:
        """Say which GPUs these are."""
        return [
            {
                "name": _read(gpu / "product_name") or f"AMD GPU {_read(gpu / 'device')}",
                "memory_bytes": _number(gpu / "mem_info_vram_total"),
                "uuid": _read(gpu / "unique_id"),
            }
            for gpu in self._gpus
        ]

    def read(self) -> dict[str, float]:
        """Take one sample; what a GPU does not tell is left out."""
        values: dict[str, float] = {}
        for at, (gpu, sensors) in enumerate(zip(self._gpus, self._sensors, strict=True)):
            name = f"gpu.{at}"
            told = {
                "gpu": _number(gpu / "gpu_busy_percent"),
                "memory": _number(gpu / "mem_busy_percent"),
                "memoryAllocatedBytes": _number(gpu / "mem_info_vram_used"),
                "temp": _number(sensors / "temp1_input", 1e-3),
                "powerWatts": _number(sensors / "power1_average", 1e-6) or _number(sensors / "power1_input", 1e-6),
            }
            values |= {f"{name}.{key}": value for key, value in told.items() if value is not None}
            used, total = told["memoryAllocatedBytes"], _number(gpu / "mem_info_vram_total")
            if used is not None and total:
                values[f"{name}.memoryAllocated"] = 100 * used / total
        return values

    def close(self) -> None:
        """Nothing is open."""


def _digits(name: str) -> int:
    return int("".join(filter(str.isdigit, name)) or 0)


def _read(path: Path) -> str:
    with suppress(OSError):
        return path.read_text(errors="replace").strip()
    return ""


def _number(path: Path, scale: float = 1.0) -> float | None:
    with suppress(ValueError):
        return int(_read(path)) * scale
    return None
