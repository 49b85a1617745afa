"""What projects, runs and metrics may be called, and how a name stands in a sentence.

Any printable text of up to 256 characters is kept as given; run ids, which stand in
addresses and file names, are letters, digits, `_`, `.` and `-`.
"""

from __future__ import annotations

import os
import re
import string
import unicodedata

from runcast.errors import NameRefused

OWN_NAMES = ("_step", "_runtime", "_timestamp")  # Every row has these by itself; W&B too keeps only the time's.
NAME_CHARS_MAX = 256  # One line on a page, and a bound for every index.
SYSTEM = "_system/"  # What the names of samples of the machine begin with, among the rows of a run.
ASIDE = "~"  # No run id has it: `ID~1` is what was there before another run took the id.
RUN_ID_CHARS_MAX = 128  # With the writer's id it still fits a file name.
PROJECT_DEFAULT = "uncategorized"  # As W&B calls the project of a run without one.

# What is written from right to left, or says so; and the signs that keep a part of a sentence to itself.
_TURNS = frozenset({"R", "AL", "AN", "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
_ISOLATES, _CLOSES = "\u2066\u2067\u2068", "\u2069"
_RUN_ID = re.compile(r"[A-Za-z0-9_.-]+")
_BASE36 = string.ascii_lowercase + string.digits
# Control characters and lone surrogates; format characters such as RTL marks are kept, and shown as text.
_REFUSED_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})


def check_name(what: str, name: str) -> str:
    """Return a project, run or metric name as it is; raises NameRefused and says which character is in the way."""
    if not name:
        raise NameRefused(what, name, "is empty; give it at least one character")
    if len(name) > NAME_CHARS_MAX:
        raise NameRefused(what, name, f"has {len(name)} characters; use at most {NAME_CHARS_MAX}")
    if not name.isprintable():
        for at, char in enumerate(name):
            if unicodedata.category(char) in _REFUSED_CATEGORIES:
                raise NameRefused(
                    what, name, f"has the unprintable character U+{ord(char):04X} at position {at}; leave it out"
                )
    return name


def check_run_id(run: str) -> str:
    """Return a run id as it is; raises NameRefused when it could not stand in an address or a file name."""
    if not run:
        raise NameRefused("run id", run, "is empty; leave `id` out and one is made")
    if len(run) > RUN_ID_CHARS_MAX:
        raise NameRefused("run id", run, f"has {len(run)} characters; use at most {RUN_ID_CHARS_MAX}")
    if run in {".", ".."}:
        raise NameRefused("run id", run, "means a folder; use letters, digits, '_', '.' and '-'")
    if not _RUN_ID.fullmatch(run):
        at = next(index for index, char in enumerate(run) if not _RUN_ID.fullmatch(char))
        raise NameRefused(
            "run id", run, f"has the character {run[at]!r} at position {at}; use letters, digits, '_', '.' and '-'"
        )
    return run


def run_path(project: str, run: str) -> str:
    """Name a run within everything: `project/run`. A run id has no slash, so the last one divides."""
    return f"{check_name('project', project)}/{check_run_id(run)}"


def split_path(path: str) -> tuple[str, str]:
    """Take a run's path apart into project and run id; raises NameRefused on what is not one."""
    project, slash, run = path.rpartition("/")
    if not slash:
        raise NameRefused("run path", path, "has no project; write it as project/run")
    return check_name("project", project), check_run_id(run)


def new_run_id(seed: bytes | None = None) -> str:
    """Make a run id: 8 characters of base 36, as W&B makes them; from a seed of 16 bytes or more, always the same."""
    number = int.from_bytes(seed or os.urandom(16), "little")  # So many bits that none of the 36 is likelier.
    return "".join(_BASE36[number // 36**place % 36] for place in range(8))


def new_writer_id() -> str:
    """Make a writer id: 64 random bits as 16 hexadecimal digits, never used again."""
    return os.urandom(8).hex()


def apart(name: str) -> str:
    """Write a name within a sentence: whichever way it is written, what follows is written as before."""
    if not any(unicodedata.bidirectional(char) in _TURNS for char in name):
        return name
    text, opened = "", 0
    for char in name:
        if char == _CLOSES and not opened:
            continue  # It would close ours.
        opened += (char in _ISOLATES) - (char == _CLOSES)
        text += char
    return _ISOLATES[-1] + text + _CLOSES * (opened + 1)
