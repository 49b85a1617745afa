"""The whole way of an event in one thread, with every fault there is, from one seed.

The writers' windows (`runcast.window`) and the rules of what may be stored (`runcast_ingest.admission`) are the real
ones; journals, Redis, the store and the two services that compete for its shard are small models around them.
Checked after every step: a writer's stored events are the beginning of what it logged, each once and in order; no
journal lets go of an event before it is stored. Checked after the faults end: everything is stored, and soon.

A rule is shown to matter by leaving it out: see MUTANTS.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol
from unittest import mock

from runcast import window
from runcast.blocks import Item, drop_first
from runcast.events import Finish
from runcast.streams import START, StreamId
from runcast.window import Window
from runcast_ingest import admission
from runcast_ingest.admission import Admission, Shard, Verdict

PATH = "sim/run"
STEP_SECONDS = 0.02
BEAT_SECONDS = 5.0  # As the sender's.
WRITERS_MAX = 10
RECOVERY_SECONDS_MAX = 20.0  # After the last fault, while heartbeats pass through the shard.
QUIET_SECONDS_MAX = 60.0  # Where none do, the window's own patience decides.


class Violation(Exception):
    """The promise was broken: lost, doubled, out of order, let go too early, or stuck."""


@dataclass(frozen=True)
class Sent:
    """An entry as it stands in the stream."""

    id: StreamId
    writer: str
    first: int
    items: tuple[Item, ...]
    poison: bool = False

    @property
    def count(self) -> int:
        return len(self.items)


@dataclass
class Redis:
    """One shard's stream and ack hash. It may lose or forget anything, at any time."""

    ms: int = 1_000_000
    last: StreamId = START
    entries: list[Sent] = field(default_factory=list)
    acks: dict[str, int] = field(default_factory=dict)
    cursor: StreamId | None = None
    beat: int | None = None

    def add(self, writer: str, first: int, items: tuple[Item, ...], *, poison: bool) -> StreamId:
        """XADD: the id follows the clock, and never goes back while the stream lives."""
        self.last = max((self.ms, 0), (self.last[0], self.last[1] + 1))
        self.entries.append(Sent(self.last, writer, first, items, poison))
        return self.last


@dataclass
class Taken:
    """What a service has read and not yet stored: a batch, or a poison whose place is passed."""

    writer: str
    first: int
    last: int
    items: list[Item]


class Store(Protocol):
    """One transaction a method."""

    def lease(self, owner: str) -> tuple[int, StreamId]:
        """Take the shard from whoever has it."""

    def marks(self, writers: set[str]) -> dict[str, int]:
        """Read how far writers are stored."""

    def commit(self, epoch: int, cursor: StreamId, taken: list[Taken]) -> bool:
        """Store rows, marks and cursor, unless the lease is another's by now."""

    def stored(self, writer: str) -> list[Item]:
        """Read back what is stored of a writer, in the order of the commits."""


class ModelStore:
    """A store that keeps its word, as plain dictionaries."""

    def __init__(self) -> None:
        self.epoch = 0
        self.cursor = START
        self.rows: dict[str, list[Item]] = {}
        self.high: dict[str, int] = {}

    def lease(self, owner: str) -> tuple[int, StreamId]:
        self.epoch += 1
        return self.epoch, self.cursor

    def marks(self, writers: set[str]) -> dict[str, int]:
        return {writer: self.high.get(writer, 0) for writer in writers}

    def fenced(self, epoch: int) -> bool:
        return epoch != self.epoch

    def commit(self, epoch: int, cursor: StreamId, taken: list[Taken]) -> bool:
        if self.fenced(epoch):
            return False
        self.save_rows(taken)
        self.save_marks(taken)
        self.cursor = cursor
        return True

    def save_rows(self, taken: list[Taken]) -> None:
        for batch in taken:
            self.rows.setdefault(batch.writer, []).extend(batch.items)

    def save_marks(self, taken: list[Taken]) -> None:
        for batch in taken:
            self.high[batch.writer] = max(self.high.get(batch.writer, 0), batch.last)

    def stored(self, writer: str) -> list[Item]:
        return self.rows.get(writer, [])


class Writer:
    """A journal, and the processes that send it: usually one, sometimes a second one that took it for dead."""

    def __init__(self, name: str, now: float) -> None:
        self.name = name
        self.journal: list[Item] = []  # Every event ever logged; `freed` of them are gone from the disk.
        self.poison: set[int] = set()
        self.freed = 0
        self.senders = [Sender(now)]


class Sender:
    """One process's window over a journal."""

    def __init__(self, now: float, *, beats: bool = True) -> None:
        self.window = Window(now=now)
        self.beats = beats
        self.heard = now


class Service:
    """One ingest process: dead, or with what its lease let it read."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.shard: Shard | None = None
        self.taken: list[Taken] = []
        self.again: set[str] = set()  # Writers who sent what is stored: they have not heard of it.
        self.committed: dict[str, int] | None = None  # Marks of the last commit, to be published.
        self.published = 0

    def die(self) -> None:
        self.__init__(self.name)  # type: ignore[misc]


class Simulation:
    """One seed: some hundred steps with faults, then calm."""

    publish_first = False  # Mutants turn these.
    free_when_sent = False
    fork_shares_writer = False
    poison_blocks = False
    keep_shard = False
    tell_again = True
    die_between: Callable[[ModelStore, list[Taken]], None] | None = None

    def __init__(self, seed: int, store: Store | None = None) -> None:
        self.random = random.Random(seed)
        self.now = 0.0
        self.redis = Redis()
        self.store: Store = store if store is not None else ModelStore()
        self.writers: list[Writer] = []
        self.services = [Service("one"), Service("two")]
        self.logged = 0
        self.checked: dict[str, int] = {}
        for _ in range(self.random.randint(1, 4)):
            self.start_writer()

    # Writers.

    def start_writer(self) -> Writer:
        writer = Writer(f"{len(self.writers) + 1:016x}", self.now)
        self.writers.append(writer)
        return writer

    def log(self, writer: Writer) -> None:
        self.logged += 1
        writer.journal.append(Finish(self.logged, None))
        if self.random.random() < 0.01:
            writer.poison.add(len(writer.journal))

    def exchange(self, writer: Writer, sender: Sender, *, fault: str = "") -> None:
        """One round trip: add entries, read the acks. With a fault, it fails on the way there or back."""
        view = sender.window
        entries: list[tuple[int, int]] = []
        at = max(view.next, writer.freed + 1)
        while len(entries) < 3 and at <= len(writer.journal) and view.has_room():
            last = min(len(writer.journal), at + self.random.randint(0, 3))
            bad = next((sequence for sequence in range(at, last + 1) if sequence in writer.poison), None)
            if bad is not None:  # An entry is unreadable as a whole; ours hold one bad event alone.
                last = bad if bad == at else bad - 1
            entries.append((at, last))
            at = last + 1
        beat = not entries and sender.beats and self.now - sender.heard >= BEAT_SECONDS
        if fault == "request":
            entries = entries[: self.random.randint(0, len(entries))]
        ids = [self.add(writer, first, last) for first, last in entries]
        if beat:
            self.redis.add(writer.name, view.next, (), poison=False)
        if fault:
            view.go_back()
            return
        for (_, last), entry in zip(entries, ids, strict=True):
            view.sent(last, entry, 100)
            if self.free_when_sent:
                self.free(writer, last)
        if beat or entries:
            sender.heard = self.now
        beats = None if self.redis.beat is None else str(self.redis.beat)
        view.learn(mark=self.redis.acks.get(writer.name, 0), cursor=self.redis.cursor, beat=beats, now=self.now)
        self.free(writer, view.mark)

    def add(self, writer: Writer, first: int, last: int) -> StreamId:
        items = tuple(writer.journal[first - 1 : last])
        return self.redis.add(writer.name, first, items, poison=first in writer.poison)

    def free(self, writer: Writer, mark: int) -> None:
        stored = self.store.marks({writer.name})[writer.name]
        if mark > stored:
            raise Violation(f"{writer.name} lets go of its journal up to {mark}, stored is {stored}")
        writer.freed = max(writer.freed, mark)

    def fork(self, writer: Writer) -> None:
        """A child goes on logging: as a writer of its own."""
        if not self.fork_shares_writer:
            self.log(self.start_writer())
            return
        first = len(writer.journal) + 1
        self.log(writer)
        self.redis.add(writer.name, first, (Finish(-self.logged, None),), poison=False)

    # Services.

    def lease(self, service: Service) -> None:
        epoch, cursor = self.store.lease(service.name)
        if self.keep_shard and service.shard is not None:
            service.shard.epoch, service.shard.cursor = epoch, cursor
        else:
            service.shard = Shard(0, epoch, cursor)
        service.taken, service.again, service.committed = [], set(), None

    def read(self, service: Service) -> None:
        shard = service.shard
        if shard is None:
            return
        shard.check(self.redis.last)
        entries = [entry for entry in self.redis.entries if entry.id > shard.cursor][: self.random.randint(1, 5)]
        shard.learn(self.store.marks(shard.unknown(entry.writer for entry in entries)))
        for entry in entries:
            if entry.count and not (entry.poison and self.poison_blocks):
                self.take(service, shard, entry)
            shard.passed(entry.id)

    def take(self, service: Service, shard: Shard, entry: Sent) -> None:
        admitted = shard.admit(entry.writer, entry.first, entry.count)
        if admitted.verdict is Verdict.DUPLICATE:
            service.again.add(entry.writer)
        if admitted.verdict is not Verdict.TAKE:
            return
        items = [] if entry.poison else drop_first(entry.items, admitted.skip)
        first = entry.first + admitted.skip
        service.taken.append(Taken(entry.writer, first, entry.first + entry.count - 1, items))

    def commit(self, service: Service, *, dies: bool = False) -> None:
        shard = service.shard
        if shard is None:
            return
        marks = {taken.writer: taken.last for taken in service.taken}
        if self.publish_first:
            service.committed = marks
            self.publish(service)
        if dies:
            if self.die_between is not None and isinstance(self.store, ModelStore):
                type(self).die_between(self.store, service.taken)  # type: ignore[misc]
            service.die()
            return
        if not self.store.commit(shard.epoch, shard.cursor, service.taken):
            if not self.keep_shard:
                service.shard = None
            service.taken, service.again, service.committed = [], set(), None
            return
        if self.tell_again:
            marks = self.store.marks(service.again) | marks
        service.committed = {**(service.committed or {}), **marks}
        service.taken, service.again = [], set()
        self.check()

    def publish(self, service: Service) -> None:
        """Trim, then tell writers what is stored. A zombie may do so late."""
        if service.shard is None or service.committed is None:
            return
        cursor = service.shard.cursor
        if not service.taken:
            self.redis.entries = [
                entry for entry in self.redis.entries if entry.id > cursor or self.random.random() < 0.5
            ]
            self.redis.cursor = cursor
        self.redis.acks.update(service.committed)
        service.published += 1
        self.redis.beat = int(self.now) if self.redis.beat is None else self.redis.beat + 1
        service.committed = None

    # What may go wrong.

    def crash_writer(self, writer: Writer) -> None:
        """The process is gone; another drains its journal. Sometimes it was not gone."""
        if self.random.random() < 0.8:
            writer.senders.clear()
        writer.senders.append(Sender(self.now, beats=False))
        del writer.senders[:-2]

    def lose_tail(self) -> None:
        """A failover to a replica that lags, or a restart from an older file."""
        lost = self.random.randint(0, min(4, len(self.redis.entries)))
        if lost:
            del self.redis.entries[-lost:]
            self.redis.last = self.redis.entries[-1].id if self.redis.entries else START
        if self.random.random() < 0.3:
            self.forget_acks()

    def forget_acks(self) -> None:
        self.redis.acks, self.redis.cursor, self.redis.beat = {}, None, None

    def flush(self) -> None:
        self.redis.entries, self.redis.last = [], START
        self.forget_acks()

    def jump(self) -> None:
        self.redis.ms = max(1, self.redis.ms + self.random.choice([-(10**6), -5000, 5000, 10**6]))

    # Steps.

    def step(self, *, calm: bool) -> None:
        dice = self.random
        self.now += STEP_SECONDS
        self.redis.ms += int(STEP_SECONDS * 1000)
        writer, service, chance = dice.choice(self.writers), dice.choice(self.services), dice.random()
        if chance < 0.20:
            if not calm:
                self.log(writer)
        elif chance < 0.50:
            if writer.senders:
                fault = dice.choice(["request", "reply"]) if not calm and dice.random() < 0.15 else ""
                self.exchange(writer, dice.choice(writer.senders), fault=fault)
        elif chance < 0.68:
            self.read(service)
        elif chance < 0.82:
            self.commit(service, dies=not calm and dice.random() < 0.06)
        elif chance < 0.92:
            self.publish(service)
        elif chance < 0.95:
            if not calm or self.is_free():
                self.lease(service)
        elif not calm:
            self.fail(writer, service)

    def fail(self, writer: Writer, service: Service) -> None:
        chance = self.random.random()
        if chance < 0.22:
            self.crash_writer(writer)
        elif chance < 0.40:
            service.die()
        elif chance < 0.60:
            self.lose_tail()
        elif chance < 0.70:
            self.flush()
        elif chance < 0.82:
            self.jump()
        elif len(self.writers) < WRITERS_MAX:
            if self.random.random() < 0.6:
                self.fork(writer)
            else:
                self.start_writer()

    def is_free(self) -> bool:
        """Whether nobody who lives holds the lease; in calm, a living service keeps it."""
        store = self.store
        if isinstance(store, ModelStore):
            return not any(service.shard and service.shard.epoch == store.epoch for service in self.services)
        return not any(service.shard for service in self.services)

    def is_heard(self) -> bool:
        """Whether heartbeats will move the cursor past all that was sent: not where the clock was set back."""
        senders = [sender for writer in self.writers for sender in writer.senders]
        ahead = max((entry for sender in senders for _, entry, _ in sender.window._in_flight), default=START)
        return ahead < (self.redis.ms, 0) and any(sender.beats for sender in senders)

    # What is promised.

    def check(self) -> None:
        """What is stored of each writer is the beginning of what it logged."""
        for writer in self.writers:
            stored = self.store.stored(writer.name)
            begin = self.checked.get(writer.name, 0)
            want = self.wanted(writer)[begin : len(stored)]
            if stored[begin:] != want:
                raise Violation(f"{writer.name}: stored is not what was logged, from event {begin + 1} on")
            self.checked[writer.name] = len(stored)

    def wanted(self, writer: Writer) -> list[Item]:
        if not writer.poison:
            return writer.journal
        return [item for sequence, item in enumerate(writer.journal, 1) if sequence not in writer.poison]

    def unfinished(self) -> list[Writer]:
        return [writer for writer in self.writers if writer.freed < len(writer.journal)]

    def run(self) -> float:
        """Live through the seed; returns the seconds that everything took to be stored after the last fault."""
        for _ in range(self.random.randint(100, 400)):
            self.step(calm=False)
        for writer in self.writers:
            if not writer.senders:
                writer.senders.append(Sender(self.now, beats=False))
        calm_since = self.now
        limit = RECOVERY_SECONDS_MAX if self.is_heard() else QUIET_SECONDS_MAX
        while unfinished := self.unfinished():
            for _ in range(20):
                self.step(calm=True)
            if self.now - calm_since > limit:
                stuck = unfinished[0]
                raise Violation(f"{stuck.name}: {stuck.freed} of {len(stuck.journal)} stored and known, then stuck")
        self.check()
        for writer in self.writers:
            if self.store.stored(writer.name) != self.wanted(writer):
                raise Violation(f"{writer.name}: stored {len(self.store.stored(writer.name))} of {len(writer.journal)}")
        return self.now - calm_since


# The design with one rule left out, each.


class _NoFence(ModelStore):
    def fenced(self, epoch: int) -> bool:
        return False


def _taking(mark: int, first: int, count: int) -> Admission:
    return Admission(Verdict.TAKE, skip=max(0, mark + 1 - first))


def _without_contiguity(mark: int, first: int, count: int) -> Admission:
    if first + count - 1 <= mark:
        return Admission(Verdict.DUPLICATE)
    return _taking(mark, first, count)


def _without_duplicates(mark: int, first: int, count: int) -> Admission:
    return Admission(Verdict.GAP) if first > mark + 1 else Admission(Verdict.TAKE)


def _without_skipping(mark: int, first: int, count: int) -> Admission:
    whole = _ADMIT(mark, first, count)
    return Admission(whole.verdict)


_ADMIT = admission.admit
_LEARN = Window.learn


def _learn_without_cursor(self: Window, *, mark: int, cursor: StreamId | None, beat: str | None, now: float) -> None:
    _LEARN(self, mark=mark, cursor=None, beat=beat, now=now)


@dataclass(frozen=True)
class Mutant:
    """A way to leave one rule out."""

    rule: str
    changes: dict[str, object] = field(default_factory=dict)
    store: type[ModelStore] = ModelStore
    patch: Callable[[], AbstractContextManager[object]] = nullcontext
    seeds_max: int = 100  # Within so many it is caught.

    def simulation(self, seed: int) -> Simulation:
        """Make the design without the rule."""
        changed: type[Simulation] = type("Mutated", (Simulation,), self.changes)
        return changed(seed, self.store())


def patched(target: object, name: str, value: object) -> Callable[[], AbstractContextManager[object]]:
    """Replace something of the real code for as long as a mutant runs."""
    return lambda: mock.patch.object(target, name, value)


@contextmanager
def _never_stalled() -> Iterator[None]:
    with mock.patch.object(window, "STALLED_SECONDS", float("inf")):
        yield


MUTANTS = [
    Mutant("a commit needs the lease's epoch", store=_NoFence),
    Mutant("an entry above a hole is not stored", patch=patched(admission, "admit", _without_contiguity)),
    Mutant("an entry below the mark is not stored again", patch=patched(admission, "admit", _without_duplicates)),
    Mutant("of an entry across the mark only the rest is stored", patch=patched(admission, "admit", _without_skipping)),
    Mutant("a stream that began anew is read from the start", patch=patched(admission, "was_reset", lambda *_: False)),
    Mutant("a writer goes back when the reader has passed it", patch=patched(Window, "learn", _learn_without_cursor)),
    Mutant("a writer goes back when nothing is stored for long", patch=_never_stalled, seeds_max=1000),
    Mutant("a journal is freed when stored, not when sent", {"free_when_sent": True}),
    Mutant("marks are published after the commit", {"publish_first": True}),
    Mutant("rows and marks are one transaction", {"die_between": ModelStore.save_rows}),
    Mutant("a lease starts with the store's marks", {"keep_shard": True}),
    Mutant("a forked child is a new writer", {"fork_shares_writer": True}),
    Mutant("who sends what is stored is told so again", {"tell_again": False}),
    Mutant("the mark moves past what cannot be read", {"poison_blocks": True}),
]  # fmt: skip
