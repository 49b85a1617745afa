"""What a trainer was told: by a file, its environment, `setup`, `init(settings=…)` and `init`'s own keywords.

Read once, at the door, and passed down as values. The later of these goes before the earlier; each value
remembers where it came from. Where Runcast's own variable says nothing, W&B's counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from runcast import launch, told
from runcast.errors import UsageError
from runcast.surroundings.wanted import THEIRS as SURROUNDINGS
from runcast.surroundings.wanted import Wanted

DIR = "RUNCAST_DIR"
URL = "RUNCAST_URL"
TOKEN = "RUNCAST_TOKEN"  # noqa: S105  # The variable's name, not a secret.
TOKEN_FILE = "RUNCAST_TOKEN_FILE"  # noqa: S105
PAGE_URL = "RUNCAST_PAGE_URL"
SILENT = "RUNCAST_SILENT"
WEBHOOK = "RUNCAST_WEBHOOK"  # A service's: what Runcast starts for itself must not alarm people.
FILE = "settings.toml"  # In RUNCAST_DIR.
LOGIN = "login"  # In RUNCAST_DIR: the token that `runcast login` was given.

URL_SCHEMES, MODES = told.URL_SCHEMES, told.MODES
DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A trainer's settings. Each field's variables are in docs/settings.md."""

    directory: Path
    url: str | None = None  # Where to publish; None: whatever server the discovery file names.
    page_url: str | None = None  # Where people see the dashboard, if not at the server's own address.
    token: str | None = None
    project: str | None = None
    entity: str = ""
    run_id: str | None = None  # Of the run to begin or to join; ranks of a job find one by themselves.
    name: str | None = None
    notes: str = ""
    tags: tuple[str, ...] = ()
    group: str = ""
    job_type: str = ""
    mode: str = "online"
    shared: bool = False  # Several processes write to one run, and each says so.
    label: str = ""  # Which of a run's writers this is.
    primary: bool = True  # Whether this writer's config and summary are the run's.
    ends_run: bool = True  # Whether the run's exit code is this writer's too.
    resume: str = ""  # allow, must, never or auto.
    resume_from: str = ""
    fork_from: str = ""
    reinit: str = told.REINIT_DEFAULT
    sweep_id: str = ""
    strict_steps: bool = False  # Whether a step that goes back is refused, as W&B does.
    stop: bool = True  # Whether a request to stop, from the page or the command line, interrupts this program.
    init_seconds: float = 10.0  # How long `init` waits for the service, when it has to ask something.
    config_paths: tuple[str, ...] = ()  # YAML and JSON files whose values `init`'s config goes before.
    root: Path | None = None  # Where runs have a folder for their files; None: in `directory`.
    artifacts: Path | None = None  # Where what artifacts hold is put.
    cache: Path | None = None
    host: str = ""
    silent: bool = False
    quiet: bool = False  # Only what matters is printed.
    sync_tensorboard: bool = False
    spare: Path = Path("/tmp")  # noqa: S108  # Where a journal goes when its own directory cannot be written.
    wanted: Wanted = field(default_factory=Wanted)  # Of what surrounds a run.
    given: Mapping[str, Any] = field(default_factory=dict)  # What `Settings` said, under its own names.
    sources: Mapping[str, str] = field(default_factory=dict)  # Field → where its value came from.

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Read the file and the variables; raises UsageError with the name, the value and what it may be."""
        return resolve(environ)


class _Known(NamedTuple):
    """A setting: its field, W&B's names for it in `Settings`, the variables, and how text or a value is read."""

    field: str
    names: str
    ours: str
    theirs: str
    read: Callable[[str, Any], Any]


_KNOWN = (
    _Known("url", "x_url", URL, "", told.redis_url),
    _Known("page_url", "", PAGE_URL, "", told.page_url),
    _Known("project", "project", "RUNCAST_PROJECT", "WANDB_PROJECT", told.text),
    _Known("entity", "entity", "RUNCAST_ENTITY", "WANDB_ENTITY", told.text),
    _Known("run_id", "run_id", "RUNCAST_RUN_ID", "WANDB_RUN_ID", told.text),
    _Known("name", "run_name", "RUNCAST_NAME", "WANDB_NAME WANDB_RUN_NAME", told.text),
    _Known("notes", "run_notes", "RUNCAST_NOTES", "WANDB_NOTES WANDB_RUN_NOTES", told.text),
    _Known("tags", "run_tags", "RUNCAST_TAGS", "WANDB_TAGS WANDB_RUN_TAGS", told.words),
    _Known("group", "run_group", "RUNCAST_GROUP", "WANDB_RUN_GROUP", told.text),
    _Known("job_type", "run_job_type", "RUNCAST_JOB_TYPE", "WANDB_JOB_TYPE WANDB_RUN_JOB_TYPE", told.text),
    _Known("mode", "mode", "RUNCAST_MODE", "WANDB_MODE", told.mode),
    _Known("label", "x_label", "RUNCAST_LABEL", "WANDB_X_LABEL WANDB__LABEL", told.text),
    _Known("primary", "x_primary", "RUNCAST_PRIMARY", "WANDB_X_PRIMARY WANDB__PRIMARY", told.switch),
    _Known(
        "ends_run",
        "x_update_finish_state",
        "RUNCAST_ENDS_RUN",
        "WANDB_X_UPDATE_FINISH_STATE WANDB__UPDATE_FINISH_STATE",
        told.switch,
    ),
    _Known("resume", "resume", "RUNCAST_RESUME", "WANDB_RESUME", told.resume),
    _Known("resume_from", "resume_from", "RUNCAST_RESUME_FROM", "WANDB_RESUME_FROM", told.text),
    _Known("fork_from", "fork_from", "RUNCAST_FORK_FROM", "WANDB_FORK_FROM", told.text),
    _Known("reinit", "reinit", "RUNCAST_REINIT", "WANDB_REINIT", told.reinit),
    _Known("sweep_id", "sweep_id", "RUNCAST_SWEEP_ID", "WANDB_SWEEP_ID", told.text),
    _Known("strict_steps", "strict_steps", "RUNCAST_STRICT_STEPS", "", told.switch),
    _Known("stop", "stop", "RUNCAST_STOP", "", told.switch),
    _Known("init_seconds", "init_timeout", "RUNCAST_INIT_SECONDS", "WANDB_INIT_TIMEOUT", told.seconds),
    _Known("config_paths", "config_paths", "RUNCAST_CONFIG_PATHS", "WANDB_CONFIG_PATHS", told.words),
    _Known("root", "root_dir", "RUNCAST_FILES_DIR", "WANDB_DIR WANDB_ROOT_DIR", told.folder),
    _Known("artifacts", "artifact_dir", "RUNCAST_ARTIFACT_DIR", "WANDB_ARTIFACT_DIR", told.folder),
    _Known("cache", "cache_dir", "RUNCAST_CACHE_DIR", "WANDB_CACHE_DIR WANDB_DATA_DIR", told.folder),
    _Known("host", "host", "RUNCAST_HOSTNAME", "WANDB_HOST", told.text),
    _Known("silent", "silent", SILENT, "WANDB_SILENT", told.lenient_switch),
    _Known("quiet", "quiet", "RUNCAST_QUIET", "WANDB_QUIET", told.lenient_switch),
    _Known("sync_tensorboard", "sync_tensorboard", "RUNCAST_SYNC_TENSORBOARD", "WANDB_SYNC_TENSORBOARD", told.switch),
)
FIELDS = {known.field: known for known in _KNOWN}
NAMES = {name: known for known in _KNOWN for name in known.names.split()}

ELSEWHERE = ("WANDB_API_KEY", "WANDB_BASE_URL", "WANDB_APP_URL", "WANDB_CREDENTIALS_FILE", "WANDB_ORGANIZATION")
"""Variables that speak of W&B's own server: Runcast neither follows them nor sends what they hold anywhere."""


def resolve(environ: Mapping[str, str], *layers: tuple[str, Mapping[str, Any]]) -> Settings:
    """Put together what was told; `layers` say where they come from, and the last goes before all.

    A layer's names are W&B's, such as `run_notes`; None is nothing. Raises UsageError.
    """
    home = directory(environ)
    path = home / FILE
    filed = read_file(path)
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}

    def take(known: _Known, where: str, value: Any) -> None:
        values[known.field], sources[known.field] = known.read(where, value), where

    for known in _KNOWN:
        if known.field in filed:
            take(known, f"{known.field} in {path}", filed[known.field])
        name = next((name for name in (known.ours, *known.theirs.split()) if environ.get(name)), None)
        if name is not None:
            take(known, name, environ[name])
        sources.setdefault(known.field, DEFAULT)
    if "mode" not in values and told.is_on(environ.get("WANDB_DISABLED", "")):
        take(FIELDS["mode"], "WANDB_DISABLED", "disabled")  # Older releases of libraries know only this one.
    given: dict[str, Any] = {}
    for where, layer in layers:
        for called, value in layer.items():
            if value is None:
                continue
            name = told.modern(called)
            given[name] = value
            if name in NAMES:
                take(NAMES[name], f"{name} of {where}", value)
    mode = values.get("mode", "online")
    if mode == told.SHARED:
        values |= {"mode": "online", "shared": True}
    filed_surroundings = {
        ours: str(filed[key])
        for ours, theirs in SURROUNDINGS.items()
        if (key := ours.removeprefix("RUNCAST_").lower()) in filed and not environ.get(theirs)
    }
    return Settings(
        directory=home,
        token=token_of(environ, home),
        spare=Path(environ.get("TMPDIR") or "/tmp"),  # noqa: S108
        wanted=Wanted.from_env(filed_surroundings | dict(environ)).changed(given),
        given=given,
        sources=sources,
        **values,
    )


def alone(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """Give the environment of what Runcast starts for itself in a directory: nothing in it leads anywhere else.

    What chooses a server, a project, a run, a mode or a folder is left out, and so are the ranks of a job: a second
    service on your Redis would store your streams in a database that is thrown away, and trim them.
    """
    led = {name for known in _KNOWN for name in (known.ours, *known.theirs.split())}
    led |= {"WANDB_DISABLED", WEBHOOK, *launch.RANKS}
    return {name: value for name, value in environ.items() if name not in led} | {DIR: str(home)}


def directory(environ: Mapping[str, str]) -> Path:
    """Say where journals, the discovery file, streams and the database live."""
    return Path(environ.get(DIR) or "~/.runcast").expanduser().absolute()


def read_file(path: Path) -> Mapping[str, Any]:
    """Read a settings file; one that is not there says nothing. Raises UsageError."""
    try:
        data = path.read_bytes()
    except OSError:
        return {}
    try:
        found: dict[str, Any] = msgspec.toml.decode(data, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise UsageError(f"{path} is no settings file: {error}") from error
    for key in found:
        if key not in FIELDS and f"RUNCAST_{key.upper()}" not in SURROUNDINGS:
            raise UsageError(f"{path} sets {key!r}, which there is not; see docs/settings.md")
    return found


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


def token_of(environ: Mapping[str, str], home: Path) -> str | None:
    """Give what a program or a command shows a service: the variables' token, else the one that was logged in with."""
    return read_token(environ) or read_login(home)


def read_login(home: Path) -> str | None:
    """Read the token that `runcast login` keeps, which only its owner may read."""
    try:
        return (home / LOGIN).read_text(encoding="utf-8").strip() or None
    except OSError:
        return None
