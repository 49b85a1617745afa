"""What can go wrong, as one small tree.

    RuncastError
    ├── UsageError          the caller asked for something that cannot be
    │   ├── NameRefused     a project, run or metric name that cannot be kept as given
    │   ├── ConfigError     a locked config value was changed
    │   ├── RunFinished     the run is over, and takes nothing more
    │   └── UnsupportedError  something of W&B's that there is not here
    ├── CommError           a service did not answer, or not as it should
    │   └── AuthenticationError  a key that cannot be one
    ├── MalformedEntry      a stream entry, journal record or frame that cannot be read
    ├── JournalUnavailable  the journal cannot be opened
    ├── StreamUnavailable   no answer from Redis
    ├── StreamUnsafe        a Redis whose settings would lose streams
    ├── StoreUnavailable    the database cannot be opened
    ├── ServerMissing       no server binary, no service, nothing to talk to
    └── LiveRefused         the service closed a live subscription, and says why

Each holds its data in attributes; the sentence names the value and the next step.
"""

from __future__ import annotations


class RuncastError(Exception):
    """The base of every error that Runcast raises on purpose."""


Error = RuncastError  # W&B's name for it.


class UsageError(RuncastError):
    """The caller asked for something that cannot be."""


class NameRefused(UsageError):
    """A name holds a character, or has a length, that cannot be kept."""

    def __init__(self, what: str, name: str, reason: str) -> None:
        self.what, self.name, self.reason = what, name, reason
        shown = name if len(name) <= 40 else name[:40] + "…"
        super().__init__(f"{what} {shown!r} {reason}")


class ConfigError(UsageError):
    """A config value that is already set was set to something else."""


class RunFinished(UsageError):
    """The run is over."""

    def __init__(self, run_id: str, call: str) -> None:
        self.run_id, self.call = run_id, call
        super().__init__(
            f"Run ({run_id}) is finished. The call to `{call}` will be ignored. Please make sure that you are using "
            "an active run."
        )

    def __reduce__(self) -> tuple[type[RunFinished], tuple[str, str]]:
        return type(self), (self.run_id, self.call)


class UnsupportedError(UsageError):
    """Something of W&B's that there is not here."""


class CommError(RuncastError):
    """A service did not answer, or not as it should."""


class AuthenticationError(CommError):
    """A key that cannot be one."""


class MalformedEntry(RuncastError):
    """Bytes from a stream, a journal or a socket do not say what they should."""


class JournalUnavailable(RuncastError):
    """The journal of a run cannot be opened."""

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"cannot write the journal at {path}: {reason}; set RUNCAST_DIR to a folder with room")


class StreamUnavailable(RuncastError):
    """Redis did not answer."""

    def __init__(self, where: str, reason: str) -> None:
        self.where, self.reason = where, reason
        super().__init__(f"no answer from Redis at {where}: {reason}; start it with `runcast up`, or check RUNCAST_URL")


class StreamUnsafe(RuncastError):
    """Redis answers, but with settings under which streams vanish."""


class StoreUnavailable(RuncastError):
    """The database cannot be opened, or is not one of ours."""


class ServerMissing(RuncastError):
    """Nothing to talk to: no server binary, or no running service."""


class LiveRefused(RuncastError):
    """The service closed a live subscription."""

    def __init__(self, code: int, reason: str) -> None:
        self.code, self.reason = code, reason
        super().__init__(f"the live subscription was refused ({code}): {reason}")
