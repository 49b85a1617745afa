"""The shapes of answers, as the OpenAPI page describes them. They document; the answers are written by hand."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from runcast.names import NAME_CHARS_MAX
from runcast.rules import CHARS_MAX as RULE_CHARS_MAX
from runcast.rules import NAME_CHARS_MAX as RULE_NAME_CHARS_MAX
from runcast_ingest.store.curation import NOTES_CHARS_MAX
from runcast_ingest.store.views import QUERY_CHARS_MAX

WAS_CHARS_MAX = 1_000_000  # A program may write more than a reader.
CHANGE_RUNS_MAX = 10_000  # Of one change.
CHANGE_ID_CHARS_MAX = NAME_CHARS_MAX
CHANGE_TAGS_MAX = 20
TAG_CHARS_MAX = 200

Tag = Annotated[str, Field(min_length=1, max_length=TAG_CHARS_MAX)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="allow")


class Error(_Model):
    """What went wrong."""

    code: str = Field(examples=["unknown_run"])
    message: str = Field(description="A sentence that names the value and what to do.")
    at: int | None = Field(None, description="Of a filter that cannot be read: where, from 0.")
    length: int | None = Field(None, description="How many characters the mistake has.")
    nearest: list[str] | None = Field(None, description="With 404: names like the one that was asked for.")


class ErrorAnswer(_Model):
    """Every answer of status 400 and above."""

    error: Error


class Project(_Model):
    """A project."""

    name: str = Field(examples=["mnist"])
    runs: int = Field(examples=[12])
    created: str | None = Field(examples=["2026-03-01T09:30:00.000000Z"])
    updated: str | None = Field(description="When one of its runs was last heard of.")


class Projects(_Model):
    """All projects, the latest first."""

    projects: list[Project]


class Base(_Model):
    """Where a run branched off."""

    run: str = Field(examples=["k3v9x2ab~1"])
    step: int


class Run(_Model):
    """A run. Floats that JSON cannot say stand in `config` and `summary` as "NaN", "Infinity" and "-Infinity"."""

    id: str = Field(examples=["k3v9x2ab"])
    project: str = Field(examples=["mnist"])
    name: str = Field(examples=["bright-river-12"])
    state: str = Field(description="`running`, `finished`, `failed` (exit code not 0) or `crashed` (fell silent).")
    config: dict[str, Any] = Field(examples=[{"learning_rate": 0.02}])
    summary: dict[str, Any] = Field(description="The last value of each key.", examples=[{"loss": 0.31}])
    created: str | None
    updated: str | None
    finished: str | None
    duration: float = Field(description="Seconds from its creation to its end, or to when it was last heard of.")
    exit_code: int | None
    steps: int = Field(description="The highest step, plus one.")
    rows: int = Field(description="Calls of log() that are stored.")
    lost: int = Field(description="Rows that the trainer had no room for, and said so.")
    base: Base | None = Field(description="The run whose rows, up to a step, come before this one's own.")
    aside: bool = Field(description="Another run took its id; it is in no list, and goes by `ID~1`, `ID~2` …")
    metrics: dict[str, Any] = Field(
        description="How metrics are shown and summarised, by name; one that ends in `*` speaks for all that begin so.",
        examples=[{"val/*": {"step_metric": "epoch", "summary": ["min"]}}],
    )
    stopping: bool = Field(description="Whether somebody asked it to stop, and it has not.")
    damaged: bool = Field(
        description="Its row on disk cannot be read: `config` and `summary` are empty here; `runcast doctor` says more."
    )
    hidden: bool = Field(description="A reader put it aside.")
    deleted: str | None = Field(description="When a reader deleted it; lists leave it out.")


class Runs(_Model):
    """A page of runs."""

    runs: list[Run]
    next: str | None = Field(description="Give it as `cursor` for the next page; null: that was all.")


class RunGroup(_Model):
    """Runs with the same value of what they are grouped by."""

    value: str | float | None = Field(description="null: they have none.")
    runs: int


class Order(_Model):
    """All runs that fit, in order."""

    ids: list[str]
    groups: list[RunGroup] | None = Field(description="With `group`: consecutive parts of `ids`.")
    more: bool = Field(description="There are more than can be told.")


class RowRun(Run):
    """A run as a row: only what was asked for of its config and summary, under dotted names."""

    curve: list[float] | None = Field(None, description="With `curve`: some values of that metric, in order of step.")
    extremes: dict[str, list[float | None]] = Field(description="By metric, its lowest and highest value.")


class Rows(_Model):
    """Runs by their ids."""

    runs: list[RowRun]


class Column(_Model):
    """A key of configs or summaries."""

    key: str = Field(examples=["optimizer.lr"])
    runs: int = Field(description="How many have it.")
    numbers: int = Field(description="For how many it is a number.")
    distinct: int = Field(description="How many different values it has, counted up to 50.")


class Columns(_Model):
    """What the runs of a project have."""

    config: list[Column]
    summary: list[Column]


class RunChange(BaseModel):
    """What is to be so of these runs; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    runs: list[Annotated[str, Field(max_length=CHANGE_ID_CHARS_MAX)]] = Field(
        max_length=CHANGE_RUNS_MAX, description="Their ids."
    )
    tag: list[Tag] = Field([], max_length=CHANGE_TAGS_MAX, description="Tags to give.")
    untag: list[Tag] = Field([], max_length=CHANGE_TAGS_MAX, description="Tags to take away.")
    hidden: bool | None = Field(None, description="Whether lists and boards leave them out unless asked.")
    deleted: bool | None = Field(None, description="Whether they are gone; false takes that back.")


class RunsChanged(_Model):
    """Which runs a change changed, and what takes it back."""

    changed: list[str]
    undo: list[RunChange] = Field(description="Send them, and everything is as it was.")


class NotesChange(BaseModel):
    """New notes, and those that they replace."""

    model_config = ConfigDict(extra="forbid")

    notes: str = Field(max_length=NOTES_CHARS_MAX, description="Markdown.")
    was: str = Field(
        max_length=WAS_CHARS_MAX, description="The notes as they were read: 409 where others are there by now."
    )


class Notes(_Model):
    """A run's notes."""

    notes: str


class Stopping(_Model):
    """A run that was asked to stop."""

    id: str
    project: str
    stopping: bool
    writers: int = Field(description="How many processes were asked.")


class Key(_Model):
    """A metric of a run."""

    key: str = Field(examples=["loss"])
    kind: str = Field(description="f, i, b: logged as float, int, bool; x: no numbers.")
    points: int


class Writer(_Model):
    """A process that published to the run."""

    id: str = Field(examples=["9f2c1a77d0e4b356"])
    label: str = Field(examples=["rank3"])
    stored: int = Field(description="Everything up to this sequence is stored.")
    exit_code: int | None


class RunDetail(Run):
    """A run with its keys and writers."""

    facts: dict[str, Any] = Field(description="What else is known: `git`, `system`, `packages`, `command` …")
    keys: list[Key]
    writers: list[Writer]


class Series(_Model):
    """A curve. Exact: `values`. Otherwise a band of about `points` columns: `low`, `mean`, `high`, `count`."""

    key: str
    x: str = Field(description="What it is ordered by: `step` or `time`.")
    exact: bool = Field(description="Whether every point is here.")
    total: int = Field(description="How many points stand behind it.")
    steps: list[int] = Field(description="Of a column: where it begins.")
    times: list[float] = Field(description="Seconds since 1970.")
    values: list[float | None] | None = Field(None, description="null: NaN or infinite; /history has them as logged.")
    low: list[float | None] | None = None
    mean: list[float | None] | None = None
    high: list[float | None] | None = None
    count: list[int] | None = None


class ConsoleLine(_Model):
    """A line of a program's output. One that was written again, as a progress bar is, has its last text."""

    writer: str
    label: str = Field(examples=["rank3"])
    number: int = Field(description="Of the writer's lines, from 0.")
    begun: str | None = Field(description="With `after`: as far as it was written since.")
    time: str | None = Field(description="When it was last written.")
    error: bool = Field(description="From stderr.")
    text: str


class ConsoleLines(_Model):
    """Lines of a run's console."""

    lines: list[ConsoleLine]
    next: int = Field(description="Give it as `after` for what came since (not that of an answer with `until`).")


class NewRule(_Model):
    """A rule in words."""

    text: str = Field(min_length=1, max_length=RULE_CHARS_MAX, examples=["loss > 3 for 1m"])
    name: str = Field("", max_length=RULE_NAME_CHARS_MAX, description="How it is called; else by what it says.")
    level: str = Field("", max_length=10, examples=["WARN"])


class Rule(_Model):
    """A rule of a project."""

    name: str
    text: str
    level: str
    built_in: bool = Field(description="Every project has it until it is removed.")


class AddedRule(Rule):
    """A rule that was added."""

    replaced: str | None = Field(description="What the rule said whose place it took.")


class Rules(_Model):
    """A project's rules."""

    rules: list[Rule]


class NewView(BaseModel):
    """A view to save."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=NAME_CHARS_MAX, examples=["losses by optimizer"])
    query: str = Field(max_length=QUERY_CHARS_MAX, examples=["axis=rel&by=optimizer"])


class SavedView(_Model):
    """A link to a project's board that has a name."""

    name: str
    query: str = Field(description="What stands behind the `?` of the link.")
    updated: str


class Views(_Model):
    """A project's saved views, the latest first."""

    views: list[SavedView]


class Alert(_Model):
    """Something that the training, or a rule of its project, wanted somebody to know."""

    id: int
    rule: str = Field(description="The rule that said it; empty where the training did.")
    time: str
    step: int
    level: str = Field(examples=["WARN"])
    title: str
    text: str
    label: str


class Alerts(_Model):
    """A run's alerts, the latest first."""

    alerts: list[Alert]


class ProjectAlert(Alert):
    """An alert, and the run that it is of."""

    run: str
    name: str = Field(description="The run's.")


class ProjectAlerts(_Model):
    """The latest alerts of a project, the latest first."""

    alerts: list[ProjectAlert]


class Mark(_Model):
    """Something that stands out in the time of a run."""

    run: str
    kind: str = Field(description="resume, alert or checkpoint.")
    time: str
    step: int | None = Field(description="Where it is known.")
    title: str
    level: str = Field(description="Of an alert: INFO, WARN or ERROR; else empty.")


class Timeline(_Model):
    """What stands out in the time of runs, in order of time."""

    marks: list[Mark]


class FileArrival(_Model):
    """How much of a file is here."""

    digest: str
    offset: int = Field(description="Where the next part begins.")
    stored: bool


class RunFile(_Model):
    """A file of a run."""

    name: str = Field(examples=["media/images/sample_3_1f0c9a.png"])
    digest: str = Field(description="SHA-256.")
    size: int
    time: str | None
    stored: bool = Field(description="false: its bytes are on their way.")


class RunFiles(_Model):
    """Files by name."""

    files: list[RunFile]
    next: str | None = Field(description="Give it as `after` for more; null: that was all.")


class Medium(_Model):
    """Something that was logged to be looked at."""

    key: str
    step: int
    time: str | None
    writer: str
    label: str
    value: dict[str, Any] = Field(examples=[{"_type": "image-file", "path": "media/images/sample_3_1f0c9a.png"}])


class Media(_Model):
    """What a run logged to be looked at."""

    media: list[Medium]
    next: int = Field(description="Give it as `after` for what came since.")


class HistogramKey(_Model):
    """A key of which histograms were logged."""

    key: str = Field(examples=["gradients/fc.weight"])
    label: str
    count: int


class Histograms(_Model):
    """Of which keys a run logged histograms."""

    histograms: list[HistogramKey]


class Artifact(_Model):
    """All versions of a name, in short."""

    name: str = Field(examples=["mnist-model"])
    type: str = Field(examples=["model"])
    versions: int
    updated: str | None
    size: int = Field(description="Of all versions together, as if none shared a file.")


class Artifacts(_Model):
    """A project's artifacts."""

    artifacts: list[Artifact]


class ArtifactVersion(_Model):
    """A version of an artifact."""

    name: str
    type: str
    version: str = Field(examples=["v3"])
    aliases: list[str] = Field(examples=[["latest", "best"]])
    digest: str = Field(description="Of its manifest, a file that lists paths with digests.")
    size: int
    files: int
    description: str
    metadata: dict[str, Any]
    created: str | None
    run: str = Field(description="The id of the run that made it first.")


class ArtifactVersions(_Model):
    """The versions of an artifact, the newest first."""

    versions: list[ArtifactVersion]


class ArtifactLink(_Model):
    """What a run made or used."""

    project: str
    name: str
    type: str | None
    version: str | None
    digest: str


class ArtifactLinks(_Model):
    """What a run made, and what it used."""

    made: list[ArtifactLink]
    used: list[ArtifactLink]


class Stored(_Model):
    """How far a writer is stored."""

    writer: str
    stored: int = Field(description="Everything up to this sequence is on disk; 0: nothing is known of the writer.")


class Quarantined(_Model):
    """An entry that could not be stored."""

    kind: str = Field(description="malformed, poison, gap, stray or refused.")
    reason: str
    path: str
    writer: str
    first: int
    last: int
    received: str | None
    size: int


class Trouble(_Model):
    """Something that is wrong, in words."""

    level: str = Field(examples=["warning"])
    what: str
    next: str = Field(description="What to do.")


class TrainerBehind(_Model):
    """A trainer whose journal holds what is not stored, as its last heartbeat said."""

    run: str = Field(description="PROJECT/ID.")
    name: str
    host: str
    writer: str
    events: int
    bytes: int = Field(description="What its journal takes on its disk.")
    seconds: int = Field(description="For so long the first of them waits.")


class Webhook(_Model):
    """How it stands with what alerts are sent to."""

    host: str
    waiting: int
    since: str | None = Field(description="When the first of them began to wait.")
    seconds: float
    said: str = Field(description="What came of the last try, where the alert was not taken.")
    given_up: int = Field(description="Alerts that it never took, since the service began.")


class Health(_Model):
    """How the service is. Counts are since its start or of all that is stored: their growth over `now` is a rate."""

    status: str
    troubles: list[Trouble]
    now: float = Field(description="Seconds since 1970.")
    events: int
    commit_seconds: float = Field(description="How long the last commit took.")
    stored_seconds_ago: float = Field(description="0 while Redis is away and there is nothing to store.")
    published_seconds_ago: float = Field(description="When writers were last told how far they are stored.")
    redis_said: str = Field(description="Why they could not be told, as Redis says; empty when they were.")
    lags: dict[str, float] = Field(description="By shard: how far behind its stream, in seconds.")
    disk_free_bytes: int
    backlogs: list[TrainerBehind]
    webhook: Webhook | None
    quarantine: list[Quarantined]
    quarantined: dict[str, int]


TROUBLES: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorAnswer, "description": "No such project, run or key; the nearest names are listed."},
    422: {"model": ErrorAnswer, "description": "A value is out of range or of the wrong type."},
}
