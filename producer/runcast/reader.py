"""Read a journal back, as the blocks and events that the wire carries.

Runs of equal rows become one columnar block by strided views: nanoseconds a row, and no numpy.
A reader of a dead writer's journal checks every crc, stops at a torn tail, and says `Lost` in the place of
what was damaged before it; the reader of a living one is bounded by what its journal says is written, in this
same process.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Callable
from itertools import groupby, pairwise
from pathlib import Path
from zlib import crc32

import msgspec

from runcast.blocks import Block, Item, drop_first
from runcast.errors import MalformedEntry
from runcast.events import Event, Lost
from runcast.journal import EVENT, HEAD, HEADER, KIND, ROW, SHAPE, SUFFIX, Header

READ_BYTES = 256 * 1024  # One read is about one entry.
POSITIONS_MAX = 4096  # How many places to go back to are remembered; between them the reader skips.

_decode_event = msgspec.msgpack.Decoder(Block | Event).decode
_decode_shape = msgspec.msgpack.Decoder(tuple[tuple[str, ...], str]).decode
_decode_header = msgspec.msgpack.Decoder(Header).decode

Limit = Callable[[], tuple[int, int]]


def segments(directory: Path) -> list[tuple[int, Path]]:
    """List a journal's segments that exist, in order."""
    found = [(int(path.stem), path) for path in directory.glob(f"*{SUFFIX}") if path.stem.isdigit()]
    return sorted(found)


def read_header(path: Path) -> Header:
    """Read a segment's first record; raises MalformedEntry when there is no whole one."""
    with path.open("rb") as file:
        data = file.read(4096)
    kind, body = _record(data, 0)
    if kind != HEADER:
        raise MalformedEntry(f"{path} does not begin with a journal's header")
    try:
        return _decode_header(body)
    except msgspec.MsgspecError as error:
        raise MalformedEntry(f"the header of {path} cannot be read: {error}") from error


def _record(data: bytes, at: int) -> tuple[int, memoryview[int]]:
    if len(data) < at + 16:
        raise MalformedEntry("torn")
    size, crc = HEAD.unpack_from(data, at)
    body = memoryview(data)[at + 8 : at + 8 + size]
    if size < 8 or len(body) != size or crc32(body) != crc:
        raise MalformedEntry("torn")
    return KIND.unpack_from(body)[0], body[8:]


def _valid(data: bytes, at: int) -> bool:
    """Whether a whole record stands there."""
    if len(data) < at + 16:
        return False
    size, crc = HEAD.unpack_from(data, at)
    whole = size >= 8 and len(data) >= at + 8 + size
    return whole and crc32(memoryview(data)[at + 8 : at + 8 + size]) == int(crc)


def _joined(items: list[Item]) -> list[Item]:
    """Make one block of rows with text that have the same keys and follow each other."""
    joined: list[Item] = []
    for _, group in groupby(items, key=lambda item: _is_text(item) and (item.names, item.kinds)):  # type: ignore[union-attr]
        rows = list(group)
        if len(rows) > 1 and _is_text(rows[0]):
            rows = [_block_of([row for row in rows if isinstance(row, Block)])]
        joined += rows
    return joined


def _is_text(item: Item) -> bool:
    return isinstance(item, Block) and item.rows == 1 and item.extras is not None


def _block_of(rows: list[Block]) -> Block:
    first, keys = rows[0], len(rows[0].names)
    values = memoryview(b"".join([row.values for row in rows])).cast("Q")
    return Block(
        rows=len(rows),
        names=first.names,
        kinds=first.kinds,
        steps=b"".join([row.steps for row in rows]),
        times=b"".join([row.times for row in rows]),
        values=b"".join([values[key::keys].tobytes() for key in range(keys)]),
        extras=tuple(row.extras[0] if row.extras else None for row in rows),
    )


class Reader:
    """Walk a journal from any sequence. `limit` gives the segment and offset up to which it may read.

    Without a limit, it reads a journal that nobody writes: every crc is checked, and `torn` tells
    how many bytes at the end could not be read.
    """

    def __init__(self, directory: Path, *, limit: Limit | None = None) -> None:
        self.directory, self._limit = directory, limit
        self._parsed = 1  # The sequence after everything parsed so far.
        self._held: list[Item] = []  # The tail of a block that `seek` went into the middle of.
        self._held_first = 0
        self._freed = 0  # The last segment deleted.
        self.torn = 0
        self.lost = 0  # Events whose records were damaged.
        self._segment, self._at, self._first = 0, 0, 1
        self._fd = -1
        self._shapes: dict[int, dict[int, tuple[tuple[str, ...], str]]] = {}
        self._positions: list[tuple[int, int, int]] = []  # (sequence, segment, offset), rising.
        self._step, self._time = 0, 0  # Of the last row read.
        listed = segments(directory)
        if listed:
            self._parsed = read_header(listed[0][1]).first
            self._freed = listed[0][0] - 1
            self._open(listed[0][0])
            self._positions.append((self._parsed, self._segment, 0))

    def _open(self, number: int) -> None:
        self.close()
        self._fd = os.open(self.directory / f"{number:06d}{SUFFIX}", os.O_RDONLY | os.O_CLOEXEC)
        self._segment, self._at = number, 0
        self._shapes.setdefault(number, {})

    @property
    def position(self) -> tuple[str, int]:
        """Where reading stands: the segment's file name, and the offset after the last whole record."""
        return f"{self._segment:06d}{SUFFIX}", self._at

    def close(self) -> None:
        """Close the segment that is open."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    @property
    def next(self) -> int:
        """The sequence that `take` begins with."""
        return self._held_first if self._held else self._parsed

    def seek(self, sequence: int) -> None:
        """Go to a sequence that was read before, or on to a later one."""
        place = bisect_right(self._positions, (sequence, 2**62, 0)) - 1
        start, segment, offset = self._positions[max(0, place)]
        if segment != self._segment or self._fd < 0:
            self._open(segment)
        self._at, self._parsed, self._held = offset, start, []
        while self._parsed < sequence:
            first = self._parsed
            items = self._read(remember=False)
            if not items:
                return
            if self._parsed > sequence:
                self._held, self._held_first = drop_first(items, sequence - first), sequence

    def take(self) -> tuple[int, list[Item]]:
        """Read about one entry's worth of events: the first one's sequence, and what they are; [] at the end."""
        if self._held:
            items, self._held = self._held, []
            return self._held_first, items
        first = self._parsed
        return first, self._read(remember=True)

    def _read(self, *, remember: bool) -> list[Item]:
        while self._fd >= 0:
            if remember:
                self._remember()
            size, before = READ_BYTES, self._at
            if self._limit is not None:
                segment, end = self._limit()
                if segment == self._segment:
                    size = min(size, end - self._at)
            items = self._parse(self._fill(size)) if size > 0 else []
            if items:
                return items
            if self._at > before:
                continue  # Only shapes: what they are the shapes of comes behind them.
            if not self._next_segment():
                return []
            if missing := self._missing(self._first - self._parsed):
                return missing
        return []

    def _remember(self) -> None:
        """Keep the place, to go back to; of two places of one sequence the later: segments are freed from the front."""
        if self._positions and self._positions[-1][0] >= self._parsed:
            if self._positions[-1][1] >= self._segment:
                return
            self._positions.pop()
        self._positions.append((self._parsed, self._segment, self._at))
        if len(self._positions) > POSITIONS_MAX:
            del self._positions[1::2]

    def _missing(self, events: int) -> list[Item]:
        """Stand in for events that cannot be read: their writer's sequence stays without a hole."""
        if events <= 0:
            return []
        self.lost += events
        self._parsed += events
        lost = Lost(time=self._time, rows=events, reason="the journal was damaged")
        if events == 1:
            return [lost]
        rows = events - 1
        step, time = (number.to_bytes(8, "little", signed=True) for number in (self._step, self._time))
        return [lost, Block(rows=rows, names=(), kinds="", steps=step * rows, times=time * rows, values=b"")]

    def _fill(self, size: int) -> bytes:
        data = os.pread(self._fd, size, self._at)
        # One record larger than a read: take all of it.
        if len(data) == size >= 8:
            want = 8 + HEAD.unpack_from(data)[0] + 7 & ~7
            if size < want <= os.fstat(self._fd).st_size - self._at:
                data = os.pread(self._fd, want, self._at)
        return data

    def _next_segment(self) -> bool:
        if self._limit is not None and self._limit()[0] <= self._segment:
            return False
        later = [(number, path) for number, path in segments(self.directory) if number > self._segment]
        if not later:
            return False
        number, path = later[0]
        try:
            self._first = read_header(path).first
        except MalformedEntry:
            if len(later) > 1:
                raise
            self.torn += path.stat().st_size  # Its writer died while it began this segment.
            return False
        if self._limit is None:
            self.torn += os.fstat(self._fd).st_size - self._at
        self._open(number)
        return True

    def _parse(self, data: bytes) -> list[Item]:
        """Turn the whole records in `data` into items, as many as an entry has room for, and move past them."""
        checked = self._limit is None
        shapes = self._shapes[self._segment]
        whole = len(data) & ~7
        words = memoryview(data)[:whole].cast("Q")
        items: list[Item] = []
        at, end, room, row_bytes, texts = 0, len(data), READ_BYTES, 0, 0
        while end - at >= 16 and room > 0:
            size, _ = HEAD.unpack_from(data, at)
            total = 8 + size + 7 & ~7
            if checked and not _valid(data, at):
                # One damaged record between whole ones: its own length leads on, or that of the row before.
                skip = next((skip for skip in (total, row_bytes) if skip and _valid(data, at + skip)), 0)
                if not skip:
                    break
                if KIND.unpack_from(data, at + 8)[0] != SHAPE or skip == row_bytes:
                    items += self._missing(1)
                at += skip
                continue
            if size < 8 or end - at < 8 + size:
                break
            kind, number = KIND.unpack_from(data, at + 8)
            if kind == ROW:
                rows, row_bytes = self._equal_rows(data, words, at, total, checked=checked), total
                if number in shapes:
                    block = self._block(words, at, total, rows, shapes[number])
                    items.append(block)
                    self._parsed += rows
                    # Names are written again with each block; where they alternate they outweigh their rows.
                    room -= rows * total + sum(map(len, block.names))
                else:
                    items += self._missing(rows)
                at += rows * total
                continue
            body = memoryview(data)[at + 16 : at + 8 + size]
            try:
                if kind == SHAPE:
                    shapes[number] = _decode_shape(body)
                elif kind == EVENT:
                    items.append(_decode_event(body))
                    texts += isinstance(items[-1], Block)
                    self._parsed += 1
                    room -= total
            except msgspec.MsgspecError:
                break
            at += total
        if items and isinstance(last := items[-1], Block):
            self._step, self._time = (
                int.from_bytes(column[-8:], "little", signed=True) for column in (last.steps, last.times)
            )
        self._at += at
        if texts > 1:
            items = _joined(items)
        if checked and at == 0 and end > 0:
            self.torn = end
        return items

    @staticmethod
    def _equal_rows(data: bytes, words: memoryview[int], at: int, total: int, *, checked: bool) -> int:
        """Count the rows of the same shape that follow each other from `at`."""
        stride, begin = total // 8, at // 8
        most = (len(words) - begin) // stride
        tags = words[begin + 1 : begin + most * stride : stride].tolist()
        same = most if tags.count(tags[0]) == most else next(i for i, tag in enumerate(tags) if tag != tags[0])
        if checked:
            view = memoryview(data)
            for row in range(1, same):
                start = at + row * total
                size, crc = HEAD.unpack_from(data, start)
                if size != total - 8 or crc32(view[start + 8 : start + total]) != crc:
                    return row
        return same

    @staticmethod
    def _block(words: memoryview[int], at: int, total: int, rows: int, shape: tuple[tuple[str, ...], str]) -> Block:
        stride, begin = total // 8, at // 8
        end = begin + rows * stride
        names, kinds = shape
        columns = b"".join([words[begin + 4 + key : end : stride].tobytes() for key in range(len(names))])
        return Block(
            rows=rows,
            names=names,
            kinds=kinds,
            steps=words[begin + 2 : end : stride].tobytes(),
            times=words[begin + 3 : end : stride].tobytes(),
            values=columns,
        )

    def free(self, mark: int) -> None:
        """Delete the segments all of whose events are at or below the mark, but never the newest one."""
        if self._segment <= self._freed + 1:
            return
        listed = segments(self.directory)
        for (number, path), (following, next_path) in pairwise(listed):
            if number >= self._segment or (first := read_header(next_path).first) > mark + 1:
                return
            path.unlink(missing_ok=True)
            self._freed = number
            self._shapes.pop(number, None)
            # The way back begins where what is left begins.
            later = [place for place in self._positions if place[0] > first and place[1] > number]
            self._positions = [(first, following, 0), *later]
