"""Where runs are kept: one SQLite file, written by one thread, read by anyone."""

from runcast_ingest.store.records import (
    Alarm,
    CheckReport,
    Committed,
    Curve,
    KeyRecord,
    Lease,
    Passed,
    ProjectRecord,
    QuarantineRecord,
    Replaced,
    RunRecord,
    Series,
    Stats,
    View,
    Work,
    WriterRecord,
)
from runcast_ingest.store.sentry import Delivery
from runcast_ingest.store.store import Store

__all__ = [
    "Alarm",
    "CheckReport",
    "Committed",
    "Curve",
    "Delivery",
    "KeyRecord",
    "Lease",
    "Passed",
    "ProjectRecord",
    "QuarantineRecord",
    "Replaced",
    "RunRecord",
    "Series",
    "Stats",
    "Store",
    "View",
    "Work",
    "WriterRecord",
]
