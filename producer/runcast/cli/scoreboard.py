"""What `runcast top` shows: a project's runs as lines of text, each with the course of one metric. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import click

from runcast.cli import table
from runcast.closing import bars
from runcast.subscription import Row, RunUpdate

RUNS_MAX = 2000
VALUES_MAX = 400  # Of one run; a drawing has forty bars.
RATE_SECONDS = 5.0  # Rows a second are counted over so long.
NAME_WIDTH, NUMBER_WIDTH = 26, 11
KEYS_HELP = "q end   m M metric   a all or running   ↑↓ scroll"
_MARKS = {"running": ("●", "green"), "finished": ("✓", None), "failed": ("✗", "red"), "crashed": ("✗", "red")}


class _Line:
    def __init__(self, update: RunUpdate) -> None:
        self.update = update
        self.values: deque[float] = deque(maxlen=VALUES_MAX)
        self.last: float | None = None
        self.rows: deque[float] = deque(maxlen=4096)  # When they came.


class Scoreboard:
    """The runs of a project, as they are heard of."""

    def __init__(self, project: str, metric: str = "") -> None:
        self.project = project
        self.metrics: list[str] = []
        self.metric = metric
        self._chosen = bool(metric)  # By somebody; else it is loss, or the first.
        self.everything = False  # Show those that have ended too.
        self.top = 0  # How many runs are scrolled past.
        self.away = ""
        self._lines: dict[str, _Line] = {}

    def hear(self, update: RunUpdate) -> None:
        """Take in a run's state."""
        line = self._lines.get(update.run)
        if line is None:
            if len(self._lines) >= RUNS_MAX:
                return
            line = self._lines[update.run] = _Line(update)
        line.update = update
        for name in update.summary:
            self._meet(name)

    def take(self, row: Row, now: float) -> None:
        """Take in a row."""
        line = self._lines.get(row.run)
        if line is None:
            return
        line.rows.append(now)
        for name in row.values:
            self._meet(name)
        if (value := row.values.get(self.metric)) is not None:
            line.last = value
            line.values.append(value)

    def preload(self, metric: str, run: str, values: Iterable[float | None]) -> None:
        """Begin a run's course with what was before, unless another metric is shown by now."""
        line = self._lines.get(run)
        if line is not None and not line.values and metric == self.metric:
            line.values.extend(value for value in values if value is not None)

    def turn(self, by: int) -> None:
        """Show another metric."""
        if self.metrics:
            at = self.metrics.index(self.metric) if self.metric in self.metrics else 0
            self._chosen = True
            self.metric = self.metrics[(at + by) % len(self.metrics)]
            for line in self._lines.values():
                line.values.clear()
                line.last = None

    @property
    def runs(self) -> list[RunUpdate]:
        """All runs: those that run first, then the newest."""
        every = [line.update for line in self._lines.values()]
        return sorted(every, key=lambda run: (run.state != "running", -run.created))

    @property
    def shown(self) -> list[RunUpdate]:
        """The runs that are listed."""
        return [run for run in self.runs if self.everything or run.state == "running"]

    def draw(self, columns: int, rows: int, now: float) -> list[str]:
        """Write it as at most so many lines, none wider than the terminal."""
        runs = self.shown
        states = [line.update.state for line in self._lines.values()]
        counted = table.count(states.count("running"), "run is running", "runs are running")
        head = f"{table.plain(self.project)}   {counted}, {len(states) - states.count('running')} ended"
        away = "   the service is away; waiting for it" if self.away else ""
        # Cut first: what styles a text has no width, but would be cut too.
        whole = table.clip(head + away, columns)
        head, away = whole[: len(head)], whole[len(head) :]
        room = max(1, rows - 3)
        self.top = max(0, min(self.top, len(runs) - room))
        width = max(4, min(40, columns - NAME_WIDTH - 2 * NUMBER_WIDTH - 13))
        metric = table.clip(table.plain(self.metric) or "–", width)
        title = f"  {'run':<{NAME_WIDTH}} {'steps':>9} {'rows/s':>8}  {table.pad(metric, width)}"
        lines = [
            head + (click.style(away, fg="red") if away else ""),
            click.style(table.clip(title, columns), dim=True),
        ]
        lines += [self._run(run, columns, width, now) for run in runs[self.top : self.top + room]]
        if not runs:
            lines.append(table.clip("  nothing runs; press a to see what has ended, or log a row", columns))
        lines += [""] * (rows - 1 - len(lines))
        return [*lines[: rows - 1], click.style(table.clip(KEYS_HELP, columns), dim=True)]

    def _run(self, run: RunUpdate, columns: int, width: int, now: float) -> str:
        line = self._lines[run.run]
        while line.rows and now - line.rows[0] > RATE_SECONDS:
            line.rows.popleft()
        mark, color = _MARKS.get(run.state, ("?", None))
        name = table.clip(table.plain(run.name), NAME_WIDTH)
        rate = f"{len(line.rows) / RATE_SECONDS:.1f}" if run.state == "running" else ""
        last = line.last if line.last is not None else run.summary.get(self.metric)
        values = list(line.values)
        if len(values) > width:
            values = [values[(at + 1) * len(values) // width - 1] for at in range(width)]
        course = bars(values)
        value = "" if last is None else table.plain(table.number(last))
        said = f"{table.pad(name, NAME_WIDTH)} {run.steps:>9} {rate:>8}  {course:<{width}} {value}"
        return click.style(mark, fg=color) + " " + table.clip(said, columns - 2)

    def _meet(self, name: str) -> None:
        if name.startswith("_") or name in self.metrics or len(self.metrics) >= RUNS_MAX:
            return
        self.metrics.append(name)
        if not self._chosen and (not self.metric or name == "loss"):
            self.metric = name
