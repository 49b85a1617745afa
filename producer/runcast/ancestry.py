"""Who started this process: a word for the launcher that all its ranks can say, and nobody else ever will.

A process is known by its machine's boot, its number and the moment it began. Where the system does not tell
(`/proc` is Linux's), its number and this machine's name have to do.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "fish", "ash"})
GENERATIONS_MAX = 8  # A wrapper in a wrapper; more is a circle.


def launcher_of(variable: str, *, proc: Path = Path("/proc")) -> str:
    """Name the process that made this one a rank: its parent, or whoever started the shell around it.

    A shell belongs to the rank if `variable`, which holds the rank, was set for it already.
    """
    pid = os.getppid()
    for _ in range(GENERATIONS_MAX):
        stat = _stat(proc / str(pid))
        if stat is None or stat.name not in SHELLS or not _has(proc / str(pid), variable):
            break
        pid = stat.parent
    stat = _stat(proc / str(pid))
    return f"{_boot(proc)} {pid} {stat.began if stat else ''}"


class _Stat:
    """What `/proc/N/stat` says of a process."""

    def __init__(self, text: str) -> None:
        # The name may hold spaces and brackets of its own: count from the last one.
        head, _, rest = text.rpartition(")")
        fields = rest.split()
        self.name = head.partition("(")[2]
        self.parent = int(fields[1])
        self.began = fields[19]


def _stat(process: Path) -> _Stat | None:
    try:
        return _Stat((process / "stat").read_text(errors="replace"))
    except (OSError, IndexError, ValueError):
        return None


def _has(process: Path, variable: str) -> bool:
    with suppress(OSError):
        return any(each.startswith(f"{variable}=".encode()) for each in (process / "environ").read_bytes().split(b"\0"))
    return False


def _boot(proc: Path) -> str:
    """Name this machine since it was started; containers of one machine share it, and their process numbers differ."""
    with suppress(OSError):
        return (proc / "sys/kernel/random/boot_id").read_text().strip() + _space(proc)
    return os.uname().nodename


def _space(proc: Path) -> str:
    """Number the space that process numbers are counted in: containers count each from 1."""
    with suppress(OSError):
        return ":" + os.readlink(proc / "self/ns/pid").strip("pid:[]")
    return ""
