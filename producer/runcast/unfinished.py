"""Which run a program began in a folder and did not end well: what `resume="auto"` goes on with."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from runcast.errors import NameRefused
from runcast.names import check_run_id

FOLDER = "unfinished"


class Unfinished:
    """One folder's and one project's note. It is kept in the Runcast directory: a program may not write where it is."""

    def __init__(self, directory: Path, where: Path, project: str) -> None:
        digest = hashlib.sha256(f"{where}\0{project}".encode("utf-8", "surrogateescape")).hexdigest()
        self._path = directory / FOLDER / digest[:24]

    def read(self) -> str | None:
        """Give the run's id, or None."""
        try:
            return check_run_id(self._path.read_text(encoding="utf-8").strip())
        except (OSError, UnicodeDecodeError, NameRefused):
            return None

    def write(self, run_id: str) -> None:
        """Note a run that begins."""
        with suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._path.write_text(f"{run_id}\n", encoding="utf-8")

    def ended(self, run_id: str, exit_code: int) -> None:
        """Take the note away when its run ended well."""
        if exit_code == 0 and self.read() == run_id:
            with suppress(OSError):
                self._path.unlink()
