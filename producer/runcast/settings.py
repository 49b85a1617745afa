"""What a trainer's environment says: read once, at the door, and passed down as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from runcast.errors import UsageError
from runcast.surroundings.wanted import Wanted

DIR = "RUNCAST_DIR"
URL = "RUNCAST_URL"
TOKEN = "RUNCAST_TOKEN"  # noqa: S105  # The variable's name, not a secret.
TOKEN_FILE = "RUNCAST_TOKEN_FILE"  # noqa: S105
PAGE_URL = "RUNCAST_PAGE_URL"
PROJECT = "RUNCAST_PROJECT"
MODE = "RUNCAST_MODE"
RUN_ID = "RUNCAST_RUN_ID"
SILENT = "RUNCAST_SILENT"

MODES = ("online", "offline", "disabled")
URL_SCHEMES = ("redis://", "rediss://", "unix://")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A trainer's settings. Each field's variable is in docs/settings.md."""

    directory: Path
    url: str | None = None  # Where to publish; None: whatever server the discovery file names.
    page_url: str | None = None  # Where people see the dashboard, if not at the server's own address.
    token: str | None = None
    project: str | None = None
    run_id: str | None = None  # Of the run to begin or to join; ranks of a job find one by themselves.
    mode: str = "online"
    spare: Path = Path("/tmp")  # noqa: S108  # Where a journal goes when its own directory cannot be written.
    silent: bool = False
    wanted: Wanted = field(default_factory=Wanted)  # Of what surrounds a run.

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Read the variables; raises UsageError with the variable's name, its value and what it may be."""
        url = environ.get(URL) or None
        if url is not None and not url.startswith(URL_SCHEMES):
            raise UsageError(f"{URL} is {url!r}; it begins with one of {', '.join(URL_SCHEMES)}")
        mode = environ.get(MODE) or "online"
        if mode not in MODES:
            raise UsageError(f"{MODE} is {mode!r}; it is one of {', '.join(MODES)}")
        return cls(
            directory=directory(environ),
            url=url,
            page_url=(environ.get(PAGE_URL) or "").rstrip("/") or None,
            token=read_token(environ),
            project=environ.get(PROJECT) or None,
            run_id=environ.get(RUN_ID) or environ.get("WANDB_RUN_ID") or None,
            mode=mode,
            spare=Path(environ.get("TMPDIR") or "/tmp"),  # noqa: S108
            silent=environ.get(SILENT, "").lower() in {"1", "true", "yes", "on"},
            wanted=Wanted.from_env(environ),
        )


def directory(environ: Mapping[str, str]) -> Path:
    """Say where journals, the discovery file, streams and the database live."""
    return Path(environ.get(DIR) or "~/.runcast").expanduser().absolute()


def read_token(environ: Mapping[str, str]) -> str | None:
    """Read the shared secret from its variable or from the file that one names; raises UsageError."""
    if token := environ.get(TOKEN, "").strip():
        return token
    if not (path := environ.get(TOKEN_FILE)):
        return None
    try:
        token = Path(path).expanduser().read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UsageError(f"{TOKEN_FILE} is {path!r}, which cannot be read: {error.strerror}") from error
    if not token:
        raise UsageError(f"{TOKEN_FILE} is {path!r}, which is empty; put the token into its first line")
    return token
