"""TensorBoard's log folders: each folder with event files is a run, and each file a writer of it.

An event is a row by itself, for a file that is still written may go on in the middle of a step; rows of one step are
merged when they are read. Pictures and sound are not taken over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from runcast.events import Config, Start
from runcast.events import Event as OurEvent
from runcast.ports.foreign import Foreign, Row, run_id
from runcast.tensorboard_events import Event, EventFile, Histogram, Scalar, Settings, Text, Value, is_event_file

PROJECT = "tensorboard"


def find(path: Path) -> list[Path]:
    """List the event files under a path, the oldest of a folder first: their names begin with their time."""
    if path.is_file():
        return [path]
    return sorted(each for each in path.glob("**/*") if each.is_file() and is_event_file(each.name))


def read(path: Path, *, root: Path, project: str | None = None) -> Foreign:
    """Read one event file; `root` is the folder by which its run is named. Raises MalformedEntry and OSError."""
    return source(EventFile(path), root=root, project=project)


def source(file: EventFile, *, root: Path, project: str | None = None) -> Foreign:
    """Read on in a file; what it says later is another call's `items`."""
    folder = file.path.absolute().parent
    base = root.absolute() if root.is_dir() else folder
    within = folder.relative_to(base).as_posix() if folder.is_relative_to(base) else folder.name
    name = base.name if within == "." else within
    begun = file.path.stat().st_ctime_ns
    events = file.read()
    first = next(events, None)
    if first is not None:
        begun = round(first.wall_time * 1e9)
    start = Start(time=begun, name=name, config={}, program="tensorboard")
    return Foreign(
        origin=f"tensorboard {folder} {file.path.name}",
        project=project or PROJECT,
        id=run_id(name, origin=str(folder)),
        start=start,
        items=rows(_after(first, events)),
    )


def _after(first: Event | None, events: Iterator[Event]) -> Iterator[Event]:
    if first is not None:
        yield first
    yield from events


def rows(events: Iterable[Event]) -> Iterator[Row | OurEvent]:
    """Make each event a row."""
    for event in events:
        at = round(event.wall_time * 1e9)
        values: dict[str, Any] = {}
        for value in event.values:
            if isinstance(value, Settings):
                yield Config(at, dict(value.values))
            elif (shown := _shown(value)) is not None:
                values[value.tag] = shown
        if values:
            yield Row(event.step, at, values)


def _shown(value: Value) -> float | str | Mapping[str, Any] | None:
    match value:
        case Scalar():
            return value.value
        case Text():
            return "\n\n".join(value.texts)
        case Histogram():
            return {"_type": "histogram", "values": list(value.counts), "bins": list(value.edges)}
        case _:
            return None
