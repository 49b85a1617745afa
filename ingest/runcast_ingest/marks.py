"""What writers are to be told: how far each is stored, whether it is to stop, and who has not heard it yet. Pure.

Each is a field of its shard's ack hash and a number that only rises, so that one rule tells all of them.

A writer that was quiet for long, and was told everything, is forgotten: should it come back, its mark is read from
the store. So what is known here, and what stands in Redis, does not grow with the runs that ever were.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping


class Marks:
    """The marks of the writers of the shards that are ours."""

    def __init__(self) -> None:
        self._marks: dict[int, dict[str, int]] = {}  # By shard: every mark stored or read lately.
        self._untold: dict[int, set[str]] = {}
        self._heard: dict[int, set[str]] = {}  # Since the last sweep.

    def __len__(self) -> int:
        """How many writers are known."""
        return sum(map(len, self._marks.values()))

    def lease(self, shard: int) -> None:
        """Begin with a shard: what was known of it is gone."""
        self._marks[shard], self._untold[shard], self._heard[shard] = {}, set(), set()

    def drop(self, shard: int) -> None:
        """Be done with a shard."""
        for held in (self._marks, self._untold, self._heard):
            held.pop(shard, None)

    def of(self, shard: int) -> Mapping[str, int]:
        """Say what is known of a shard's writers."""
        return self._marks.get(shard, {})

    def learn(self, shard: int, writer: str, mark: int) -> None:
        """Take in a mark that the store has: its writer may wait for it."""
        if mark and shard in self._marks and self._marks[shard].get(writer, 0) <= mark:
            self._marks[shard][writer] = mark
            self._untold[shard].add(writer)
            self._heard[shard].add(writer)

    def repeat(self, shard: int, writer: str) -> None:
        """Tell a writer again."""
        if writer in self._marks.get(shard, {}):
            self._untold[shard].add(writer)
            self._heard[shard].add(writer)

    def repeat_all(self, shard: int | None = None) -> None:
        """Tell every writer again, of one shard or of all: what Redis knew may be gone."""
        for number in self._marks if shard is None else [shard]:
            self._untold[number] = set(self._marks[number])

    def untold(self) -> dict[int, dict[str, int]]:
        """List by shard what is still to be told."""
        return {shard: {name: self._marks[shard][name] for name in names} for shard, names in self._untold.items()}

    def told(self, said: Mapping[int, Mapping[str, int]]) -> None:
        """Take note that these marks were told; those that rose meanwhile were not."""
        for shard, marks in said.items():
            if shard in self._untold:
                current = self._marks[shard]
                self._untold[shard] -= {name for name, mark in marks.items() if current.get(name) == mark}

    def sweep(self, busy: Collection[str]) -> None:
        """Forget who was not heard of since the last sweep, has nothing under way and nothing to be told."""
        for shard, marks in self._marks.items():
            for writer in marks.keys() - self._heard[shard] - self._untold[shard] - set(busy):
                del marks[writer]
            self._heard[shard] = set()
