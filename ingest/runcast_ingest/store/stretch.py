"""Rows of one writer with the same keys, as arrays: what blocks become when they are read.

A stretch keeps each row's sequence, so that rows of different stretches can be put together again in the order
in which they were logged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from runcast.blocks import FLOAT, Block, Item
from runcast.events import Event
from runcast_ingest.store.codec import TICK_NS, Floats, Ints

EARLIEST = -(2**63) + TICK_NS  # Rounded down it still fits.

Kinds = npt.NDArray[np.uint8]  # ASCII of each value's kind, one row for each key.


class Stretch(Struct, frozen=True):
    """`values` and `kinds` have one row for each of `names`, one column for each logged row, in order of sequence."""

    names: tuple[str, ...]
    sequences: Ints
    steps: Ints
    times: Ints  # ns
    values: Floats
    kinds: Kinds | str  # One character for each name where no column mixes them.
    extras: dict[int, dict[str, Any]]  # By place in the stretch.

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.sequences)

    def kind(self, position: int) -> str:
        """Say how a key's values were logged; a mixture counts as FLOAT."""
        if isinstance(self.kinds, str):
            return self.kinds[position]
        row = self.kinds[position]
        return chr(row[0]) if len(row) and (row == row[0]).all() else FLOAT


def events_of(items: Iterable[Item], first: int) -> list[tuple[int, Event]]:
    """Pick what is no row out of a payload that starts at `first`, with its sequence."""
    events: list[tuple[int, Event]] = []
    for item in items:
        if isinstance(item, Block):
            first += item.rows
        else:
            events.append((first, item))
            first += 1
    return events


def blocks_of(items: Iterable[Item], first: int) -> list[tuple[int, Block]]:
    """Pick the blocks out of a payload that starts at `first`, each with its first sequence."""
    blocks: list[tuple[int, Block]] = []
    for item in items:
        if isinstance(item, Block):
            blocks.append((first, item))
            first += item.rows
        else:
            first += 1
    return blocks


def gather(blocks: Sequence[tuple[int, Block]], only: frozenset[str] | None = None) -> list[Stretch]:
    """Put blocks with the same keys together, in order; of the keys, `only` those asked for."""
    by_names: dict[tuple[str, ...], list[tuple[int, Block]]] = {}
    for first, block in blocks:
        by_names.setdefault(block.names, []).append((first, block))
    return [_join(names, group, only) for names, group in by_names.items()]


def untie(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Cut the stretches of one writer so that merging them by time gives the rows in the order of their sequences.

    Times have a tick, and rows with different keys may share one. Where a row has the time of the one before it, which
    is in another stretch, its own is cut: what begins first comes first, and a stable merge keeps it so.
    """
    if len(stretches) < 2:
        return list(stretches)
    which = np.repeat(np.arange(len(stretches)), [len(stretch) for stretch in stretches])
    places = np.concatenate([np.arange(len(stretch)) for stretch in stretches])
    order = np.argsort(np.concatenate([stretch.sequences for stretch in stretches]))
    times = np.concatenate([stretch.times for stretch in stretches])[order]
    which, places = which[order], places[order]
    tied = np.flatnonzero((times[1:] == times[:-1]) & (which[1:] != which[:-1])) + 1
    pieces: list[Stretch] = []
    for number, stretch in enumerate(stretches):
        cuts = [*places[tied][which[tied] == number], len(stretch)]
        begin = 0
        for end in cuts:
            if end > begin:
                within = np.zeros(len(stretch), bool)
                within[begin:end] = True
                pieces.append(select(stretch, within))
            begin = max(begin, end)
    return sorted(pieces, key=lambda piece: int(piece.sequences[0]))


def select(stretch: Stretch, where: npt.NDArray[np.bool_]) -> Stretch:
    """Keep the rows where the mask says so."""
    if where.all():
        return stretch
    places = np.flatnonzero(where)
    new = {int(old): at for at, old in enumerate(places)} if stretch.extras else {}
    return Stretch(
        names=stretch.names,
        sequences=stretch.sequences[where],
        steps=stretch.steps[where],
        times=stretch.times[where],
        values=stretch.values[:, where],
        kinds=stretch.kinds if isinstance(stretch.kinds, str) else stretch.kinds[:, where],
        extras={new[old]: extra for old, extra in stretch.extras.items() if old in new},
    )


def _join(names: tuple[str, ...], group: Sequence[tuple[int, Block]], only: frozenset[str] | None) -> Stretch:
    k = len(names)
    places = list(range(k)) if only is None else [at for at, name in enumerate(names) if name in only]
    pick: slice | list[int] = slice(None) if only is None else places
    # One join and one view: a thousand blocks of one row each cost one call, not a thousand.
    steps = np.frombuffer(b"".join([block.steps for _, block in group]), "<i8")
    times = np.frombuffer(b"".join([block.times for _, block in group]), "<i8")
    values = np.concatenate(
        [np.frombuffer(block.values, "<f8").reshape(k, block.rows)[pick] for _, block in group], axis=1
    )
    rows = np.array([block.rows for _, block in group])
    firsts = np.array([first for first, _ in group])
    starts = np.concatenate([[0], np.cumsum(rows)[:-1]])
    sequences = np.arange(len(steps)) + np.repeat(firsts - starts, rows)
    extras: dict[int, dict[str, Any]] = {}
    for start, (_, block) in zip(starts, group, strict=True):
        for at, extra in enumerate(block.extras or ()):
            if extra:
                extras[int(start) + at] = extra
    kinds: Kinds | str
    if len({block.kinds for _, block in group}) == 1:
        kinds = "".join([group[0][1].kinds[at] for at in places])
    else:
        each = [np.frombuffer(block.kinds.encode(), np.uint8)[pick] for _, block in group]
        kinds = np.repeat(np.stack(each, axis=1), rows, axis=1)
    return Stretch(
        names=names if only is None else tuple(names[at] for at in places),
        sequences=sequences.astype(np.int64),
        steps=steps,
        times=np.maximum(times, EARLIEST) // TICK_NS * TICK_NS,
        values=values,
        kinds=kinds,
        extras=extras,
    )
