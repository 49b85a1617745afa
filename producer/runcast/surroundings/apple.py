"""How the GPU of an Apple machine does, as `ioreg` says it to anybody; `powermetrics` would need root."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from runcast.errors import RuncastError

_COMMAND = ("/usr/sbin/ioreg", "-r", "-d", "1", "-w", "0", "-c", "IOAccelerator")
_SECONDS_MAX = 3.0
_NUMBER = re.compile(r'"(Device Utilization %|In use system memory|Alloc system memory)"=(\d+)')
_MODEL = re.compile(r'"model" = "([^"]+)"')


def ioreg() -> str:
    """Ask the registry of devices; raises RuncastError off macOS."""
    if sys.platform != "darwin":
        raise RuncastError("ioreg is macOS's")
    done = subprocess.run(  # noqa: S603
        _COMMAND, capture_output=True, timeout=_SECONDS_MAX, check=True, stdin=subprocess.DEVNULL
    )
    return done.stdout.decode(errors="replace")


class Apple:
    """The GPU of an Apple machine. Raises RuncastError where there is none."""

    def __init__(self, *, ask: Callable[[], str] = ioreg) -> None:
        self._ask = ask
        text = ask()
        if not _NUMBER.search(text):
            raise RuncastError("ioreg names no GPU")
        model = _MODEL.search(text)
        self._name = model[1] if model else "Apple GPU"

    def describe(self) -> list[dict[str, Any]]:
        """Say which GPU this is."""
        return [{"name": self._name}]

    def read(self) -> dict[str, float]:
        """Take one sample."""
        told = {name: float(number) for name, number in _NUMBER.findall(self._ask())}
        values: dict[str, float] = {}
        if (use := told.get("Device Utilization %")) is not None:
            values["gpu.0.gpu"] = use
        if (used := told.get("In use system memory")) is not None:
            values["gpu.0.memoryAllocatedBytes"] = used
        return values

    def close(self) -> None:
        """Nothing is open."""
