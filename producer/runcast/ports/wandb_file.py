"""The official client's `.wandb` file: the log that it keeps of a run, online and offline.

LevelDB's log format behind a 7-byte header: blocks of 32 kB with records `crc32 | u16 length | u8 type`, whole or in
parts. Each is a protobuf `Record`; the field numbers are those of wandb's public `wandb_internal.proto`.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from runcast.errors import MalformedEntry
from runcast.events import Config as ConfigEvent
from runcast.events import Console, Event, Metric, Plain, Start, Summary
from runcast.names import SYSTEM
from runcast.ports.foreign import Foreign, Row, run_id
from runcast.protobuf import fields, signed

SUFFIX = ".wandb"
_HEADER_BYTES, _BLOCK_BYTES = 7, 32 * 1024
_HEAD = struct.Struct("<IHB")
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
# Fields of a Record.
_HISTORY, _SUMMARY, _CONFIG, _STATS, _METRIC, _OUTPUT, _RUN, _EXIT = 2, 3, 5, 7, 12, 13, 17, 18
_READ = frozenset({_HISTORY, _SUMMARY, _CONFIG, _STATS, _METRIC, _OUTPUT, _RUN, _EXIT})
_AGGREGATES = {1: "min", 2: "max", 3: "mean", 4: "best", 5: "last", 6: "none", 7: "copy", 8: "first"}
_GOALS = {1: "minimize", 2: "maximize"}


def find(path: Path) -> list[Path]:
    """List the files under a path: one itself, a run's folder, or a folder of runs such as `wandb`.

    Empty ones mark runs of Runcast, whose rows are where they were published.
    """
    if path.is_file():
        return [path]
    return sorted(each for each in path.glob(f"**/*{SUFFIX}") if each.stat().st_size)


def read(path: Path, *, project: str | None = None) -> Foreign:
    """Read a run; raises MalformedEntry where the file is none, and OSError."""
    records = list(_messages(path))
    run = next((value for number, value in records if number == _RUN), None)
    if run is None:
        raise MalformedEntry(f"{path} holds no run")
    about = _parts(run)
    started = _time(about.get(17))
    exits = [value for number, value in records if number == _EXIT]
    id_ = _text(about.get(1)) or path.stem.removeprefix("run-")
    host = _text(about.get(13))
    start = Start(
        time=started,
        name=_text(about.get(8)) or id_,
        config={key: value for key, value in _values(about.get(4)).items() if key != "_wandb"},
        host=host,
        program="wandb",
        notes=_text(about.get(9)),
        group=_text(about.get(6)),
        job_type=_text(about.get(7)),
        tags=tuple(bytes(value).decode() for number, value in fields(run) if number == 10),
    )
    exit_code = signed(_parts(exits[-1]).get(1, 0)) if exits else None
    return Foreign(
        origin=f"wandb {_text(about.get(2))} {_text(about.get(3))} {id_} {started}",
        project=project or _text(about.get(3)) or "uncategorized",
        id=run_id(id_),
        start=start,
        items=_items(records, started),
        ended=True,
        exit_code=exit_code,
    )


def _items(records: Sequence[tuple[int, Any]], started: int) -> Iterator[Row | Event]:
    """Give what happened, in the order in which it was written down."""
    now, sample, lines, open_line = started, 0, 0, ""
    for number, value in records:
        if number == _HISTORY:
            parts = _parts(value)
            logged: dict[str, Any] = _values(value)
            step = int(logged.pop("_step", signed(_parts(parts.get(2, b"")).get(1, 0))))
            now = round(float(logged.pop("_timestamp", now / 1e9)) * 1e9)
            logged.pop("_runtime", None)
            yield Row(step, now, logged)
        elif number == _SUMMARY:
            changed = {key: item for key, item in _values(value).items() if not key.startswith("_")}
            removed = tuple(_key(item) for inner, item in fields(value) if inner == 2)
            if changed or removed:
                yield Summary(now, changed, removed)
        elif number == _CONFIG:
            if changed := {key: item for key, item in _values(value).items() if key != "_wandb"}:
                yield ConfigEvent(now, changed)
        elif number == _STATS:
            parts = _parts(value)
            numbers = {SYSTEM + _key(item): _value(item) for inner, item in fields(value) if inner == 3}
            yield Row(sample, _time(parts.get(2)) or now, numbers)
            sample += 1
        elif number == _METRIC:
            yield _metric(now, value)
        elif number == _OUTPUT:
            parts = _parts(value)
            *whole, open_line = (open_line + _text(parts.get(3))).split("\n")
            if whole:
                yield Console(_time(parts.get(2)) or now, lines, tuple(line.rsplit("\r", 1)[-1] for line in whole))
                lines += len(whole)


def _messages(path: Path) -> Iterator[tuple[int, Any]]:
    """Give each record's number and value; the beginning of one, where its writer was killed, is left out."""
    for data in _records(path):
        try:
            for number, value in fields(data):
                if number in _READ:
                    yield number, value
        except (ValueError, IndexError) as error:
            raise MalformedEntry(f"{path} holds a record that does not read as one: {error}") from error


def _records(path: Path) -> Iterator[bytes]:
    data = path.read_bytes()
    if data[:4] != b":W&B":
        raise MalformedEntry(f"{path} is no .wandb file")
    at, parts = _HEADER_BYTES, bytearray()
    while at + _HEAD.size <= len(data):
        left = _BLOCK_BYTES - at % _BLOCK_BYTES
        if left < _HEAD.size:
            at += left
            continue
        _, length, kind = _HEAD.unpack_from(data, at)
        body = data[at + _HEAD.size : at + _HEAD.size + length]
        if kind == 0 or len(body) < length:
            return  # Room that was not written, or a killed writer's last words.
        at += _HEAD.size + length
        if kind == _FULL:
            yield body
        elif kind in {_FIRST, _MIDDLE, _LAST}:
            parts = bytearray(body) if kind == _FIRST else parts + body
            if kind == _LAST:
                yield bytes(parts)
        else:
            raise MalformedEntry(f"{path} is damaged at byte {at}: there is no record of type {kind}")


def _parts(data: Any) -> dict[int, Any]:
    return dict(fields(data or b""))


def _text(data: Any) -> str:
    return bytes(data or b"").decode(errors="replace")


def _time(data: Any) -> int:
    """Read a protobuf Timestamp as nanoseconds."""
    parts = _parts(data)
    return signed(parts.get(1, 0)) * 1_000_000_000 + signed(parts.get(2, 0))


def _path(item: Any) -> list[str]:
    """Read an item's name: one, or a path of names."""
    nested = [bytes(value).decode() for number, value in fields(item) if number == 2]
    return nested or [_text(_parts(item).get(1))]


def _key(item: Any) -> str:
    return ".".join(_path(item))


def _value(item: Any) -> Plain:
    text = _parts(item).get(16)
    return None if text is None else json.loads(bytes(text))


def _values(data: Any) -> dict[str, Any]:
    """Read a list of items, each a name or a path of names and a value as JSON."""
    values: dict[str, Any] = {}
    for number, each in fields(data or b""):
        if number != 1:
            continue
        *above, last = _path(each)
        place = values
        for name in above:
            inner = place.get(name)
            if not isinstance(inner, dict):
                inner = place[name] = {}
            place = inner
        place[last] = _value(each)
    return values


def _metric(now: int, data: Any) -> Metric:
    """Read a MetricRecord: 1 name, 2 glob, 4 step metric, 6 options, 7 summary, 8 goal."""
    parts = _parts(data)
    options, summary = _parts(parts.get(6)), _parts(parts.get(7))
    return Metric(
        now,
        _text(parts.get(1)) or _text(parts.get(2)),
        step_metric=_text(parts.get(4)),
        step_sync=bool(options.get(1)),
        hidden=bool(options.get(2)),
        summary=tuple(name for number, name in _AGGREGATES.items() if summary.get(number)),
        goal=_GOALS.get(parts.get(8, 0), ""),
    )
