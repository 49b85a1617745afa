"""A distribution: how many values fell between which edges."""

from __future__ import annotations

from typing import Any

from runcast.errors import UsageError
from runcast.events import Plain
from runcast.media.shelf import Shelf, WBValue
from runcast.rows import counted

BINS_MAX = 512  # As in W&B: more could not be told apart on a screen.


class Histogram(WBValue):
    """Counts between edges: of `sequence`, an array or anything of numbers, or `np_histogram` as numpy made it.

    Raises UsageError for more than 512 bins, and for counts and edges that do not fit each other.
    """

    def __init__(
        self,
        sequence: Any = None,
        np_histogram: tuple[Any, Any] | None = None,
        num_bins: int = 64,
    ) -> None:
        if np_histogram is not None:
            if len(np_histogram) != 2:
                raise UsageError("np_histogram is a tuple of two: counts, and edges")
            self.histogram: list[float] = [_number(value) for value in np_histogram[0]]
            self.bins: list[float] = [_number(value) for value in np_histogram[1]]
        elif sequence is not None:
            if not 1 <= num_bins <= BINS_MAX:
                raise UsageError(f"num_bins is {num_bins}; it is from 1 to {BINS_MAX}")
            counts, edges = counted(sequence, num_bins)
            self.histogram, self.bins = list(counts), edges
        else:
            raise UsageError("Histogram() needs a sequence, or np_histogram")
        if len(self.histogram) > BINS_MAX:
            raise UsageError(f"the histogram has {len(self.histogram)} bins; at most {BINS_MAX}")
        if len(self.histogram) + 1 != len(self.bins):
            raise UsageError(f"{len(self.histogram)} counts need {len(self.histogram) + 1} edges, not {len(self.bins)}")

    def shelve(self, shelf: Shelf) -> dict[str, Plain]:
        """Write it out: it needs no file."""
        del shelf
        return self.as_logged()

    def as_logged(self) -> dict[str, Plain]:
        """Write it as it stands in a row, as W&B does."""
        return {"_type": "histogram", "values": list(self.histogram), "bins": list(self.bins)}


def _number(value: Any) -> float:
    number = float(value)
    return int(number) if number.is_integer() else number
