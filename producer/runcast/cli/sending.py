"""What commands that send have in common: where to, and how Ctrl-C stops them between two steps."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from runcast import discovery, settings, told
from runcast.delivery import locate
from runcast.errors import ServerMissing

url_option = click.option(
    "--url", metavar="REDIS", help="Where to send; default: RUNCAST_URL, else the server on this machine."
)


def destination(url: str | None, given: settings.Settings, *directories: Path) -> Callable[[], str | None]:
    """Say where to send, asked again and again: to that Redis, or to the server that one of the directories names.

    Raises UsageError for an address that is none, and ServerMissing when there is nowhere.
    """
    fixed = given.url if url is None else told.redis_url("--url", url)

    def find() -> str | None:
        if fixed is not None:
            return fixed
        found = next((found for each in directories if (found := discovery.read(each)) is not None), None)
        return found.redis if found is not None else None

    if find() is None:
        raise ServerMissing("nowhere to send to: start the service with `runcast up`, or set RUNCAST_URL or --url")
    return find


def service_of(
    find_url: Callable[[], str | None], given: settings.Settings, *directories: Path
) -> Callable[[], str | None]:
    """Say which service files are sent to, asked again and again: the one that stores what goes to that Redis."""
    return lambda: locate(find_url(), page_url=given.page_url, directories=directories)


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Give a question that Ctrl-C answers with yes, for as long as the block lasts."""
    interrupted = False

    def interrupt(*_: object) -> None:
        nonlocal interrupted
        interrupted = True

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield lambda: interrupted
    finally:
        signal.signal(signal.SIGINT, before)
