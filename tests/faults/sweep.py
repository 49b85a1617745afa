"""Send what dead trainers left behind, as `runcast sync` does: `sweep.py RUNCAST_DIR REDIS_URL`."""

from __future__ import annotations

import sys
from pathlib import Path

from runcast.drain import drain

if __name__ == "__main__":
    report = drain(Path(sys.argv[1]), lambda: sys.argv[2], wait_seconds=20.0)
    print(len(report.runs), len(report.waiting), len(report.unreadable))
    sys.exit(1 if report.waiting or report.unreadable else 0)
