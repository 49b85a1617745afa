"""The files of a run: kept at once beside its journal, told as events, and sent to the service by a thread.

Whatever becomes of the service or of the disk, the training goes on: a file waits in the journal's folder, or one
line says that there was no room for it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from runcast import lazy, paths
from runcast.events import Event, File, Lost
from runcast.messages import Messages
from runcast.spool import Bytes, Kept, Spool, weigh, weigh_file

if TYPE_CHECKING:
    from runcast.delivery import Delivery

DIGEST = "{digest}"
DIGEST_CHARS = 20  # As in W&B's names of files.
PAUSE_SECONDS_MIN, PAUSE_SECONDS_MAX = 0.2, 30.0  # Between tries while the service is away.
LOOK_SECONDS = 2.0  # How often a service is looked for while none is known.
FAILURES_MAX = 3  # In a row, with pauses between them: then the end of a training waits no longer.
TOLD_SECONDS = 5.0  # Between two lines about what is still being sent.
KNOWN_MAX = 100_000  # Digests of this process that are remembered as stored.


class Files:
    """One writer's files. `find` says where the service is, each time anew; it may take a second."""

    def __init__(
        self,
        directory: Path,
        *,
        find: Callable[[], str | None],
        token: str | None,
        messages: Messages,
        keeps: bool = True,
    ) -> None:
        self._spool = Spool(directory)
        self._find, self._token, self.messages = find, token, messages
        self._keeps = keeps
        self._sender: FileSender | None = None
        self._starting = threading.Lock()

    def hold(self, source: Bytes | str | Path, name: str, *, stays: bool = False) -> File | None:
        """Keep a file without telling; None when there was no room for it, which is said once."""
        if isinstance(source, str | Path):
            source = Path(source)
            source.stat()  # What cannot be found is the caller's trouble, not the disk's.
        try:
            kept = self._keep(source, stays=stays)
        except OSError as error:
            self.messages.warn_once(
                "files",
                f"cannot keep {name} in {self._spool.directory}: {error.strerror}; the run goes on without it",
            )
            return None
        if self._keeps:
            self._send()
        return _event(name, kept)

    def _keep(self, source: Bytes | Path, *, stays: bool) -> Kept:
        if not self._keeps:
            return weigh_file(source) if isinstance(source, Path) else weigh(source)
        if isinstance(source, Path):
            return self._spool.copy(source, stays=stays)
        kept = weigh(source)
        if self._sender is not None and kept.digest in self._sender.stored:
            return kept  # The same picture again, such as a test set's: the service has it.
        return self._spool.put(source)

    def _send(self) -> None:
        with self._starting:
            if self._sender is None:
                self._sender = FileSender(self._spool, self._find, self._token, self.messages)
                with suppress(RuntimeError):  # No more threads for this user: `runcast sync` has to send them.
                    self._sender.start()
        self._sender.nudge()

    @property
    def waiting(self) -> int:
        """How many files the service does not have yet."""
        return len(self._spool.waiting()) if self._sender is not None else 0

    def wait_stored(self, patience_seconds: float) -> bool:
        """Wait as long as bytes flow; says so every few seconds."""
        sender = self._sender
        if sender is None or not self._spool.waiting():
            return True
        sender.hurry()
        began = told = moved = time.monotonic()
        sent = sender.sent
        while waiting := self._spool.waiting():
            now = time.monotonic()
            if sender.sent != sent:
                sent, moved = sender.sent, now
            given_up = sender.homeless or sender.failures > FAILURES_MAX or not sender.is_alive()
            if given_up or now - moved > patience_seconds or all(path.name in sender.refused for path in waiting):
                return False
            if now - told > TOLD_SECONDS or (told == began and now - began > 1):
                told = now
                self.messages.say(f"sending {_count(len(waiting))}, {_megabytes(waiting)}; Ctrl-C leaves them here")
            sender.changed.wait(0.05)
            sender.changed.clear()
        return True

    def stop(self) -> None:
        """End the thread."""
        if self._sender is not None:
            self._sender.stop()

    def clear(self) -> bool:
        """Take the folder away if nothing waits in it; says whether nothing does."""
        return self._sender is None or self._spool.clear()


class RunFiles:
    """A run's files, as those see them who add some."""

    def __init__(self, files: Files, tell: Callable[[Event], None]) -> None:
        self._files, self.tell = files, tell

    def add(self, source: Bytes | str | Path, name: str, *, stays: bool = False) -> File:
        """Keep bytes, or a file as it is now, under a name within the run; the event is told, and returned.

        In the name, `{digest}` stands for the beginning of the bytes' digest. With `stays`, nobody will change the
        file: then it is linked, where the disk can. Raises UsageError for a name that is no relative path, and
        OSError for a file that cannot be read.
        """
        paths.check_path(name)
        event = self._files.hold(source, name, stays=stays)
        if event is None:
            kept = weigh_file(Path(source)) if isinstance(source, str | Path) else weigh(source)
            event = _event(name, kept)
            self.tell(Lost(time.time_ns(), 1, f"the disk had no room for {event.name}, {kept.size} bytes"))
            return event
        self.tell(event)
        return event

    def keep(self, source: Bytes | Path, name: str, *, stays: bool = False) -> bool:
        """Keep bytes that belong to no name of the run, such as an artifact's; says whether there was room."""
        return self._files.hold(source, name, stays=stays) is not None

    def lose(self, reason: str) -> None:
        """Say in the run that something of it is not kept."""
        self.tell(Lost(time.time_ns(), 1, reason))

    def say_once(self, topic: str, line: str) -> None:
        """Print a warning, the first time it is about this."""
        self._files.messages.warn_once(topic, line)


class FileSender(threading.Thread):
    """Sends what is in a spool, and takes it away when the service has it."""

    def __init__(self, spool: Spool, find: Callable[[], str | None], token: str | None, messages: Messages) -> None:
        super().__init__(name="runcast-files", daemon=True)
        self._spool, self._find, self._token, self._messages = spool, find, token, messages
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._delivery: Delivery | None = None
        self.changed = threading.Event()
        self.stored: set[str] = set()
        self.refused: dict[str, str] = {}  # By digest: what the service does not want, and why.
        self.sent = 0  # Bytes.
        self.failures = 0  # In a row.
        self.homeless = False  # Nobody says where a service is.

    def nudge(self) -> None:
        """Say that there is something to send."""
        self._wake.set()

    def hurry(self) -> None:
        """Try again now: somebody waits."""
        self.failures, self.homeless = 0, False
        self._wake.set()

    def stop(self, timeout: float = 5.0) -> None:
        """End it after the part that is under way."""
        self._stopping.set()
        self._wake.set()
        if self.is_alive():
            self.join(timeout)

    def run(self) -> None:
        """Work until stopped."""
        pause = PAUSE_SECONDS_MIN
        while not self._stopping.is_set():
            self._wake.clear()
            if not self._pending():
                self._wake.wait()
                continue
            if self.send_once():
                pause = PAUSE_SECONDS_MIN
                continue
            self._wake.wait(LOOK_SECONDS if self.homeless else pause)
            pause = min(2 * pause, PAUSE_SECONDS_MAX)
        self._hang_up()

    def _pending(self) -> list[Path]:
        return [path for path in self._spool.waiting() if path.name not in self.refused]

    def send_once(self) -> bool:
        """Send everything that waits; False when something stood in the way. Raises nothing."""
        delivery_module = lazy.load("runcast.delivery")
        try:
            for path in self._pending():
                if self._stopping.is_set():
                    return True
                if self._delivery is None:
                    url = self._find()
                    self.homeless = url is None
                    if url is None:
                        self.changed.set()
                        return False
                    self._delivery = delivery_module.Delivery(
                        url, self._token, stopping=self._stopping.is_set, progress=self._progress
                    )
                try:
                    self._delivery.send(path.name, path)
                except FileNotFoundError:
                    continue
                except delivery_module.Undelivered as error:
                    if not error.final:
                        raise
                    self.refused[path.name] = str(error)
                    self._messages.say(f"WARNING a file was not taken, and stays in {path}: {error}")
                    continue
                finally:
                    self.changed.set()
                self._done(path)
        except delivery_module.TROUBLE as error:
            self._trouble(error)
            return False
        except Exception as error:
            self._trouble(error)  # A fault of ours: the thread goes on, and the files wait.
            return False
        self.failures = 0
        return True

    def _done(self, path: Path) -> None:
        if len(self.stored) < KNOWN_MAX:
            self.stored.add(path.name)
        with suppress(OSError):
            path.unlink(missing_ok=True)
        self._messages.forget("delivery")

    def _progress(self, size: int) -> None:
        self.sent += size
        self.failures = 0

    def _trouble(self, error: Exception) -> None:
        self.failures += 1
        self.changed.set()
        where = self._delivery.url if self._delivery is not None else "the service"
        self._hang_up()
        if not self._stopping.is_set():
            self._messages.warn_once(
                "delivery", f"cannot send files to {where}: {error}; they wait in {self._spool.directory}"
            )

    def _hang_up(self) -> None:
        if self._delivery is not None:
            self._delivery.close()
            self._delivery = None


def _event(name: str, kept: Kept) -> File:
    return File(time.time_ns(), name.replace(DIGEST, kept.digest[:DIGEST_CHARS]), *kept)


def _count(number: int) -> str:
    return "1 file" if number == 1 else f"{number} files"


def _megabytes(files: list[Path]) -> str:
    size = 0
    for path in files:
        with suppress(OSError):
            size += path.stat().st_size
    return f"{size / 1e6:.1f} MB"
