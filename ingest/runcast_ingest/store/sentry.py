"""Alerts: what trainings say themselves, and what their projects' rules say of them.

A rule is judged inside the transaction that stores what it judges, together with how it stands. So an alert is there
exactly once, whatever dies and begins again; and what a webhook is to hear is written down before anybody tries.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from runcast import rules
from runcast.blocks import Block, Item
from runcast.errors import UsageError
from runcast.events import Alert
from runcast.rules import DEFAULTS, FAILS, RULES_MAX, SILENT, Rule
from runcast_ingest.episodes import Firing, Standing, Watch, ended, judge, silent
from runcast_ingest.states import CRASHED, FAILED
from runcast_ingest.store.codec import Damaged, crc, fit, verify
from runcast_ingest.store.records import Alarm, AlertRecord
from runcast_ingest.store.standing import Run, Writer

log = logging.getLogger(__name__)

PROJECTS_KEPT_MAX = 1000  # Projects whose rules are remembered.
DELIVERIES_MAX = 10_000  # Alerts that wait for a webhook; of more, the oldest are given up, and it is said.
NEWS_SECONDS = 86_400  # An alert that is older when it arrives, as of an imported run, is no news to a webhook.
ASKED_TO_END = {130, 143, 255}  # Exit codes of whoever was told to: by Ctrl-C, by a scheduler.

ADD_ALERT = """
INSERT INTO alert(run, writer, time, step, level, title, text, rule) VALUES(?, ?, ?, ?, ?, ?, ?, ?) RETURNING key
"""
RULES = "SELECT name, text, level FROM rule WHERE project = ? ORDER BY rowid"
SAVE_RULE = """
INSERT INTO rule(project, name, text, level) VALUES(?, ?, ?, ?)
ON CONFLICT(project, name) DO UPDATE SET text = excluded.text, level = excluded.level
"""
DROP_RULE = "DELETE FROM rule WHERE project = ? AND name = ?"
READ_WATCH = "SELECT crc, data FROM watch WHERE run = ?"
SAVE_WATCH = """
INSERT INTO watch(run, crc, data) VALUES(?, ?, ?)
ON CONFLICT(run) DO UPDATE SET crc = excluded.crc, data = excluded.data
"""
ADD_DELIVERY = "INSERT OR IGNORE INTO delivery(alert, tries, due) VALUES(?, 0, 0)"
CUT_DELIVERIES = """
DELETE FROM delivery WHERE alert <= (SELECT alert FROM delivery ORDER BY alert DESC LIMIT 1 OFFSET ?)
"""
NEXT_DELIVERY = """
SELECT alert.time, alert.step, alert.level, alert.title, alert.text, coalesce(writer.label, ''), alert.rule, alert.key,
    project.name, run.id, run.name, delivery.tries, delivery.due
FROM delivery JOIN alert ON alert.key = delivery.alert JOIN run ON run.key = alert.run
    JOIN project ON project.key = run.project LEFT JOIN writer ON writer.key = alert.writer
ORDER BY delivery.due, delivery.alert LIMIT 1
"""

_documents = msgspec.msgpack.Decoder(Standing)


class Delivery(Struct, frozen=True):
    """An alert that the webhook has not heard of; `due` in ns since 1970."""

    alert: AlertRecord
    project: str
    run: str
    name: str  # The run's.
    tries: int
    due: int


def overlaid(rows: Iterable[tuple[str, str, str]]) -> list[Rule]:
    """Put a project's own rules over those that all have; one that cannot be read any more is left out, and said."""
    found = {rule.name: rule for rule in DEFAULTS}
    for name, text, level in rows:
        found.pop(name, None)
        try:
            if text:
                found[name] = rules.parse(text, name=name, level=level)
        except UsageError as error:
            log.error("a stored rule is left out: %s", error)
    return list(found.values())


class Sentry:
    """Judges what commits store; called inside the ledger's transactions."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._rules: dict[str, list[Rule]] = {}
        self.delivers = False  # Whether a webhook is to hear.

    def forget(self) -> None:
        """Know no rules any more: they are read again when they are needed."""
        self._rules.clear()

    def take(self, run: Run, writer: Writer, items: Sequence[Item]) -> list[Alarm]:
        """Take in what a writer said: write down its alerts, and those of rules."""
        alarms: list[Alarm] = []
        project = run.path.rpartition("/")[0]
        known = self.rules(project)
        changed = False
        for item in items:
            if isinstance(item, Block):
                firings, touched = self._judge(run, known, item, writer.label)
                changed |= touched
                alarms += [self._fire(run, writer, firing) for firing in firings]
            elif isinstance(item, Alert):
                alarms.append(self._add(run, writer, item, ""))
        if changed:
            self._save(run)
        return alarms

    def ended(self, run: Run, state: str) -> list[Alarm]:
        """Take in that a run is in another state."""
        if state not in {CRASHED, FAILED} or run.exit_code in ASKED_TO_END or not run.writers:
            return []
        writer = max(run.writers.values(), key=lambda one: one.last_time)
        at, step = max(writer.last_time, writer.finished or 0), max(run.steps - 1, 0)
        said = self._standing(run).watches
        alarms = []
        for rule in self.rules(run.path.rpartition("/")[0]):
            # Who fell silent may be heard again, and then it is heard that it died: that is said already.
            if rule.kind == FAILS and writer.id not in said.get(rule.name, {}):
                said[rule.name] = {writer.id: Watch(told=True)}
                alarms.append(self._fire(run, writer, ended(rule, at, step, state, run.exit_code)))
        if alarms:
            self._save(run)
        return alarms

    def silent(self, run: Run, heard: int, seconds: float) -> tuple[list[Alarm], float | None]:
        """Take in that nothing was heard of a run for so long, since `heard`; says after how long to ask again.

        None: no rule of its project waits for longer.
        """
        waiting = [rule for rule in self.rules(run.path.rpartition("/")[0]) if rule.kind == SILENT]
        later = [rule.seconds for rule in waiting if rule.seconds > seconds]
        due = [rule for rule in waiting if rule.seconds <= seconds]
        said = self._standing(run).watches if due and run.writers else {}
        alarms = []
        for rule in due if run.writers else ():
            before = said.get(rule.name, {}).get("")
            if before is not None and before.since > heard:
                continue  # It was said in this very silence.
            writer = max(run.writers.values(), key=lambda one: one.last_time)
            now = time.time_ns()
            said[rule.name] = {"": Watch(since=now, told=True)}
            alarms.append(self._fire(run, writer, silent(rule, now, max(run.steps - 1, 0))))
        if alarms:
            self._save(run)
        return alarms, min(later, default=None)

    def rules(self, project: str) -> list[Rule]:
        """List a project's rules."""
        found = self._rules.get(project)
        if found is None:
            if len(self._rules) >= PROJECTS_KEPT_MAX:
                self._rules.clear()
            found = self._rules[project] = overlaid(self._db.execute(RULES, (project,)).fetchall())
        return found

    def set_rule(self, project: str, rule: Rule) -> None:
        """Give a project a rule, in the place of one with its name; raises UsageError."""
        if len([each for each in self.rules(project) if each.name != rule.name]) >= RULES_MAX:
            raise UsageError(f"{project} has {RULES_MAX} rules, which is the most; remove one")
        self._rules.pop(project, None)
        self._db.execute(SAVE_RULE, (project, rule.name, rule.text, rule.level))

    def drop_rule(self, project: str, name: str) -> bool:
        """Take a rule away from a project; False when it has none of this name."""
        if all(rule.name != name for rule in self.rules(project)):
            return False
        self._rules.pop(project, None)
        if any(rule.name == name for rule in DEFAULTS):
            self._db.execute(SAVE_RULE, (project, name, "", ""))
        else:
            self._db.execute(DROP_RULE, (project, name))
        return True

    def next_delivery(self) -> Delivery | None:
        """Find the alert that the webhook is to hear next."""
        row = self._db.execute(NEXT_DELIVERY).fetchone()
        return Delivery(AlertRecord(*row[:8]), *row[8:]) if row else None

    def delivered(self, alert: int) -> None:
        """Note that the webhook heard of an alert, or never will."""
        self._db.execute("DELETE FROM delivery WHERE alert = ?", (alert,))

    def postpone(self, alert: int, due: int) -> None:
        """Note that the webhook did not hear, and when it is tried again."""
        self._db.execute("UPDATE delivery SET tries = tries + 1, due = ? WHERE alert = ?", (due, alert))

    def _judge(self, run: Run, known: Sequence[Rule], block: Block, label: str) -> tuple[list[Firing], bool]:
        standing = self._standing(run)
        try:
            return judge(standing, known, block, label)
        except Exception:
            # Whatever is wrong with a rule: the rows are stored.
            log.exception("the rules of %s cannot be judged", run.path)
            return [], False

    def _standing(self, run: Run) -> Standing:
        if run.standing is None:
            row = self._db.execute(READ_WATCH, (run.key,)).fetchone()
            run.standing = Standing({}, {})
            if row is not None:
                try:
                    verify(f"the rules' standing with {run.path}", row[0], row[1])
                    run.standing = _documents.decode(row[1])
                except (Damaged, msgspec.MsgspecError) as error:
                    log.error("%s; its rules begin anew", error)
        return run.standing

    def _save(self, run: Run) -> None:
        data = msgspec.msgpack.encode(run.standing)
        self._db.execute(SAVE_WATCH, (run.key, crc(data), data))

    def _fire(self, run: Run, writer: Writer, firing: Firing) -> Alarm:
        alert = Alert(firing.time, firing.title, firing.text, firing.rule.level, firing.step)
        return self._add(run, writer, alert, firing.rule.name)

    def _add(self, run: Run, writer: Writer, alert: Alert, rule: str) -> Alarm:
        said = (fit(alert.time), fit(alert.step), alert.level, alert.title, alert.text)
        key = self._db.execute(ADD_ALERT, (run.key, writer.key, *said, rule)).fetchone()[0]
        if self.delivers and time.time_ns() - alert.time < NEWS_SECONDS * 1_000_000_000:
            self._db.execute(ADD_DELIVERY, (key,))
            given_up = self._db.execute(CUT_DELIVERIES, (DELIVERIES_MAX,)).rowcount
            if given_up:
                log.error("more than %d alerts wait for the webhook; gave %d up", DELIVERIES_MAX, given_up)
        return Alarm(run.path, AlertRecord(*said, writer.label, rule, key))
