"""Which run a new writer writes to, when its id was used before: what is there is set aside, never overwritten.

A run that is set aside keeps its key, and so its rows, under the id `ID~1`, `ID~2` …; its writers stay with it, however
late they speak. A run may have a base: another one, whose rows up to a step come before its own. Nothing is copied: the
base is a pointer, and readers follow it. It is called inside the ledger's transactions.
"""

from __future__ import annotations

from runcast.events import FRESH, JOIN, REWIND, Start
from runcast_ingest.batch import Batch
from runcast_ingest.states import RUNNING
from runcast_ingest.store.records import Replaced
from runcast_ingest.store.register import Register
from runcast_ingest.store.standing import METRICS, Run, ends

AT_ONCE_SECONDS_MAX = 5.0  # Between two `init` with one id whose first words may overtake each other.
JOB_SECONDS_MAX = 600.0  # Between the first rank's `init` and the last one's: machines are slow to start in turn.


def place(register: Register, batch: Batch) -> tuple[Run, Replaced | None]:
    """Find the run that a batch belongs to, made where there is none; says what was set aside for it."""
    run = register.run(batch.path)
    if run is not None and batch.writer in run.writers:
        return run, None
    if (home := register.home(batch.path, batch.writer)) is not None:
        return home, None
    start = batch.items[0] if batch.first == 1 and isinstance(batch.items[0], Start) else None
    if run is None:
        run = register.new_run(batch.path, batch.shard, batch.received)
        if start is not None:
            run.beginning = start.beginning
            _inherit(run, register.run(start.base) if start.base else None, start.base_step)
        return run, None
    if start is None or not run.details or not start.beginning or start.beginning == run.beginning:
        return run, None
    if (one := register.begun(run, start.beginning)) is not None:
        return one, None
    if _is_of_its_job(run, start):
        return run, None
    if start.beginning < (run.beginning or run.created):
        if not run.beginning:
            run.beginning = start.beginning  # Those who joined it were faster than who began it.
            return run, None
        if start.begin == FRESH and lives(run) and run.beginning - start.beginning < AT_ONCE_SECONDS_MAX * 10**9:
            run.beginning = start.beginning  # Two at once, as below, of whom the second was faster.
            return run, None
        # It waited in a journal while a later one began: that one has the id.
        return _aside(register, run, start, batch), None
    if start.begin == JOIN or (start.begin == FRESH and lives(run)):
        return run, None  # Two at once are two writers of one run.
    base = run if start.begin == REWIND else register.run(start.base) if start.base else None
    writers = tuple(writer.id for writer in run.writers.values() if writer.finished is None)
    register.set_aside(run)
    new = register.new_run(batch.path, batch.shard, batch.received)
    new.beginning = start.beginning
    _inherit(new, base, start.base_step)
    return new, Replaced(batch.path, new.key, run.path, writers)


def _aside(register: Register, run: Run, start: Start, batch: Batch) -> Run:
    """Make a run that was never the latest of its id."""
    project = batch.path.rpartition("/")[0]
    aside = register.new_run(f"{project}/{register.free_id(run)}", batch.shard, batch.received)
    aside.aside, aside.beginning = 1, start.beginning
    return aside


def _is_of_its_job(run: Run, start: Start) -> bool:
    """Whether a run was begun by another rank of the same job, or by a child of one.

    Each rank begins the run anew, and any of them is heard first. A rank of another job has a label that one of the
    run's writers has already, or began at another time; a child has the time at which its parent began.
    """
    if any(writer.first_time == start.beginning for writer in run.writers.values()):
        return True
    apart = abs(start.beginning - (run.beginning or run.created))
    return (
        start.begin == FRESH
        and start.label != ""
        and apart < JOB_SECONDS_MAX * 10**9
        and all(writer.label not in ("", start.label) for writer in run.writers.values())
    )


def lives(run: Run) -> bool:
    """Whether somebody writes to a run, as far as is known."""
    return run.state == RUNNING and any(not end.ended for end in ends(run))


def _inherit(run: Run, base: Run | None, step: int) -> None:
    """Let a run begin where another one was at a step."""
    if base is None:
        return
    run.base, run.base_step = base.key, step
    run.steps = min(base.steps, step + 1)
    if METRICS in base.details:
        run.inherited = {METRICS: base.details[METRICS]}
    if step >= base.steps - 1:
        run.summary = dict(base.summary)  # Else what stood there at that step is in the rows alone.
