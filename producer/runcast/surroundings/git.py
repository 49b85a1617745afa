"""Which code a run was made with: commit, branch, remote, and what is changed on top of the commit.

Git is asked, for no longer than a bounded time; a folder without Git, or a machine without it, has no answer.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from runcast.surroundings.secrets import mask_text, secret_values, without_user

SECONDS_MAX = 5.0  # For all questions together: a repository on a slow network drive is left alone.
DIFF_BYTES_MAX = 1024 * 1024  # A change of more is no change of code.


class Git:
    """A working tree. Ask `facts` first: it says whether there is one."""

    def __init__(self, folder: Path, environ: Mapping[str, str], *, seconds: float = SECONDS_MAX) -> None:
        self._folder, self._deadline = folder, time.monotonic() + seconds
        # Git takes no lock that the user's own git would run into, asks nothing, and runs nothing of the repository's.
        self._environ = {**environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
        for name in ("GIT_EXTERNAL_DIFF", "GIT_PAGER"):
            self._environ.pop(name, None)

    def facts(self) -> dict[str, str | bool]:
        """Say what the tree stands at; empty where there is none."""
        commit = self._ask("rev-parse", "HEAD")
        if not commit:
            return {}
        facts: dict[str, str | bool] = {"commit": commit}
        if (branch := self._ask("symbolic-ref", "--short", "-q", "HEAD")) is not None:
            facts["branch"] = branch
        if remote := self._ask("config", "--get", "remote.origin.url"):
            facts["remote"] = without_user(remote)
        if (changes := self._ask("status", "--porcelain", "--untracked-files=no")) is not None:
            facts["dirty"] = bool(changes)
        if root := self._ask("rev-parse", "--show-prefix"):
            facts["folder"] = root.rstrip("/")
        return facts

    def diff(self) -> tuple[bytes, bool]:
        """Give what differs from the commit, as a patch; the second value says that it was cut."""
        patch = self._run("diff", "HEAD", "--no-ext-diff", "--no-textconv", "--no-color", "--submodule=diff")
        if patch is None:
            return b"", False
        cut = len(patch) > DIFF_BYTES_MAX
        if cut:
            patch = patch[: patch.rfind(b"\n", 0, DIFF_BYTES_MAX) + 1]
        text = patch.decode("utf-8", "surrogateescape")
        return mask_text(text, secret_values(self._environ)).encode("utf-8", "surrogateescape"), cut

    def _ask(self, *words: str) -> str | None:
        answer = self._run(*words)
        return None if answer is None else answer.decode("utf-8", "replace").strip()

    def _run(self, *words: str) -> bytes | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            return None
        try:
            done = subprocess.run(  # noqa: S603
                ["git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=" + os.devnull, *words],  # noqa: S607
                cwd=self._folder,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=left,
                check=False,
            )
        except (OSError, ValueError, subprocess.SubprocessError):
            return None
        return done.stdout if done.returncode == 0 else None
