"""How the machine and this process do: CPU, memory, disk and network, under W&B's names.

What counts up (bytes sent, read …) is counted from the first sample on. In a container with a limit, memory is
measured against the limit: what is beyond it kills the training, however much the machine has. Linux says all this
in files (see `linux`); elsewhere psutil is asked.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

from runcast.lazy import load
from runcast.surroundings.linux import GB, MB, Linux


class Machine:
    """Reads the machine through psutil. Made in the thread that samples: loading psutil takes a while."""

    def __init__(self) -> None:
        psutil: Any = load("psutil")
        self._psutil = psutil
        self._process = psutil.Process()
        self._total = psutil.virtual_memory().total
        self._began = self._counted()
        psutil.cpu_percent()  # From here on it says what was used since the last time.
        self._process.cpu_percent()

    def read(self) -> dict[str, float]:
        """Take one sample."""
        psutil, process = self._psutil, self._process
        values: dict[str, float] = {"cpu": psutil.cpu_percent()}
        with process.oneshot():
            rss = process.memory_info().rss
            values["proc.cpu"] = process.cpu_percent()
            values["proc.cpu.threads"] = float(process.num_threads())
        values["proc.memory.rssMB"] = rss / MB
        values["proc.memory.percent"] = 100 * rss / self._total
        memory = psutil.virtual_memory()
        values["memory_percent"] = memory.percent
        values["proc.memory.availableMB"] = memory.available / MB
        with suppress(OSError):  # The folder may be gone, or its disk.
            disk = psutil.disk_usage(os.getcwd())
            values["disk"] = disk.percent
            values["disk.usedGB"] = disk.used / GB
        for name, count in self._counted().items():
            values[name] = count - self._began.get(name, count)
        return values

    def _counted(self) -> dict[str, float]:
        counted: dict[str, float] = {}
        # Neither is there in every container.
        with suppress(Exception):
            if (net := self._psutil.net_io_counters()) is not None:
                counted |= {"network.sent": net.bytes_sent, "network.recv": net.bytes_recv}
        with suppress(Exception):
            if (disk := self._psutil.disk_io_counters()) is not None:
                counted |= {"disk.in": disk.read_bytes / MB, "disk.out": disk.write_bytes / MB}
        return counted


def machine() -> Linux | Machine:
    """Read this machine in the cheapest way; raises ImportError where there is none."""
    with suppress(OSError, ValueError, KeyError, IndexError):
        return Linux()
    return Machine()
