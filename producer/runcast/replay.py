"""Play a stored run again, as a new run that is logged in the same order and at the same pace, or faster.

Rows are read from the service as each was logged; they are logged anew by the client, so whoever subscribes sees a
training. It knows neither the terminal nor how fast it is asked to be: that is the caller's.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager

from msgspec import Struct

from runcast.blocks import BOOL, FLOAT, INT
from runcast.errors import UsageError
from runcast.events import Plain
from runcast.names import SYSTEM
from runcast.rows import back
from runcast.run import Run
from runcast.subscription import CaughtUp, Row, RunUpdate, Update

ROWS_MAX = 1_000_000  # Held at once: about a gigabyte for rows of a few metrics.
SPEEDS = (0.01, 10_000.0)
SOON_SECONDS = 0.0005  # No sleep is that exact.
DENSE_ROWS_MAX = 256  # Logged without a pause, however dense they are: a few milliseconds, and Ctrl-C is heard.
_TIME = re.compile(r"(?:(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)|(\d+(?:\.\d+)?)s)")


def is_sample(row: Row) -> bool:
    """Whether a row is a sample of the machine, and none of the program's."""
    return all(key.startswith(SYSTEM) for key in row.values)


class Recording(Struct, frozen=True):
    """A run as it was logged: its rows in the order of their times, and what it was."""

    update: RunUpdate
    rows: list[Row]

    @property
    def labels(self) -> list[str]:
        """Which of the run's processes logged, in the order in which they began."""
        return list(dict.fromkeys(row.label for row in self.rows))

    @property
    def kinds(self) -> dict[str, str]:
        """What metrics were logged as that were no floats, as far as their last values tell: here all values are."""
        return {
            key: BOOL if isinstance(value, bool) else INT
            for key, value in self.update.summary.items()
            if isinstance(value, int)
        }

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.rows[-1].time - self.rows[0].time if self.rows else 0.0


class Played(Struct, frozen=True):
    """How a replay went: rows, and by how many seconds each was logged after its time."""

    rows: int
    late: list[float]


class Start(Struct, frozen=True):
    """Where a replay begins: at a step, or so many seconds after the run's first row."""

    step: int = 0
    seconds: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Start:
        """Read `2000` as a step, and `90s`, `1:30` or `1:02:03` as a time; raises UsageError."""
        if text.isdecimal():
            return cls(step=int(text))
        if found := _TIME.fullmatch(text):
            hours, minutes, seconds, alone = (float(part or 0) for part in found.groups())
            return cls(seconds=3600 * hours + 60 * minutes + seconds + alone)
        raise UsageError(f"--from is {text!r}; it is a step such as 2000, or a time in the run such as 90s or 1:02:03")


BEGINNING = Start()


async def record(updates: AsyncGenerator[Update, None], start: Start = BEGINNING) -> Recording:
    """Read what is stored of one run, each row as it was logged; raises UsageError for nothing, and for too much."""
    update: RunUpdate | None = None
    rows: list[Row] = []
    async with aclosing(updates) as stored:
        async for each in stored:
            if isinstance(each, RunUpdate):
                update = each
            elif isinstance(each, CaughtUp):
                break
            elif each.step >= start.step or is_sample(each):
                if len(rows) == ROWS_MAX:
                    raise UsageError(
                        f"the run has more than {ROWS_MAX:,} rows; --from leaves out what is before a step"
                    )
                rows.append(each)
    # Each process's rows stand in its order already, and the sort is stable.
    rows.sort(key=lambda row: row.time)
    if start.step:  # Samples of the machine count for themselves: they begin with what is logged.
        begun = next((row.time for row in rows if not is_sample(row)), math.inf)
        rows = [row for row in rows if row.time >= begun]
    begun = rows[0].time if rows else 0.0
    rows = [row for row in rows if row.time - begun >= start.seconds]
    if update is None or not rows:
        where = (
            f" from step {start.step} on"
            if start.step
            else f" {start.seconds:g} s after its start" * (start.seconds > 0)
        )
        raise UsageError(f"there are no rows to replay{where}")
    return Recording(update, rows)


def as_logged(value: float, kind: str) -> Plain:
    """Give a value back as what its metric was logged as, where it can have been that."""
    if not value.is_integer() or (kind == BOOL and value not in {0, 1}):
        return value
    return back(value, kind)


def check_speed(speed: float) -> float:
    """Return how many seconds of the run pass in one; raises UsageError."""
    low, high = SPEEDS
    if not low <= speed <= high:
        raise UsageError(f"the speed is {speed:g}; it is from {low:g} to {high:g} seconds of the run in one")
    return speed


async def play(
    recording: Recording,
    runs: dict[str, Run],
    *,
    speed: float,
    on_row: Callable[[int, Row], None] = lambda _at, _row: None,
    clock: Callable[[], float] = time.monotonic,
) -> Played:
    """Log the rows in their time, each to its label's run."""
    begun, first = clock(), recording.rows[0].time
    late: list[float] = []
    kinds = recording.kinds
    for at, row in enumerate(recording.rows):
        due = begun + (row.time - first) / speed
        if (wait := due - clock()) > SOON_SECONDS:
            await asyncio.sleep(wait)
        elif at % DENSE_ROWS_MAX == 0:
            await asyncio.sleep(0)
        late.append(max(0.0, clock() - due))
        if is_sample(row):
            runs[row.label].sample(row.step, row.values)
        else:
            values = {key: as_logged(value, kinds.get(key, FLOAT)) for key, value in row.values.items()}
            runs[row.label].log(values, step=row.step, commit=True)
        on_row(at, row)
    return Played(len(recording.rows), late)


@contextmanager
def ended(runs: Sequence[Run]) -> Iterator[None]:
    """End the runs with the block: well, or as an exception ends a training."""
    code = 1
    try:
        yield
        code = 0
    finally:
        # The others first: whoever began the run speaks for it.
        for run in reversed(runs):
            run.finish(exit_code=code)
