"""How the service is: what `/readyz`, `/metrics` and the health page say. It asks its parts, and keeps nothing."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from runcast.names import apart
from runcast_ingest.api.answers import moment
from runcast_ingest.backlogs import Backlogs
from runcast_ingest.broadcast import Broadcast
from runcast_ingest.live import Live
from runcast_ingest.persister import Persister
from runcast_ingest.store import Stats, Store
from runcast_ingest.tail import Tail
from runcast_ingest.webhook import Webhook

DISK_FREE_MIN = 1_000_000_000  # Bytes.
DISK_SHARE_MIN = 0.03
LAG_SECONDS_MAX = 5.0  # A commit comes every tenth of a second.
BACKLOGS_NAMED_MAX = 3  # In words; the list has the others.
BACKLOGS_TOLD_MAX = 50  # Of one answer, the largest.
BEHIND_SECONDS_MAX = 30.0  # A trainer catches up sooner; the persister may pause for a checkpoint.
WEBHOOK_SECONDS_MAX = 10.0  # A receiver that begins again takes an alert with the second try or the third.
SILENT_SECONDS_MAX = 5.0  # The persister renews its leases and publishes every second when all is well.

Figure = tuple[str, str, float]  # Name, what it says, value.


@dataclass(frozen=True)
class Health:
    """The parts of a running service, to be asked."""

    store: Store
    tail: Tail
    persister: Persister
    broadcast: Broadcast
    live: Live
    backlogs: Backlogs
    started: float  # Seconds since 1970.
    webhook: Webhook | None = None

    def ready(self) -> tuple[bool, dict[str, Any]]:
        """Say whether events arrive and are stored, and the facts that this is judged by."""
        silent, idle = self._silent(), self._idle()
        troubles = []
        if not self.tail.connected:
            troubles.append("no answer from Redis")
        elif silent > SILENT_SECONDS_MAX:
            said = f": {self.persister.trouble}" if self.persister.trouble else ""
            troubles.append(f"no writer could be told what is stored for {silent:.0f} s{said}")
        if idle > SILENT_SECONDS_MAX:
            troubles.append(f"nothing could be stored for {idle:.0f} s")
        if self.tail.jammed:
            troubles.append(f"shards {self.tail.jammed} are jammed")
        return not troubles, {
            "status": "; ".join(troubles) or "ready",
            "redis": self.tail.connected,
            "shards": len(self.tail.shards),
            "waiting_bytes": self.persister.waiting_bytes,
            "viewers": self.live.sockets,
            "uptime_seconds": round(time.time() - self.started, 1),
        }

    async def measures(self, stats: Stats) -> dict[str, Any]:
        """Say how much there is of everything, and the counts whose growth over time is a rate."""
        tail = self.tail.stats
        disk = await asyncio.to_thread(shutil.disk_usage, self.store.path.parent)
        return {
            "now": time.time(),
            "events": stats.events,
            "entries": tail.entries,
            "duplicates": tail.duplicates,
            "resets": tail.resets,
            "reconnects": tail.reconnects,
            "frames": self.live.counts.frames,
            "frame_bytes": self.live.counts.bytes,
            "commits": stats.commits,
            "commit_seconds": stats.commit_ms / 1000,
            "stored_seconds_ago": round(self._idle(), 3),
            "published_seconds_ago": round(self._silent(), 3),
            "redis_said": self.persister.trouble,
            "lags": {str(shard): lag for shard, lag in sorted(self.tail.lags().items())},
            "backlogs": await self._behind(),
            "held_bytes": self.broadcast.hub.held_bytes,
            "level0_events": stats.level0_events,
            "runs": stats.runs,
            "database_bytes": stats.file_bytes + stats.wal_bytes,
            "disk_free_bytes": disk.free,
            "disk_bytes": disk.total,
            "damaged": stats.damaged,
            "quarantine_dropped": stats.quarantine_dropped,
            "webhook": self.alerting(stats),
        }

    def alerting(self, stats: Stats) -> dict[str, Any] | None:
        """Say how it stands with the webhook, if there is one."""
        if self.webhook is None:
            return None
        since = stats.delivery_since
        return {
            "host": self.webhook.host,
            "waiting": stats.deliveries,
            "since": None if since is None else moment(since),
            "seconds": 0.0 if since is None else round(max(0.0, time.time() - since / 1e9), 3),
            "said": self.webhook.said,
            "given_up": self.webhook.given_up + stats.deliveries_dropped,
        }

    def _silent(self) -> float:
        return time.monotonic() - self.persister.published_at

    def _idle(self) -> float:
        # While Redis is away and no shard is ours there is nothing to store.
        return time.monotonic() - self.persister.stored_at if self.tail.connected or self.tail.shards else 0.0

    async def _behind(self) -> list[dict[str, Any]]:
        """List the trainers that hold what is not stored, the largest first, and where they run."""
        found = []
        for backlog in self.backlogs.now()[:BACKLOGS_TOLD_MAX]:
            project, _, run = backlog.path.rpartition("/")
            record = await self.store.run(project, run)
            found.append(
                {
                    "run": backlog.path,
                    "name": record.name if record else run,
                    "host": record.host if record else "",
                    "writer": backlog.writer,
                    "events": backlog.events,
                    "bytes": backlog.bytes,
                    "seconds": backlog.seconds,
                }
            )
        return found

    def troubles(self, told: Mapping[str, Any], stats: Stats) -> list[dict[str, str]]:
        """Say in words what is wrong, the worst first, each with what to do next."""
        found = judge(told, self.tail.jammed, quarantined=sum(stats.quarantine.values()))
        return [
            {"level": level, "what": what, "next": step}
            for level, what, step in sorted(found, key=lambda each: each[0] != "error")
        ]

    async def report(self) -> bytes:
        """Write everything countable in Prometheus' text format."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Figures(self, await self.store.stats()))
        return generate_latest(registry)


def judge(told: Mapping[str, Any], jammed: Sequence[int], *, quarantined: int) -> Iterator[tuple[str, str, str]]:
    """Judge what was measured: a level, a sentence, and what to do next."""
    if not told["redis"]:
        yield (
            "error",
            "Redis does not answer.",
            "Trainings go on and keep everything in their journals. A private Redis is started again by itself; "
            "look at your own one, and at RUNCAST_URL.",
        )
    elif told["published_seconds_ago"] > SILENT_SECONDS_MAX:
        said = f': it says "{told["redis_said"][:200]}"' if told["redis_said"] else ""
        yield (
            "error",
            f"For {told['published_seconds_ago']:.0f} s Redis has not taken what trainers are to be told{said}.",
            "What they log is kept in their journals. If its memory is full, raise its maxmemory; if its disk is, make "
            "room there; if it is a read-only replica, name the primary in RUNCAST_URL.",
        )
    if told["stored_seconds_ago"] > SILENT_SECONDS_MAX:
        yield (
            "error",
            f"Nothing could be stored for {told['stored_seconds_ago']:.0f} s.",
            "Look at the service's log: mostly the disk is full, or somebody else holds the database.",
        )
    if jammed:
        yield (
            "error",
            f"Shards {', '.join(map(str, jammed))} are jammed: their last entry is more than an hour ahead of us.",
            "Somebody wrote to the stream by hand, or a clock was wrong. Correct the clock; the log names the entry.",
        )
    if told["disk_free_bytes"] < DISK_FREE_MIN or told["disk_free_bytes"] < told["disk_bytes"] * DISK_SHARE_MIN:
        yield (
            "warning",
            f"The disk of the store has {told['disk_free_bytes'] / 1e9:.1f} GB left.",
            "Make room, or move RUNCAST_DIR. When it is full, journals and streams hold what comes.",
        )
    if (worst := max(told["lags"].values(), default=0.0)) > LAG_SECONDS_MAX:
        yield (
            "warning",
            f"What is stored is {worst:.0f} s behind what was published.",
            "After an outage this goes by itself. If it stays, the machine is too slow for what is logged.",
        )
    for each in [each for each in told["backlogs"] if each["seconds"] > BEHIND_SECONDS_MAX][:BACKLOGS_NAMED_MAX]:
        where = f" on {apart(each['host'][:80])}" if each["host"] else ""
        yield (
            "warning",
            f"{apart(each['run'][:160])}{where} holds {each['bytes'] / 1e6:.3g} MB that was not stored "
            f"for {_span(each['seconds'])}.",
            "Nothing is lost: it lies in the journal on that machine. It is sent as fast as the service stores; "
            "if it does not shrink, look whether Redis takes what is published.",
        )
    if told["webhook"]:
        yield from _judge_webhook(told["webhook"])
    if told["damaged"]:
        yield (
            "error",
            f"{told['damaged']} stored blobs failed their checksum.",
            "Run `runcast doctor`; it names them.",
        )
    if quarantined:
        yield (
            "warning",
            f"{quarantined} entries could not be stored and are in quarantine.",
            "The list below has the reason of each. Gaps go by themselves when their trainer sends again.",
        )


def _judge_webhook(told: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    host, waiting, given_up = told["host"], told["waiting"], told["given_up"]
    if waiting and told["seconds"] > WEBHOOK_SECONDS_MAX:
        first = f"{', the first' if waiting > 1 else ''} for {_span(told['seconds'])}"
        said = f": {told['said']}" if told["said"] else ""
        yield (
            "warning",
            f"{_counted(waiting, 'alert waits', 'alerts wait')} for the webhook at {host}{first}{said}.",
            "Look at RUNCAST_WEBHOOK and at its receiver. What it refuses is tried for an hour; while it is away all "
            "wait, for a day.",
        )
    if given_up:
        were = "was" if given_up == 1 else "were"
        yield (
            "warning",
            f"{_counted(given_up, 'alert', 'alerts')} for the webhook at {host} {were} given up.",
            "The Alerts page has them; the log says why each was. This is said until the service begins again.",
        )


def _counted(count: int, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}"


def _span(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:.0f} h"
    )


class _Figures:
    """What Prometheus collects, read at one moment."""

    def __init__(self, health: Health, stats: Stats) -> None:
        self._health, self._stats = health, stats

    def collect(self) -> Iterator[Metric]:
        """Give each figure."""
        for name, text, value in self._gauges():
            yield GaugeMetricFamily(f"runcast_{name}", text, value=value)
        for name, text, value in self._counters():
            yield CounterMetricFamily(f"runcast_{name}", text, value=value)
        quarantine = GaugeMetricFamily("runcast_quarantine_entries", "Entries not stored, by reason", labels=["kind"])
        for kind, count in sorted(self._stats.quarantine.items()):
            quarantine.add_metric([kind], count)
        yield quarantine
        if alerting := self._health.alerting(self._stats):
            waiting, seconds, given_up = (float(alerting[key]) for key in ("waiting", "seconds", "given_up"))
            yield GaugeMetricFamily("runcast_webhook_waiting", "Alerts that the webhook has not taken", value=waiting)
            yield GaugeMetricFamily("runcast_webhook_waiting_seconds", "For how long the first waits", value=seconds)
            yield CounterMetricFamily("runcast_webhook_given_up", "Alerts that it never took", value=given_up)

    def _waiting(self, what: str) -> float:
        return float(sum(getattr(each, what) for each in self._health.backlogs.now()))

    def _gauges(self) -> list[Figure]:
        health, stats = self._health, self._stats
        return [
            ("ready", "1 when events arrive and are stored", float(health.ready()[0])),
            ("redis_connected", "1 when Redis answers", float(health.tail.connected)),
            ("shards", "Shards that this service reads", len(health.tail.shards)),
            ("shards_jammed", "Shards whose ids ran ahead of the clock", len(health.tail.jammed)),
            ("waiting_bytes", "Read from Redis and not stored yet", health.persister.waiting_bytes),
            ("journal_bytes", "Held by trainers that are behind, as they say", self._waiting("bytes")),
            ("journal_events", "Events that trainers hold and that are not stored", self._waiting("events")),
            ("held_bytes", "Held for live viewers", health.broadcast.hub.held_bytes),
            ("live_sockets", "Open live sockets", health.live.sockets),
            ("runs", "Runs in the store", stats.runs),
            ("writers", "Writers in the store", stats.writers),
            ("level0_events", "Events not compacted yet", stats.level0_events),
            ("database_bytes", "Size of the database", stats.file_bytes),
            ("database_wal_bytes", "Size of its write-ahead log", stats.wal_bytes),
            ("commit_seconds", "How long the last commit took", stats.commit_ms / 1000),
            ("start_time_seconds", "When the service started, since 1970", health.started),
        ]

    def _counters(self) -> list[Figure]:
        tail, stats, live = self._health.tail.stats, self._stats, self._health.live.counts
        return [
            ("events_stored", "Events in the store", stats.events),
            ("commits", "Commits of the store", stats.commits),
            ("entries_read", "Stream entries read", tail.entries),
            ("entries_duplicate", "Entries that were stored before", tail.duplicates),
            ("entries_gap", "Entries behind a hole", tail.gaps),
            ("entries_malformed", "Entries that nobody can read", tail.malformed + tail.poison),
            ("stream_resets", "Streams that began again", tail.resets),
            ("redis_reconnects", "Connections to Redis lost", tail.reconnects),
            ("quarantine_dropped", "Entries not stored and not kept either", stats.quarantine_dropped),
            ("blobs_damaged", "Stored blobs whose crc failed", stats.damaged),
            ("live_sockets_opened", "Live sockets ever opened", live.opened),
            ("live_sockets_refused", "Live sockets closed for what they said", live.refused),
            ("live_frames", "Frames sent", live.frames),
            ("live_bytes", "Bytes of frames sent", live.bytes),
        ]
