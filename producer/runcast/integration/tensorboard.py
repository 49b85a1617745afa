"""TensorBoard beside a run: what a program writes for one, the other shows while it trains.

`init(sync_tensorboard=True)` calls `patch`: from then on, whoever opens a writer of event files is noticed, and
the files are read as they grow, with the steps and times that stand in them. A row has the writer's `global_step`,
which is the x axis of its metrics; writers in several folders are told apart by their folder's name.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any
from weakref import WeakMethod

import runcast
from runcast.errors import MalformedEntry, NameRefused, RuncastError
from runcast.integration.imported import when_imported
from runcast.run import Run
from runcast.tensorboard_events import (
    Event,
    EventFile,
    Histogram,
    Images,
    Scalar,
    Settings,
    Sound,
    Text,
    Value,
    is_event_file,
    parse_summary,
)

LOOK_SECONDS = 1.0  # Writers keep events for two minutes; they are asked for them as often as this.
BINS_MAX = 64  # A histogram of TensorBoard's has hundreds of bins, most of them empty.

# Modules and the classes in them whose instances write event files into the folder that is their first argument.
_WRITERS = (
    "tensorboard.summary.writer.event_file_writer",
    "tensorboardX.event_file_writer",
    "tensorflow.python.summary.writer.event_file_writer",
)
_TENSORFLOW_2 = "tensorflow.python.ops.gen_summary_ops"
_SPLITS = frozenset({"train", "training", "val", "validation", "eval", "test"})
_PID = re.compile(r"\.(\d+)\.\d+(\.v2)?$")  # `events.out.tfevents.TIME.HOST.PID.COUNT`

_root = ""
_watching = False
_undo: list[Callable[[], None]] = []
_followers: dict[Run, Follower] = {}


def patch(
    save: bool = True, tensorboard_x: bool | None = None, pytorch: bool | None = None, root_logdir: str = ""
) -> None:
    """Notice whoever writes for TensorBoard from now on; folders are named as seen from `root_logdir`."""
    global _root, _watching  # It is the whole process that is patched.
    del save, tensorboard_x, pytorch
    _root, _watching = root_logdir or _root, True
    if not _undo:
        for name in _WRITERS:
            when_imported(name, _patch_writer)
        when_imported(_TENSORFLOW_2, _patch_tensorflow)


def unpatch() -> None:
    """Take notice no more; what is being followed is followed to its end."""
    global _root, _watching
    _root, _watching = "", False
    while _undo:
        _undo.pop()()


def log(summary: Any, history: object = None, step: int = 0, namespace: str = "", **_: Any) -> None:
    """Log a `Summary`, or its bytes, as `tf.summary.merge_all` gives it."""
    del history
    data = summary if isinstance(summary, bytes) else summary.SerializeToString()
    run = runcast.run
    if run is None:
        raise RuncastError("You must call wandb.init() before wandb.tensorboard.log()")
    for row in _rows(run, [Event(0.0, step, parse_summary(data))], namespace):
        row.pop("_timestamp", None)
        run.log(row)


class Follower:
    """Reads the event files of one run as they grow."""

    def __init__(self, run: Run) -> None:
        self._run, self._root, self._pid = run, _root, os.getpid()
        self._folders: dict[Path, frozenset[str]] = {}  # With the files that were there before.
        self._files: dict[Path, EventFile | None] = {}  # None: damaged, and left alone.
        self._flushes: list[WeakMethod[Callable[[], None]]] = []
        self._defined: set[str] = set()
        self._refused: set[str] = set()
        self._looking = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="runcast-tensorboard", daemon=True)

    @classmethod
    def of(cls, run: Run) -> Follower:
        """Give the follower of a run, which begins with its first writer and ends with the run."""
        follower = _followers.get(run)
        if follower is None or follower._pid != os.getpid():
            follower = _followers[run] = cls(run)
            run.before_end(follower.end)
            follower._thread.start()
        return follower

    def watch(self, folder: Path, before: Iterable[str], flush: Callable[[], None] | None) -> None:
        """Read the files that appear in a folder; `flush` makes their writer write."""
        with self._looking:
            self._folders.setdefault(folder, frozenset(before))
            if flush is not None:
                with suppress(TypeError):
                    self._flushes.append(WeakMethod(flush))

    def look(self) -> None:
        """Log everything that has been written."""
        with self._looking:
            for flush in [found for each in self._flushes if (found := each()) is not None]:
                with suppress(Exception):  # A closed writer has flushed.
                    flush()
            for folder, before in self._folders.items():
                with suppress(OSError):
                    for name in sorted(set(os.listdir(folder)) - before):
                        if is_event_file(name) and _written_here(name):
                            self._read(folder / name)

    def end(self) -> None:
        """Log what is left, and stop."""
        self._stopping.set()
        if self._pid == os.getpid():
            self._thread.join()
            self._try_look()
        _followers.pop(self._run, None)

    def _work(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            self._try_look()

    def _try_look(self) -> None:
        try:
            self.look()
        except Exception as error:  # Whatever a library's writer does, the training goes on; and nothing is silent.
            runcast.termwarn(f"a look at what was written for TensorBoard failed: {error}", repeat=False)

    def _read(self, path: Path) -> None:
        file = self._files.setdefault(path, EventFile(path))
        if file is None:
            return
        namespace = self._namespace(path.parent)
        try:
            for row in _rows(self._run, file.read(), namespace):
                self._log(row, namespace)
        except (MalformedEntry, OSError) as error:
            self._files[path] = None
            runcast.termwarn(f"{error}; the rest of this file is not synced")

    def _log(self, row: dict[str, Any], namespace: str) -> None:
        step = f"{namespace}/global_step" if namespace else "global_step"
        for name in row.keys() - self._defined - {step, "_timestamp"}:
            self._defined.add(name)
            try:
                self._run.define_metric(name, step_metric=step)
            except NameRefused as error:  # A tag may be anything, a metric's name may not.
                runcast.termwarn(f"{name[:40]!r} of TensorBoard is not synced: {error}", repeat=False)
                self._refused.add(name)
        self._run.log({name: value for name, value in row.items() if name not in self._refused})

    def _namespace(self, folder: Path) -> str:
        """Name a folder as seen from the root: the one that was given, or what all folders are in."""
        if self._root and folder.is_relative_to(root := Path(self._root).absolute()):
            return "/".join(folder.relative_to(root).parts)
        first = next(iter(self._folders))
        root = first.parent if first.name in _SPLITS else first
        if not folder.is_relative_to(root):
            root = Path(os.path.commonpath([root, folder]))
        return "/".join(folder.relative_to(root).parts)


def _rows(run: Run, events: Iterable[Event], namespace: str) -> Iterator[dict[str, Any]]:
    """Give one row for what was written for one step in one go."""
    prefix = f"{namespace}/" if namespace else ""
    row: dict[str, Any] = {}
    for event in events:
        for value in event.values:
            if isinstance(value, Settings):
                run.config.update(dict(value.values), allow_val_change=True)
                continue
            try:
                shown = _shown(value)
            except Exception as error:  # A picture that no library here can read costs nothing beside it.
                runcast.termwarn(f"{value.tag!r} of TensorBoard is not synced: {error}", repeat=False)
                continue
            name = prefix + value.tag
            if row and (name in row or row[f"{prefix}global_step"] != event.step):
                yield row
                row = {}
            row |= {name: shown, f"{prefix}global_step": event.step, "_timestamp": event.wall_time}
    if row:
        yield row


def _shown(value: Value) -> Any:
    """Give a value as it is logged; raises for what cannot be shown."""
    match value:
        case Scalar():
            return value.value
        case Text():
            return "\n\n".join(value.texts)
        case Histogram():
            return runcast.Histogram(np_histogram=_coarse(value))
        case Images():
            pictures = import_module("PIL.Image")  # Only whoever logs pictures needs it.
            return [runcast.Image(pictures.open(BytesIO(file))) for file in value.files]
        case Sound():
            return [runcast.Audio.of_wav(file) for file in value.files]
    raise RuncastError(f"there is no way to show its {type(value).__name__.lower()}")


def _coarse(histogram: Histogram) -> tuple[list[float], list[float]]:
    """Spread a histogram's counts over bins of one width; a count belongs to the middle of its bin."""
    low, high = histogram.edges[0], histogram.edges[-1]
    if len(histogram.counts) <= BINS_MAX or not high > low:
        return list(histogram.counts), list(histogram.edges)
    width = (high - low) / BINS_MAX
    counts = [0.0] * BINS_MAX
    for count, left, right in zip(histogram.counts, histogram.edges, histogram.edges[1:], strict=False):
        counts[min(int(((left + right) / 2 - low) / width), BINS_MAX - 1)] += count
    return counts, [low + width * edge for edge in range(BINS_MAX)] + [high]


def _written_here(name: str) -> bool:
    """Whether this process wrote a file, as far as its name tells: other ranks speak for themselves."""
    found = _PID.search(name)
    return found is None or int(found[1]) == os.getpid()


def _patch_writer(module: Any) -> None:
    writer = module.EventFileWriter
    begin = writer.__init__

    def noticed(self: Any, logdir: Any, *arguments: Any, **more: Any) -> None:
        folder = Path(os.fspath(logdir)).absolute()
        before = _files_in(folder)
        begin(self, logdir, *arguments, **more)
        _notice(folder, before, self.flush)

    writer.__init__ = noticed
    _undo.append(lambda: setattr(writer, "__init__", begin))


def _patch_tensorflow(module: Any) -> None:
    create = module.create_summary_file_writer

    def create_summary_file_writer(*arguments: Any, **more: Any) -> Any:
        logdir = more.get("logdir", arguments[1] if len(arguments) > 1 else "")
        logdir = logdir.numpy() if hasattr(logdir, "numpy") else logdir
        folder = Path(os.fsdecode(logdir)).absolute()
        before = _files_in(folder)
        made = create(*arguments, **more)
        _notice(folder, before, None)
        return made

    module.create_summary_file_writer = create_summary_file_writer
    _undo.append(lambda: setattr(module, "create_summary_file_writer", create))


def _files_in(folder: Path) -> set[str]:
    try:
        return set(os.listdir(folder))
    except OSError:
        return set()


def _notice(folder: Path, before: set[str], flush: Callable[[], None] | None) -> None:
    if _watching and runcast.run is not None:
        Follower.of(runcast.run).watch(folder, before, flush)
