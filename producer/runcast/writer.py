"""A writer: one process's journal of a run, and the thread that sends it.

It never raises for the transport's trouble: what cannot be sent stays in the journal, what cannot be kept costs a
line. It knows nothing of rows or metrics.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from runcast import journal, lazy, names
from runcast.destination import Destination
from runcast.disabled import NoJournal, NoSender
from runcast.drain import JOURNALS
from runcast.errors import JournalUnavailable
from runcast.events import Start
from runcast.files import Files
from runcast.journal import EVENT_BYTES_MAX, Header, Journal
from runcast.messages import Messages
from runcast.reader import Reader
from runcast.sender import Sender
from runcast.settings import Settings
from runcast.streams import shard_of

SERVED_SECONDS_MAX = 15.0  # A service beats every second: after this much silence, nobody is there to store.


class Writer:
    """What one process adds to a run; `journal` and `sender` stand in for nothing where nothing is kept."""

    def __init__(
        self,
        *,
        path: str,
        run_id: str,
        label: str,
        settings: Settings,
        destination: Destination,
        messages: Messages,
        on_stop: Callable[[], None] | None = None,
    ) -> None:
        self.id = names.new_writer_id()
        self.label = label
        self.journal: Journal = NoJournal()
        self.sender: Sender = NoSender()
        self.directory = settings.directory
        self._files: Files | None = None
        self._run_id, self._settings, self._destination, self._messages = run_id, settings, destination, messages
        self._on_stop = on_stop
        self.header = Header(
            version=journal.VERSION,
            path=path,
            writer=self.id,
            shard=shard_of(path),
            segment=0,
            first=1,
            created=time.time_ns(),
            label=label,
            host=settings.host or os.uname().nodename,
            pid=os.getpid(),
        )

    @property
    def files(self) -> Files:
        """Its files."""
        if self._files is None:
            self._files = Files(
                self.directory,
                find=self._destination.files,
                token=self._settings.token,
                messages=self._messages,
                keeps=self.keeps,
            )
        return self._files

    @property
    def keeps(self) -> bool:
        """Whether anything of this is kept at all."""
        return not isinstance(self.journal, NoJournal)

    def begin(self, start: Start) -> None:
        """Open the journal with its first event, and start to send."""
        opened = self._open() if self._settings.mode != "disabled" else None
        if opened is None:
            return
        self.journal, self.directory = opened, opened.directory
        self.sender = Sender(
            directory=self.directory,
            path=self.header.path,
            writer=self.id,
            shard=self.header.shard,
            source=self.journal,
            reader=self.reader,
            find_url=self._destination.redis,
            messages=self._messages,
            on_stop=self._on_stop,
        )
        if not self.journal.event(start):
            self._messages.say(f"WARNING the config is larger than {EVENT_BYTES_MAX >> 20} MB and was not kept")
            self.journal.event(msgspec.structs.replace(start, config={}, notes=""))
        try:
            self.sender.start()
        except RuntimeError as error:  # No more threads for this user: `runcast sync` has to send it.
            self._messages.say(f"WARNING {error}; this run stays in its journal for now")

    def _open(self) -> Journal | None:
        """Open the journal in the settings' folder, or, where that cannot be written, in a temporary one."""
        name = Path(JOURNALS) / f"{self._run_id}-{self.id}"

        def warn(line: str) -> None:
            self._messages.warn_once("journal", line)

        try:
            self._settings.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            return Journal(self._settings.directory / name, self.header, warn=warn)
        except (JournalUnavailable, OSError) as error:
            reason = error
        try:
            spare = self._settings.spare / f"runcast-{self.id}"
            spare.mkdir(mode=0o700)
            opened = Journal(spare / name, self.header, warn=warn)
        except (JournalUnavailable, OSError):
            # A metric must not stop a training, and neither must the lack of a place for it.
            self._messages.say(f"WARNING {reason}; nothing of this run is kept")
            return None
        self._messages.say(f"WARNING {reason}; this run's journal is in {spare} for now")
        return opened

    def reader(self) -> Reader:
        """Read what was written so far."""
        held = self.journal
        return Reader(self.directory, limit=lambda: (held.segment, held.end))

    @property
    def waiting(self) -> int:
        """How many events are not stored yet."""
        return max(0, self.journal.durable - self.sender.window.mark)

    def wait_stored(self, name: str, patience_seconds: float) -> bool:
        """Wait as long as the mark moves; say so when it takes more than a second."""
        if self._destination.redis() is None:
            return False
        sender, last = self.sender, self.journal.sequence
        since, told = time.monotonic(), False
        mark = sender.window.mark
        while not sender.wait_stored(last, 1.0):
            if sender.refused is not None:
                return False
            if sender.window.mark > mark:
                mark, since = sender.window.mark, time.monotonic()
            elif (
                time.monotonic() - since > patience_seconds
                or (sender.failures and sender.url is None)
                or time.monotonic() - sender.served > SERVED_SECONDS_MAX
            ):
                return False
            if not told:
                self._messages.say(f"storing {last - mark} events of {name}; Ctrl-C leaves them in the journal")
                told = True
        return True

    def wait_files(self, patience_seconds: float) -> bool:
        """Wait until the service has every file, as long as bytes flow."""
        return self._files is None or self._files.wait_stored(patience_seconds)

    def tell_left(self, name: str) -> None:
        """Say what waits, where, and how it is sent."""
        home = self.directory.parents[1]
        spare = home != self._settings.directory
        command = f"RUNCAST_DIR={home} runcast sync" if spare else "runcast sync"
        files = self._files.waiting if self._files is not None else 0
        what = f"{self.waiting} events" + (f" and {files} file{'s' if files > 1 else ''}" if files else "")
        self._messages.say(f"{what} of {name} wait in {self.directory}")
        if "x_url" in self._settings.given:
            # Where this program sends, no command would by itself; a password stays with whoever has it.
            command += f" --url {lazy.load('runcast.surroundings.secrets').mask_text(self._settings.url or '')}"
        by_itself = "" if spare or self._settings.url is not None else "; `runcast up` here does it by itself"
        self._messages.say(f"send them with `{command}`{by_itself}")

    def close(self) -> None:
        """End the threads, and delete the journal if everything in it is stored, and every file of its folder."""
        self.sender.stop()
        whole = self._files is None
        if self._files is not None:
            self._files.stop()
            whole = self._files.clear()
        if whole and self.sender.window.mark >= self.journal.sequence:
            self.journal.remove()
        self.journal.close()
