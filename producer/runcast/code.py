"""The program's own files as an artifact: what `log_code` takes, by W&B's rules."""

from __future__ import annotations

import inspect
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from runcast.artifact import Artifact
from runcast.errors import UsageError

Judge = Callable[..., bool]
"""Whether a file is taken, or left out: asked for its path, and for the root too if it takes two."""

CODE_FILES_MAX = 10_000  # A root that holds more is no program: somebody's home, say.
FILE_BYTES_MAX = 10 * 1024 * 1024  # Of one file; what is larger is data.
_NAMES = frozenset(("requirements.txt", "pyproject.toml", "Dockerfile"))
_PASSED_OVER = frozenset(("wandb", "runcast-local", "node_modules", "__pycache__", "site-packages"))


def is_code(path: str) -> bool:
    """Say what is taken if nobody else says: Python, and what its environment is made of."""
    name = os.path.basename(path)
    return name.endswith(".py") or name in _NAMES or name.startswith("Dockerfile")


def is_ours(path: str, root: str) -> bool:
    """Say what is left out if nobody else says: what trackers, Git and virtual environments keep beside a program."""
    parts = Path(os.path.relpath(path, root)).parts
    return any(part in _PASSED_OVER or part.startswith(".") for part in parts)


def collect(name: str, root: Path, include: Judge = is_code, exclude: Judge = is_ours) -> Artifact | None:
    """Make an artifact of the files below a root; None when there are none. Raises UsageError for too many."""
    if not root.is_dir():
        raise UsageError(f"log_code() takes a folder, and {str(root)!r} is none")
    artifact = Artifact(name, "code")
    taken = 0
    for path in _walk(root):
        if not _asked(include, path, root) or _asked(exclude, path, root):
            continue
        if path.stat().st_size > FILE_BYTES_MAX:
            continue
        taken += 1
        if taken > CODE_FILES_MAX:
            raise UsageError(
                f"{str(root)!r} has more than {CODE_FILES_MAX} files of code; give root, include_fn or exclude_fn"
            )
        artifact.add_file(path, path.relative_to(root).as_posix())
    return artifact if taken else None


def source_name(project: str, root: Path) -> str:
    """Name the artifact after the project and the program, as W&B does."""
    program = sys.argv[0] if sys.argv and sys.argv[0] not in {"", "-c"} else "interactive"
    entry = os.path.relpath(program, root) if os.path.exists(program) else program
    return re.sub(r"[^A-Za-z0-9_.-]", "_", f"source-{project}-{entry}")[:128]


def _walk(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        # Not even entered: a virtual environment has more files than any program.
        folders[:] = sorted(each for each in folders if each not in _PASSED_OVER and not _is_environment(folder, each))
        yield from (path for each in sorted(files) if (path := Path(folder, each)).is_file())


def _is_environment(folder: str, name: str) -> bool:
    return name == ".git" or os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))


def _asked(judge: Judge, path: Path, root: Path) -> bool:
    """Ask with one argument or two: W&B's judges take either."""
    takes = len(inspect.signature(judge).parameters)
    return bool(judge(str(path), str(root)) if takes > 1 else judge(str(path)))
