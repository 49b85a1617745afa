"""What the journals on this machine still hold of a run: where nobody can be asked, it is all that is known of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from runcast.blocks import Block, Item
from runcast.drain import is_of, journals
from runcast.errors import MalformedEntry
from runcast.events import JOIN, Config, Describe, Rename, Start, Summary
from runcast.names import SYSTEM
from runcast.reader import Reader, read_header, segments
from runcast.rows import back


def read_left(directory: Path, path: str) -> Mapping[str, Any] | None:
    """Describe a run as the service does, from its journals alone; None if there are none."""
    found: dict[str, Any] = {}
    ours = [journal for journal in journals(directory) if is_of(journal, path)]
    for journal in sorted(ours, key=_created):
        for item in _items(journal):
            _take(found, item)
    return found or None


def _created(journal: Path) -> int:
    return read_header(segments(journal)[0][1]).created


def _items(journal: Path) -> Iterator[Item]:
    try:
        with closing(Reader(journal)) as reader:
            while items := reader.take()[1]:
                yield from items
    except (MalformedEntry, OSError):
        return  # What can be read was.


def _take(found: dict[str, Any], item: Item) -> None:
    if isinstance(item, Start):
        if item.begin != JOIN or not found:
            # What was before is another run's now.
            found |= {"steps": item.base_step + 1 if item.base else 0, "config": {}, "summary": {}}
            found |= {"name": "", "tags": [], "notes": ""}
        found["config"] |= item.config
        found["name"] = found["name"] or item.name
        found["tags"] = found["tags"] or list(item.tags)
        found["notes"] = found["notes"] or item.notes
    elif not found:
        return  # The beginning was stored, and its segment freed.
    elif isinstance(item, Block):
        if not (item.names and item.names[0].startswith(SYSTEM)):
            found["steps"] = max(found["steps"], max(memoryview(item.steps).cast("q")) + 1)
            found["summary"].update(_last(item))
    elif isinstance(item, Config):
        found["config"] |= item.values
    elif isinstance(item, Rename):
        found["name"] = item.name
    elif isinstance(item, Describe):
        found |= {key: item.values[key] for key in ("tags", "notes") if key in item.values}
    elif isinstance(item, Summary):
        found["summary"].update(item.values)
        for key in item.deleted:
            found["summary"].pop(key, None)


def _last(block: Block) -> dict[str, Any]:
    """Give the last row's values, as what they were logged as."""
    values = memoryview(block.values).cast("d")
    last = {
        name: back(values[(at + 1) * block.rows - 1], kind)
        for at, (name, kind) in enumerate(zip(block.names, block.kinds, strict=True))
    }
    return last | ((block.extras and block.extras[-1]) or {})
