"""Alerts: what trainings say themselves, and what their projects' rules say of them.

A rule is judged inside the transaction that stores what it judges, together with how it stands. So an alert is there
exactly once, whatever dies and begins again; and what a webhook is to hear is written down before anybody tries.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Struct, structs

from runcast import rules
from runcast.blocks import Block, Item
from runcast.errors import UsageError
from runcast.events import Alert, Finish, Start
from runcast.rules import DEFAULTS, FAILS, NAME_CHARS_MAX, RULES_MAX, SILENT, Rule
from runcast_ingest.episodes import CALM_SECONDS, WATCHES_MAX, Firing, Standing, Watch, ended, flush, judge, silent
from runcast_ingest.states import CRASHED, FAILED, RUNNING
from runcast_ingest.store.codec import Damaged, crc, fit, verify
from runcast_ingest.store.records import Alarm, AlertRecord
from runcast_ingest.store.standing import Run, Writer, failures

log = logging.getLogger(__name__)

PROJECTS_KEPT_MAX = 1000  # Projects whose rules are remembered.
DELIVERIES_MAX = 10_000  # Alerts that wait for a webhook; of more, the oldest are given up, and it is said.
NEWS_SECONDS = 86_400  # An alert that is older when it arrives, as of an imported run, is no news to a webhook.

ADD_ALERT = """
INSERT INTO alert(run, writer, time, step, level, title, text, rule, project)
VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING key
"""
RULES = "SELECT name, text, level, since FROM rule WHERE project = ? ORDER BY rowid"
SAVE_RULE = """
INSERT INTO rule(project, name, text, level, since) VALUES(?, ?, ?, ?, ?)
ON CONFLICT(project, name) DO UPDATE SET text = excluded.text, level = excluded.level, since = excluded.since
"""
DROP_RULE = "DELETE FROM rule WHERE project = ? AND name = ?"
READ_WATCH = "SELECT crc, data FROM watch WHERE run = ?"
SAVE_WATCH = """
INSERT INTO watch(run, crc, data) VALUES(?, ?, ?)
ON CONFLICT(run) DO UPDATE SET crc = excluded.crc, data = excluded.data
"""
ADD_DELIVERY = """
INSERT OR IGNORE INTO delivery(alert, refused, since) VALUES(?, 0, CAST(strftime('%s', 'now') AS INTEGER) * 1000000000)
"""
CUT_DELIVERIES = """
DELETE FROM delivery WHERE alert <= (SELECT alert FROM delivery ORDER BY alert DESC LIMIT 1 OFFSET ?)
"""
NEXT_DELIVERY = """
SELECT alert.time, alert.step, alert.level, alert.title, alert.text, coalesce(writer.label, ''), alert.rule, alert.key,
    project.name, run.id, run.name, delivery.since, delivery.refused
FROM delivery JOIN alert ON alert.key = delivery.alert JOIN run ON run.key = alert.run
    JOIN project ON project.key = run.project LEFT JOIN writer ON writer.key = alert.writer
ORDER BY delivery.refused > 0, delivery.alert LIMIT 1
"""


def _free(rule: Rule, known: Mapping[str, Rule]) -> str:
    """Find a name that no rule has that says something else."""
    name, number = rule.name, 1
    while name in known and known[name].text != rule.text:
        number += 1
        name = f"{rule.name[: NAME_CHARS_MAX - 3]}-{number}"
    return name


_documents = msgspec.msgpack.Decoder(Standing)


class Delivery(Struct, frozen=True):
    """An alert that the webhook has not heard of; times in ns since 1970."""

    alert: AlertRecord
    project: str
    run: str
    name: str  # The run's.
    since: int  # When it began to wait.
    refused: int  # When the receiver refused it first; 0: it did not.


def overlaid(rows: Iterable[tuple[str, str, str, int]]) -> list[Rule]:
    """Put a project's own rules over those that all have; one that cannot be read any more is left out, and said."""
    found = {rule.name: rule for rule in DEFAULTS}
    for name, text, level, since in rows:
        found.pop(name, None)
        try:
            if text:
                found[name] = structs.replace(rules.parse(text, name=name, level=level), since=since)
        except UsageError as error:
            log.error("a stored rule is left out: %s", error)
    return list(found.values())


class Sentry:
    """Judges what commits store; called inside the ledger's transactions."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._rules: dict[str, list[Rule]] = {}
        self.delivers = False  # Whether a webhook is to hear.
        self.given_up = 0  # Of what it was to hear, as too many waited.

    def forget(self) -> None:
        """Know no rules any more: they are read again when they are needed."""
        self._rules.clear()

    def take(self, run: Run, writer: Writer, items: Sequence[Item]) -> list[Alarm]:
        """Take in what a writer said: write down its alerts, and those of rules."""
        alarms: list[Alarm] = []
        known = self._rules_of(run)
        changed = False
        for item in items:
            firings: list[Firing] = []
            if isinstance(item, Block):
                firings, touched = self._judge(run, known, item, writer.label)
                changed |= touched
            elif isinstance(item, Alert):
                alarms.append(self._add(run, writer, item, ""))
            elif isinstance(item, Start) and run.state != RUNNING:
                self._standing(run).resumed(item.time)
                changed = True
            elif isinstance(item, Finish):
                firings = flush(self._standing(run), known)
                changed |= bool(firings)
            alarms += [self._fire(run, writer, firing) for firing in firings]
        if changed:
            self._save(run)
        return alarms

    def ended(self, run: Run, state: str) -> list[Alarm]:
        """Take in that a run is in another state."""
        failed = failures(run) if state in {CRASHED, FAILED} else []
        if not failed:
            return []
        # The launcher ends the others when one fails: who failed first is who is to blame.
        writer = failed[0]
        at, step = max(writer.last_time, writer.finished or 0), max(run.steps - 1, 0)
        known = self._rules_of(run)
        standing = self._standing(run)
        firings = flush(standing, known)
        for rule in known:
            if rule.kind != FAILS:
                continue
            firing = ended(rule, at, step, writer.exit_code)
            before = standing.watches.get(rule.key, {}).get(f"{writer.id}\n{firing.title}")
            # Who fell silent may be heard again, and then it is heard that it died: that is said already, unless it
            # trained on for a while.
            if before is None or standing.last - before.since >= CALM_SECONDS * 1_000_000_000:
                standing.watches[rule.key] = {f"{writer.id}\n{firing.title}": Watch(since=at, told=True)}
                firings.append(firing)
        alarms = [self._fire(run, writer, firing) for firing in firings]
        if alarms:
            self._save(run)
        return alarms

    def silent(self, run: Run, heard: int, seconds: float) -> tuple[list[Alarm], float | None]:
        """Take in that nothing was heard of a run for so long, since `heard`; says after how long to ask again.

        None: no rule of its project waits for longer.
        """
        waiting = [rule for rule in self._rules_of(run) if rule.kind == SILENT]
        later = [rule.seconds for rule in waiting if rule.seconds > seconds]
        due = [rule for rule in waiting if rule.seconds <= seconds]
        said = self._standing(run).watches if due and run.writers else {}
        alarms = []
        for rule in due if run.writers else ():
            before = said.get(rule.key, {}).get("")
            if before is not None and before.since > heard:
                continue  # It was said in this very silence.
            writer = max(run.writers.values(), key=lambda one: one.last_time)
            now = time.time_ns()
            said[rule.key] = {"": Watch(since=now, told=True)}
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

    def set_rule(self, project: str, rule: Rule, *, replace: bool = True) -> tuple[Rule, Rule | None]:
        """Give a project a rule, in the place of one with its name; raises UsageError.

        Without `replace` one that says something else keeps its name, and the new one gets another. Returns the rule
        as it is now, and the one whose place it took.
        """
        known = {each.name: each for each in self.rules(project)}
        if not replace:
            rule = structs.replace(rule, name=_free(rule, known))
        before = known.get(rule.name)
        if len(known) - (before is not None) >= RULES_MAX:
            raise UsageError(f"{project} has {RULES_MAX} rules, which is the most; remove one")
        # It counts from now on, unless it says what it said.
        rule = structs.replace(rule, since=before.since if before and before.text == rule.text else time.time_ns())
        self._rules.pop(project, None)
        self._db.execute(SAVE_RULE, (project, rule.name, rule.text, rule.level, rule.since))
        return rule, before

    def drop_rule(self, project: str, name: str) -> bool:
        """Take a rule away from a project; False when it has none of this name."""
        if all(rule.name != name for rule in self.rules(project)):
            return False
        self._rules.pop(project, None)
        if any(rule.name == name for rule in DEFAULTS):
            self._db.execute(SAVE_RULE, (project, name, "", "", 0))
        else:
            self._db.execute(DROP_RULE, (project, name))
        return True

    def next_delivery(self) -> Delivery | None:
        """Find the alert that the webhook is to hear next: the oldest; one that it refused after all others."""
        row = self._db.execute(NEXT_DELIVERY).fetchone()
        return Delivery(AlertRecord(*row[:8]), *row[8:]) if row else None

    def delivered(self, alert: int) -> None:
        """Note that the webhook heard of an alert, or never will."""
        self._db.execute("DELETE FROM delivery WHERE alert = ?", (alert,))

    def refused(self, alert: int, time: int) -> None:
        """Note that the webhook does not want an alert, the first time that it says so."""
        self._db.execute("UPDATE delivery SET refused = ? WHERE alert = ? AND refused = 0", (time, alert))

    def _rules_of(self, run: Run) -> list[Rule]:
        return self.rules(run.path.rpartition("/")[0])

    def _judge(self, run: Run, known: Sequence[Rule], block: Block, label: str) -> tuple[list[Firing], bool]:
        standing = self._standing(run)
        full = len(standing.full)
        firings: list[Firing] = []
        changed = False
        for rule in known:
            try:
                fired, touched = judge(standing, [rule], block, label)
            except Exception:
                # Whatever is wrong with a rule: the rows are stored, and the others judge them.
                log.exception("the rule %s of %s cannot be judged", rule.name, run.path)
                continue
            firings += fired
            changed |= touched
        if len(standing.full) > full:
            names = ", ".join(rule.name for rule in known if rule.key in standing.full[full:])
            log.warning("%s: %s follows the first %d curves, and none of the others", run.path, names, WATCHES_MAX)
        return firings, changed

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
        self._standing(run).keep({rule.key for rule in self._rules_of(run)})
        data = msgspec.msgpack.encode(run.standing)
        self._db.execute(SAVE_WATCH, (run.key, crc(data), data))

    def _fire(self, run: Run, writer: Writer, firing: Firing) -> Alarm:
        alert = Alert(firing.time, firing.title, firing.text, firing.rule.level, firing.step)
        return self._add(run, writer, alert, firing.rule.name)

    def _add(self, run: Run, writer: Writer, alert: Alert, rule: str) -> Alarm:
        said = (fit(alert.time), fit(alert.step), alert.level, alert.title, alert.text)
        key = self._db.execute(ADD_ALERT, (run.key, writer.key, *said, rule, run.project)).fetchone()[0]
        if self.delivers and time.time_ns() - alert.time < NEWS_SECONDS * 1_000_000_000:
            self._db.execute(ADD_DELIVERY, (key,))
            given_up = self._db.execute(CUT_DELIVERIES, (DELIVERIES_MAX,)).rowcount
            if given_up:
                self.given_up += given_up
                log.error("more than %d alerts wait for the webhook; gave %d up", DELIVERIES_MAX, given_up)
        return Alarm(run.path, AlertRecord(*said, writer.label, rule, key))
