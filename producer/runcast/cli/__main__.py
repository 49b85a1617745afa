"""`python -m runcast.cli`: the command line of this very interpreter."""

from __future__ import annotations

from runcast.cli import main

main()
