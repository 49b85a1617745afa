"""Take in what dead processes left on this machine, for as long as the service runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from runcast.drain import drain

LOOK_SECONDS = 2.0  # A listing of a folder, and one lock for each journal in it.
WAIT_SECONDS = 10.0


@contextmanager
def intake(
    directory: Path,
    find_url: Callable[[], str | None],
    *,
    token: str | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Iterator[None]:
    """Drain dead journals in the background, at once and then every few seconds, until the block ends."""
    stopping = threading.Event()

    def work() -> None:
        known: set[Path] = set()
        while not stopping.is_set():
            report = drain(directory, find_url, token=token, wait_seconds=WAIT_SECONDS, stopping=stopping.is_set)
            for path in report.runs:
                tell(f"took in {path}, whose process had ended")
            for folder, reason in report.unreadable.items():
                if folder not in known:
                    known.add(folder)
                    tell(f"cannot read the journal {folder}: {reason}")
            stopping.wait(LOOK_SECONDS)

    thread = threading.Thread(target=work, name="runcast-intake", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(WAIT_SECONDS)
