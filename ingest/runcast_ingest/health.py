"""How the service is: what `/readyz`, `/metrics` and the health page say. It asks its parts, and keeps nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from runcast_ingest.broadcast import Broadcast
from runcast_ingest.live import Live
from runcast_ingest.persister import Persister
from runcast_ingest.store import Stats, Store
from runcast_ingest.tail import Tail

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
    started: float  # Seconds since 1970.

    def ready(self) -> tuple[bool, dict[str, Any]]:
        """Say whether events arrive and are stored, and the facts that this is judged by."""
        now = time.monotonic()
        silent, idle = now - self.persister.published_at, now - self.persister.stored_at
        troubles = []
        if not self.tail.connected:
            troubles.append("no answer from Redis")
        elif silent > SILENT_SECONDS_MAX:
            troubles.append(f"no writer could be told what is stored for {silent:.0f} s")
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

    async def report(self) -> bytes:
        """Write everything countable in Prometheus' text format."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Figures(self, await self.store.stats()))
        return generate_latest(registry)


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

    def _gauges(self) -> list[Figure]:
        health, stats = self._health, self._stats
        return [
            ("ready", "1 when events arrive and are stored", float(health.ready()[0])),
            ("redis_connected", "1 when Redis answers", float(health.tail.connected)),
            ("shards", "Shards that this service reads", len(health.tail.shards)),
            ("shards_jammed", "Shards whose ids ran ahead of the clock", len(health.tail.jammed)),
            ("waiting_bytes", "Read from Redis and not stored yet", health.persister.waiting_bytes),
            ("held_bytes", "Held for live viewers", health.broadcast.hub.held_bytes),
            ("live_sockets", "Open live sockets", health.live.sockets),
            ("runs", "Runs in the store", stats.runs),
            ("writers", "Writers in the store", stats.writers),
            ("level0_rows", "Rows not compacted yet", stats.level0_rows),
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
