"""A figure: what was measured, what it should be, and how far from what the machine itself can do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One line of the table. `limit` is the same work without Runcast, in the same unit."""

    name: str
    value: float
    unit: str
    target: float | None = None
    limit: float | None = None
    limit_name: str = ""
    more_is_better: bool = False
    note: str = ""

    @property
    def reached(self) -> bool:
        """Whether it is as good as it should be."""
        if self.target is None:
            return True
        return self.value >= self.target if self.more_is_better else self.value <= self.target

    @property
    def ratio(self) -> float | None:
        """How many times the limit this costs: 1 would be perfect."""
        if not self.limit or not self.value:
            return None
        return self.limit / self.value if self.more_is_better else self.value / self.limit

    def cells(self) -> tuple[str, ...]:
        """Write it as the cells of a table's row."""
        sign = "≥" if self.more_is_better else "≤"
        return (
            self.name,
            f"{shown(self.value)} {self.unit}",
            "" if self.target is None else f"{sign} {shown(self.target)} {self.unit}",
            "" if self.target is None else ("yes" if self.reached else "**no**"),
            "" if self.limit is None else f"{shown(self.limit)} {self.unit} ({self.limit_name})",
            "" if self.ratio is None else f"{self.ratio:.1f}×",
            self.note,
        )


HEADINGS = ("figure", "seen", "target", "reached", "physical limit beside it", "ratio", "how")


def shown(number: float) -> str:
    """Write a number with three digits that mean something."""
    if number >= 1e6:
        return f"{number / 1e6:.3g} M"
    if number >= 10_000:
        return f"{number / 1e3:.3g} k"
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"


def table(figures: list[Figure]) -> str:
    """Lay figures out as a table of Markdown, aligned so that a terminal shows it well too."""
    rows = [HEADINGS, *(figure.cells() for figure in figures)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(HEADINGS))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def percentile(values: list[float], share: float) -> float:
    """Give the value below which a share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
