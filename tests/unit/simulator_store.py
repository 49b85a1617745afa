"""The real ledger, on a real SQLite file, in the place of the simulator's model store.

Each of the two simulated services has a ledger and a connection of its own, as two processes have.
"""

from __future__ import annotations

from pathlib import Path

from tests.unit.simulator import PATH, Taken

from runcast.blocks import Item
from runcast.streams import StreamId
from runcast.wire import decode_items
from runcast_ingest.batch import Batch
from runcast_ingest.store.checker import check
from runcast_ingest.store.codec import decompress
from runcast_ingest.store.ledger import Ledger
from runcast_ingest.store.records import POISON, Passed, QuarantineRecord, Work
from runcast_ingest.store.schema import prepare

STORED = """
SELECT level0.first, level0.data FROM level0 JOIN writer ON writer.key = level0.writer WHERE writer.id = ?
AND level0.first > ? ORDER BY level0.key
"""


class LedgerStore:
    """A store for `Simulation`."""

    def __init__(self, path: Path) -> None:
        self._ledgers = {owner: Ledger(prepare(path)) for owner in ("one", "two")}
        self._db = prepare(path)
        self._by_epoch: dict[int, Ledger] = {}
        self._received = 0
        self._stored: dict[str, list[Item]] = {}
        self._read_to: dict[str, int] = {}

    def lease(self, owner: str) -> tuple[int, StreamId]:
        """Take the shard, as if the other's time had run out."""
        self._db.execute("UPDATE lease SET until = 0")
        [lease] = self._ledgers[owner].lease([0], owner)
        self._by_epoch[lease.epoch] = self._ledgers[owner]
        return lease.epoch, lease.cursor

    def marks(self, writers: set[str]) -> dict[str, int]:
        """Read how far writers are stored."""
        return self._ledgers["one"].marks(list(writers))

    def commit(self, epoch: int, cursor: StreamId, taken: list[Taken]) -> bool:
        """Commit through the ledger of the service that had this epoch."""
        work = Work(cursors={0: cursor}, batches=[], passed=[], quarantine=[])
        for each in taken:
            self._received += 1
            entry = (self._received, 0)
            if each.items:
                work.batches.append(
                    Batch(PATH, each.writer, 0, each.first, each.last, each.items, entry, self._received)
                )
                continue
            work.passed.append(Passed(PATH, each.writer, 0, each.first, each.last))
            work.quarantine.append(
                QuarantineRecord(POISON, 0, entry, PATH, each.writer, each.first, each.last, "", self._received, 0)
            )
        return not self._by_epoch[epoch].commit(work, {0: epoch}).fenced

    def stored(self, writer: str) -> list[Item]:
        """Read level 0 on from where the last call ended."""
        seen = self._stored.setdefault(writer, [])
        for first, data in self._db.execute(STORED, (writer, self._read_to.get(writer, 0))).fetchall():
            items = decode_items(decompress(data))
            self._read_to[writer] = first + len(items) - 1
            seen += items
        return seen

    def problems(self) -> list[str]:
        """Ask what doctor asks: is each writer complete up to its mark?"""
        return check(self._db).problems

    def close(self) -> None:
        """Close the connections."""
        for ledger in self._ledgers.values():
            ledger.close()
        self._db.close()
