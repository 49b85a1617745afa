"""An ingest service without its web side: `ingest.py DATABASE REDIS_URL [--without RULE]`.

Its lease is short, so that a pause of a second makes a zombie. `--without` leaves a rule of the design out, to prove
that the tests would notice.
"""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import signal
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from runcast_ingest import admission, persister
from runcast_ingest.admission import Admission, Verdict
from runcast_ingest.persister import Persister
from runcast_ingest.store import Store, ledger
from runcast_ingest.tail import Tail

LEASE_SECONDS, RENEW_SECONDS = 1.0, 0.3


def leave_out_fence() -> None:
    """Commit whatever epoch the lease has by now."""
    mock.patch.object(ledger, "FENCE", ledger.FENCE.replace("AND epoch = :epoch", "AND :epoch = :epoch")).start()


def leave_out_contiguity() -> None:
    """Take an entry above a hole."""

    def admit(mark: int, first: int, count: int) -> Admission:
        if first + count - 1 <= mark:
            return Admission(Verdict.DUPLICATE)
        return Admission(Verdict.TAKE, skip=max(0, mark + 1 - first))

    mock.patch.object(admission, "admit", admit).start()


RULES: dict[str, Callable[[], None]] = {"fence": leave_out_fence, "contiguity": leave_out_contiguity}


async def serve(database: Path, redis_url: str) -> None:
    """Store what comes, until SIGTERM."""
    mock.patch.object(ledger, "LEASE_SECONDS", LEASE_SECONDS).start()
    mock.patch.object(persister, "RENEW_SECONDS", RENEW_SECONDS).start()
    async with Store.open(database) as store:
        keeper = Persister(redis_url, store)
        tail = Tail(redis_url, store, keeper)
        work = asyncio.gather(tail.run(), keeper.run(), store.compact(), store.checkpoint())
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, work.cancel)
        try:
            await work
        except asyncio.CancelledError:
            return


def main() -> None:
    """Read the arguments and serve."""
    faulthandler.register(signal.SIGUSR1)
    parser = argparse.ArgumentParser()
    parser.add_argument("database", type=Path)
    parser.add_argument("redis_url")
    parser.add_argument("--without", choices=sorted(RULES))
    options = parser.parse_args()
    if options.without:
        RULES[options.without]()
    asyncio.run(serve(options.database, options.redis_url))


if __name__ == "__main__":
    main()
