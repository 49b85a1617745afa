"""What a subscriber wants to see: which runs, which metrics of them, and how wide a chart is. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from runcast.frames import Subscribe, Window
from runcast.names import ASIDE
from runcast_ingest.picture import Choice, Picker
from runcast_ingest.roster import Roster, RunInfo

PICTURE_POINTS_MAX = 1_000_000  # In one frame; of a thousand curves each gets fewer columns.
PX_MIN, PX_MAX = 16, 4000


class Interest:
    """What was asked for at first, and what is in view by now: `choice`."""

    def __init__(self, asked: Subscribe, roster: Roster) -> None:
        self._roster = roster
        self._runs = Choice(asked.runs)
        self.project, self.exact, self.history = asked.project, asked.exact, asked.history
        self.resume = asked.resume
        self.choice = Choice(asked.metrics)
        self._px = clamp_px(asked.px)
        self._picking: tuple[Choice, Picker] | None = None
        self._named: tuple[Choice | None, int, list[str]] = (None, 0, [])

    def look(self, window: Window) -> None:
        """Take in what is in view now."""
        self.choice, self._px = Choice(window.metrics), clamp_px(window.px)

    def wants(self, run: RunInfo) -> bool:
        """Whether a run is asked for; of those that were set aside, only what is named."""
        return run.id in self._runs and (ASIDE not in run.id or self._runs.names is not None)

    def aside(self) -> Sequence[str]:
        """Name the runs asked for that were set aside: no list has them."""
        return [name for name in self._runs.names or () if ASIDE in name]

    def names(self, choice: Choice) -> list[str] | None:
        """List the metrics that a choice means by now; None: all, whatever comes."""
        if choice.names is None:
            return None
        # A thousand runs ask the same of a thousand names; those only become more.
        known, count, names = self._named
        if known is not choice or count != len(self._roster.metrics):
            names = [name for name in self._roster.metrics if name in choice]
            self._named = choice, len(self._roster.metrics), names
        return names

    def width(self, names: Sequence[str] | None) -> int:
        """Say how many metrics a row may have."""
        return max(1, len(self._roster.metrics if names is None else names))

    def added(self, choice: Choice, before: Choice) -> Choice:
        """Choose what one choice has and another had not."""
        return Choice([name for name in self.names(choice) or self._roster.metrics if name not in before])

    def picker(self, choice: Choice) -> Picker:
        """Give what picks a choice's columns."""
        if choice is not self.choice:
            return Picker(choice, self._roster.metric_numbers)
        if self._picking is None or self._picking[0] is not choice:
            self._picking = choice, Picker(choice, self._roster.metric_numbers)
        return self._picking[1]

    def points_max(self, names: Sequence[str] | None, *, px: int | None, runs: int) -> int | None:
        """Say how many points a curve may have in a picture of so many runs; None: all there are."""
        if self.exact:
            return None
        curves = self.width(names) * runs
        return 4 * max(PX_MIN, min(px or self._px, PICTURE_POINTS_MAX // (4 * curves)))


def clamp_px(px: int) -> int:
    """Bound how many columns a picture has."""
    return max(PX_MIN, min(px, PX_MAX))
