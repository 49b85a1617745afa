"""A journal gives back what was appended to it, whatever happened in between."""

from __future__ import annotations

import errno
import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runcast import journal as journals
from runcast.blocks import Block, Item, count
from runcast.events import Config, Lost
from runcast.journal import Header, Journal, hold, row_event
from runcast.reader import Reader, read_header, segments
from runcast.rows import Row
from runcast.wire import ENTRY_BYTES_MAX, ENTRY_BYTES_TARGET, encode_items

HEADER = Header(version=1, path="p/r", writer="0" * 16, shard=3, segment=0, first=1, created=1)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "w", HEADER)
    yield opened
    opened.close()


def read_all(directory: Path) -> list[Item]:
    reader = Reader(directory)
    items: list[Item] = []
    while found := reader.take()[1]:
        items += found
    reader.close()
    return items


def rows(items: list[Item]) -> list[tuple[int, dict[str, float]]]:
    found = []
    for item in items:
        assert isinstance(item, Block)
        steps = memoryview(item.steps).cast("q")
        values = memoryview(item.values).cast("d")
        for row in range(item.rows):
            columns = {name: values[key * item.rows + row] for key, name in enumerate(item.names)}
            found.append((steps[row], columns))
    return found


def test_rows_come_back_as_columns_in_their_order(journal: Journal) -> None:
    """Rows of equal shape that follow each other are one block; another shape begins a new one."""
    loss, both = journal.shape(("loss",), "f"), journal.shape(("loss", "acc"), "ff")
    journal.row(loss, 0, 10, [0.5])
    journal.row(loss, 1, 11, [0.25])
    journal.row(both, 2, 12, [0.125, 0.9])
    items = read_all(journal.directory)
    assert [item.rows for item in items if isinstance(item, Block)] == [2, 1]
    assert rows(items) == [(0, {"loss": 0.5}), (1, {"loss": 0.25}), (2, {"loss": 0.125, "acc": 0.9})]


_row = st.tuples(st.sampled_from(["a", "ab", "abc"]), st.integers(-(2**62), 2**62), st.floats(allow_nan=False))
_event = st.builds(Config, st.integers(0, 2**62), st.dictionaries(st.text(max_size=3), st.integers(0, 9), max_size=2))


@settings(max_examples=60, deadline=None)
@given(st.lists(_row | _event, max_size=60), st.integers(1, 61))
def test_whatever_is_appended_comes_back_from_any_sequence(
    tmp_path_factory: pytest.TempPathFactory, things: list[Any], start: int
) -> None:
    """Reading from the n-th event on gives the n-th event and all after it."""
    journal = Journal(tmp_path_factory.mktemp("j") / "w", HEADER)
    shapes = {names: journal.shape(tuple(names), "f" * len(names)) for names in ("a", "ab", "abc")}
    expected: list[Any] = []
    for thing in things:
        if isinstance(thing, Config):
            journal.event(thing)
            expected.append(thing)
        else:
            names, step, value = thing
            journal.row(shapes[names], step, 7, [value] * len(names))
            expected.append((step, dict.fromkeys(names, value)))
    journal.close()
    reader = Reader(journal.directory)
    reader.seek(start)
    got: list[Any] = []
    while found := reader.take()[1]:
        for item in found:
            got += rows([item]) if isinstance(item, Block) else [item]
    reader.close()
    assert got == expected[start - 1 :]
    assert journal.sequence == len(expected)


def test_a_torn_tail_is_found_at_every_byte(journal: Journal) -> None:
    """A file cut anywhere gives the whole records before the cut, and says how much was torn."""
    shape = journal.shape(("a",), "f")
    for step in range(3):
        journal.row(shape, step, 1, [1.0])
    path = segments(journal.directory)[0][1]
    data = path.read_bytes()
    row_bytes = 8 + 24 + 8
    for cut in range(row_bytes):
        path.write_bytes(data[: len(data) - cut])
        whole = 3 if cut == 0 else 2
        reader = Reader(journal.directory)
        assert count(reader.take()[1]) == whole
        assert reader.take()[1] == []
        assert reader.torn == (0 if cut == 0 else row_bytes - cut)
        reader.close()


def test_a_flipped_bit_is_never_read_as_a_value(journal: Journal) -> None:
    """Whatever bit of a record flips, the record and what follows are not read."""
    shape = journal.shape(("a",), "f")
    journal.row(shape, 0, 1, [1.0])
    path = segments(journal.directory)[0][1]
    before = path.stat().st_size
    journal.row(shape, 1, 1, [2.0])
    data = path.read_bytes()
    for bit in range(8 * (len(data) - before)):
        broken = bytearray(data)
        broken[before + bit // 8] ^= 1 << bit % 8
        path.write_bytes(broken)
        assert rows(read_all(journal.directory)) == [(0, {"a": 1.0})]


class Disk:
    """An `os.write` that takes part of a record, or none, from the n-th call on, until there is room."""

    def __init__(self, fail_at: int, takes: int) -> None:
        self.calls, self.fail_at, self.takes, self.full = 0, fail_at, takes, True
        self._write = os.write

    def write(self, fd: int, data: bytes) -> int:
        self.calls += 1
        if self.full and self.calls >= self.fail_at:
            if not self.takes:
                raise OSError(errno.ENOSPC, "No space left on device")
            return self._write(fd, data[: self.takes])
        return self._write(fd, data)


@pytest.mark.parametrize("takes", [0, 1, 12])
@pytest.mark.parametrize("fail_at", range(1, 8))
def test_a_full_disk_loses_nothing_while_memory_lasts(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, fail_at: int, takes: int
) -> None:
    """Rows wait in memory, in order, until the disk has room; the caller never notices."""
    disk = Disk(fail_at, takes)
    monkeypatch.setattr("runcast.journal.os.write", disk.write)
    shape = journal.shape(("a",), "f")
    for step in range(10):
        journal.row(shape, step, 1, [float(step)])
    assert journal.sequence == 10
    assert not journal.settle()
    disk.full = False
    assert journal.settle()
    journal.row(shape, 10, 1, [10.0])
    assert rows(read_all(journal.directory)) == [(step, {"a": float(step)}) for step in range(11)]


def test_beyond_memory_the_newest_rows_are_dropped_and_counted(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stream says how many rows are missing, as soon as there is room."""
    disk = Disk(1, 0)
    monkeypatch.setattr("runcast.journal.os.write", disk.write)
    monkeypatch.setattr(journals, "WAITING_BYTES_MAX", 200)
    shape = journal.shape(("a",), "f")
    for step in range(10):
        journal.row(shape, step, 1, [float(step)])
    assert journal.lost > 0
    disk.full = False
    assert journal.settle()
    items = read_all(journal.directory)
    lost = items.pop()
    assert isinstance(lost, Lost)
    assert lost.rows == journal.lost == 10 - len(rows(items))
    assert journal.sequence == count(items) + 1


def test_stored_segments_are_deleted_and_the_others_read_on(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A year-long training does not fill its disk with what is stored."""
    monkeypatch.setattr(journals, "SEGMENT_BYTES_MAX", 400)
    shape = journal.shape(("a",), "f")
    for step in range(100):
        journal.row(shape, step, 1, [float(step)])
    reader = Reader(journal.directory, limit=lambda: (journal.segment, journal.end))
    seen = 0
    while items := reader.take()[1]:
        seen += count(items)
    assert seen == 100
    before = len(segments(journal.directory))
    reader.free(50)
    left = segments(journal.directory)
    assert 1 < len(left) < before
    assert read_header(left[0][1]).first <= 51
    reader.seek(51)
    assert reader.take()[0] == 51
    reader.close()


def test_the_lock_is_held_while_the_writer_lives(journal: Journal) -> None:
    """Nobody drains the journal of a living process."""
    with pytest.raises(BlockingIOError):
        hold(journal.directory)
    journal.close()
    os.close(hold(journal.directory))


def test_a_row_with_more_than_numbers_keeps_both(journal: Journal) -> None:
    """Text stands beside the numbers of its row."""
    journal.event(row_event(4, 9, Row({"a": 1.0}, "i", {"note": "hi"})))
    (item,) = read_all(journal.directory)
    assert isinstance(item, Block)
    assert (item.names, item.kinds, item.extras) == (("a",), "i", ({"note": "hi"},))


def test_ctrl_c_between_a_write_and_its_count_loses_no_row(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal strikes most often where the row waits for the disk: what the file holds is counted."""
    shape = journal.shape(("a",), "f")
    journal.row(shape, 0, 1, [0.0])
    write = os.write

    def interrupted(fd: int, data: bytes) -> int:
        write(fd, data)
        raise KeyboardInterrupt

    monkeypatch.setattr("runcast.journal.os.write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        journal.row(shape, 1, 1, [1.0])
    monkeypatch.undo()
    journal.row(shape, 2, 1, [2.0])
    assert (journal.sequence, journal.durable) == (3, 3)
    reader = Reader(journal.directory, limit=lambda: (journal.segment, journal.end))
    assert [step for step, _ in rows(reader.take()[1])] == [0, 1, 2]
    reader.close()


def test_a_signal_handler_may_log_in_the_middle_of_a_row(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    shape = journal.shape(("a",), "f")
    journal.row(shape, 0, 1, [0.0])
    write = os.write

    def handling(fd: int, data: bytes) -> int:
        written = write(fd, data)
        monkeypatch.undo()
        journal.row(shape, 2, 1, [2.0])
        return written

    monkeypatch.setattr("runcast.journal.os.write", handling)
    journal.row(shape, 1, 1, [1.0])
    assert journal.sequence == 3
    assert [step for step, _ in rows(read_all(journal.directory))] == [0, 1, 2]


@pytest.mark.parametrize("limit", range(96, 320, 8))
def test_each_segment_says_what_its_rows_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    """Wherever a segment ends, the next one stands for itself: the ones before it may be deleted."""
    monkeypatch.setattr(journals, "SEGMENT_BYTES_MAX", limit)
    journal = Journal(tmp_path / "w", HEADER)
    one, two = journal.shape(("a",), "f"), journal.shape(("b",), "f")
    for step in range(12):
        journal.row(one if step % 3 else two, step, 1, [float(step)])
    journal.close()
    for _, path in segments(journal.directory):
        first = read_header(path).first
        assert [step for step, _ in rows(read_all(journal.directory))] == list(range(first - 1, 12))
        path.unlink()


def test_a_damaged_record_costs_one_row_and_says_so(journal: Journal) -> None:
    """Whatever bit flips among whole records, the rows after it keep their sequence."""
    shape = journal.shape(("a",), "f")
    journal.row(shape, 0, 1, [0.0])
    path = segments(journal.directory)[0][1]
    before = path.stat().st_size
    for step in (1, 2):
        journal.row(shape, step, 1, [float(step)])
    data = path.read_bytes()
    for bit in range(8 * 40):
        broken = bytearray(data)
        broken[before + bit // 8] ^= 1 << bit % 8
        path.write_bytes(broken)
        items = read_all(journal.directory)
        [lost] = [item for item in items if isinstance(item, Lost)]
        assert (lost.rows, count(items)) == (1, 3)
        assert [step for step, _ in rows([item for item in items if isinstance(item, Block)])] == [0, 2]


def test_a_missing_segment_leaves_no_hole_in_the_sequence(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came behind it keeps its place, and the run says how many rows are lost."""
    monkeypatch.setattr(journals, "SEGMENT_BYTES_MAX", 200)
    shape = journal.shape(("a",), "f")
    for step in range(9):
        journal.row(shape, step, 1, [float(step)])
    listed = segments(journal.directory)
    gone, behind = read_header(listed[1][1]).first, read_header(listed[2][1]).first
    listed[1][1].unlink()
    items = read_all(journal.directory)
    [lost] = [item for item in items if isinstance(item, Lost)]
    assert lost.rows == behind - gone
    assert count(items) == 9
    kept = [step for item in items if isinstance(item, Block) and item.names for step, _ in rows([item])]
    assert kept == [*range(gone - 1), *range(behind - 1, 9)]


def test_a_process_killed_while_it_begins_a_segment_loses_nothing(journal: Journal) -> None:
    shape = journal.shape(("a",), "f")
    journal.row(shape, 0, 1, [0.0])
    (journal.directory / "000002.journal").write_bytes(b"\0\0")
    assert [step for step, _ in rows(read_all(journal.directory))] == [0]


def test_a_shape_larger_than_a_read_hides_nothing(journal: Journal) -> None:
    """Thousands of names come before the first of their rows."""
    names = tuple(f"{'n' * 90}{number}" for number in range(4000))
    shape = journal.shape(names, "f" * len(names))
    journal.row(shape, 0, 1, [1.0] * len(names))
    journal.row(shape, 1, 1, [2.0] * len(names))
    reader = Reader(journal.directory)
    seen = 0
    while items := reader.take()[1]:
        seen += count(items)
    reader.close()
    assert seen == 2


def test_rows_of_alternating_shapes_still_make_entries_of_the_usual_size(journal: Journal) -> None:
    """Where names are written again and again, an entry holds fewer rows."""
    shapes = [journal.shape((letter * 250,), "f") for letter in "äö"]
    for step in range(10_000):
        journal.row(shapes[step % 2], step, 1, [1.0])
    reader = Reader(journal.directory)
    largest = 0
    while items := reader.take()[1]:
        largest = max(largest, len(encode_items(items)))
    reader.close()
    assert largest < 4 * ENTRY_BYTES_TARGET < ENTRY_BYTES_MAX + 1


def test_rows_with_text_that_follow_each_other_are_one_block(journal: Journal) -> None:
    """Keys and kinds alike, texts as they are; what comes between divides them."""
    for step in range(4):
        journal.event(row_event(step, 9, Row({"a": step / 2, "b": -step}, "fi", {"note": str(step)})))
    journal.event(Config(1, {}))
    journal.event(row_event(4, 9, Row({"a": 2.0, "b": -4.0}, "fi", {"note": "4"})))
    journal.event(row_event(5, 9, Row({"a": 2.5, "b": -5.0}, "ff", {"note": "5"})))
    first, second, *others = read_all(journal.directory)
    assert isinstance(first, Block)
    first.check()
    assert rows([first]) == [(step, {"a": step / 2, "b": -step}) for step in range(4)]
    assert first.extras == tuple({"note": str(step)} for step in range(4))
    assert isinstance(second, Config)
    assert [item.kinds for item in others if isinstance(item, Block)] == ["fi", "ff"]
    reader = Reader(journal.directory)
    reader.seek(3)
    assert rows(reader.take()[1][:1]) == [(2, {"a": 1.0, "b": -2.0}), (3, {"a": 1.5, "b": -3.0})]
    reader.close()


def test_what_is_too_large_for_an_entry_is_refused_whole(journal: Journal) -> None:
    assert not journal.event(Config(1, {"x": "y" * journals.EVENT_BYTES_MAX}))
    assert journal.sequence == 0


class Struck(Exception):
    """What a signal's handler raises, as Ctrl-C does."""


def test_signals_at_any_instant_leave_file_and_count_agreed(journal: Journal) -> None:
    """Two thousand of them, wherever they strike."""

    def strike(number: int, frame: object) -> None:
        raise Struck

    shape = journal.shape(("a",), "f")
    appended = []
    dice = random.Random(1)
    before = signal.signal(signal.SIGALRM, strike)
    try:
        for burst in range(2000):
            with suppress(Struck):
                signal.setitimer(signal.ITIMER_REAL, dice.uniform(1e-6, 2e-5))
                for step in range(10 * burst, 10 * burst + 10):
                    journal.row(shape, step, 1, [1.0])
                    appended.append(step)
                time.sleep(0.05)  # No `pause`: a signal that strikes right before it would be waited for for ever.
    finally:
        signal.signal(signal.SIGALRM, before)
    found = [step for step, _ in rows(read_all(journal.directory))]
    assert journal.sequence == journal.durable == len(found) == len(set(found))
    assert set(appended) <= set(found)
