"""Runcast under the name of W&B's client; `runcast uninstall-shim` takes it away again."""

from runcast.shim.modules import answer

__version__ = "0.31.0"  # The release whose names it answers to; libraries ask for a least one.

answer(__name__, globals())
del answer
