"""`python -m runcast_ingest`: the service without the dashboard, as its environment says."""

from __future__ import annotations

import logging
import os
import sys

import uvloop

from runcast.errors import RuncastError
from runcast_ingest.ports import listen
from runcast_ingest.service import serve
from runcast_ingest.settings import Settings


def main() -> None:
    """Serve until a signal; status 1 and a sentence when that cannot be."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        settings = Settings.from_env(os.environ)
        with listen(settings.host, settings.port) as line:
            uvloop.run(
                serve(settings, line, on_ready=lambda found: print(f"runcast: serving at {found.url}", flush=True))
            )
    except RuncastError as error:
        sys.exit(f"runcast: {error}")


if __name__ == "__main__":
    main()
