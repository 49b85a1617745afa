"""How a Linux machine and this process do, read from `/proc`: a fifth of a millisecond, and nothing to load.

Names and meanings are those of `machine`, which asks psutil where there is no `/proc`.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

MB = 1024 * 1024
GB = 1024 * MB
SECTOR_BYTES = 512  # Of `/proc/diskstats`, whatever the disk's own are.
# Parts of other disks, or none at all: counted, they would count twice.
_NO_DISKS = ("loop", "ram", "zram", "dm-", "md", "sr")


class Linux:
    """Reads this machine. Raises OSError or ValueError where `/proc` is not what it should be."""

    def __init__(self, *, proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")) -> None:
        self._proc, self._cgroup = proc, cgroup
        self._whole: dict[str, bool] = {}
        self._ticks, self._page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
        self._memory_max = self._total = self._meminfo()["MemTotal"]
        with suppress(OSError, ValueError):
            self._memory_max = min(self._total, int((cgroup / "memory.max").read_text()))
        self._busy = self._cpu()
        self._own = self._process()[0], time.monotonic()
        self._began = self._counted()

    def read(self) -> dict[str, float]:
        """Take one sample."""
        seconds, threads, rss = self._process()
        used, available = self._memory()
        values = {
            "cpu": self._cpu_percent(),
            "memory_percent": 100 * used / self._memory_max,
            "proc.cpu": self._own_percent(seconds),
            "proc.cpu.threads": threads,
            "proc.memory.rssMB": rss / MB,
            "proc.memory.percent": 100 * rss / self._memory_max,
            "proc.memory.availableMB": available / MB,
        }
        with suppress(OSError):  # The folder may be gone, or its disk.
            disk = os.statvfs(".")
            taken, free = disk.f_blocks - disk.f_bfree, disk.f_bavail
            values["disk"] = 100 * taken / max(1, taken + free)
            values["disk.usedGB"] = taken * disk.f_frsize / GB
        for name, count in self._counted().items():
            values[name] = count - self._began.get(name, count)
        return values

    def _cpu(self) -> tuple[int, int]:
        """Count the ticks that were worked, and all."""
        with open(self._proc / "stat", encoding="ascii") as stat:
            ticks = [int(field) for field in stat.readline().split()[1:9]]
        return sum(ticks) - ticks[3] - ticks[4], sum(ticks)  # Neither idle nor waiting for a disk.

    def _cpu_percent(self) -> float:
        (worked, all_ticks), before = self._cpu(), self._busy
        self._busy = worked, all_ticks
        return 100 * (worked - before[0]) / max(1, all_ticks - before[1])

    def _process(self) -> tuple[float, float, float]:
        """Give this process's seconds of CPU, its threads and its bytes."""
        fields = (self._proc / "self" / "stat").read_text(errors="replace").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / self._ticks, float(fields[17]), float(fields[21]) * self._page

    def _own_percent(self, seconds: float) -> float:
        (before, at), now = self._own, time.monotonic()
        self._own = seconds, now
        return 100 * (seconds - before) / max(1e-3, now - at)

    def _meminfo(self) -> dict[str, int]:
        found: dict[str, int] = {}
        with open(self._proc / "meminfo", encoding="ascii") as lines:
            for line in lines:
                name, _, rest = line.partition(":")
                if name in {"MemTotal", "MemAvailable"}:
                    found[name] = int(rest.split()[0]) * 1024
                    if len(found) == 2:
                        break
        return found

    def _memory(self) -> tuple[float, float]:
        """Say how much is used and how much is left."""
        if self._memory_max < self._total:
            with suppress(OSError, ValueError, StopIteration):
                used = int((self._cgroup / "memory.current").read_text())
                lines = (self._cgroup / "memory.stat").read_text().splitlines()
                # The kernel gives back what files it has read, before it kills anybody.
                used -= next(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))
                return used, self._memory_max - used
        available = self._meminfo()["MemAvailable"]
        return self._total - available, available

    def _counted(self) -> dict[str, float]:
        counted: dict[str, float] = {}
        # Neither is there in every container.
        with suppress(OSError, ValueError, IndexError):
            lines = (self._proc / "net" / "dev").read_text().splitlines()[2:]
            fields = [line.rpartition(":")[2].split() for line in lines if not line.lstrip().startswith("lo:")]
            counted |= {"network.sent": sum(int(f[8]) for f in fields), "network.recv": sum(int(f[0]) for f in fields)}
        with suppress(OSError, ValueError, IndexError):
            disks = [line.split() for line in (self._proc / "diskstats").read_text().splitlines()]
            whole = [f for f in disks if not f[2].startswith(_NO_DISKS) and self._is_whole(f[2])]
            counted["disk.in"] = sum(int(f[5]) for f in whole) * SECTOR_BYTES / MB
            counted["disk.out"] = sum(int(f[9]) for f in whole) * SECTOR_BYTES / MB
        return counted

    def _is_whole(self, disk: str) -> bool:
        """Tell a disk from a part of one."""
        if disk not in self._whole:
            self._whole[disk] = os.path.exists(f"/sys/block/{disk}")
        return self._whole[disk]
