"""The service as `runcast up` starts it: here until Ctrl-C, or left in the background."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

import click
import uvloop

from runcast import discovery, transport
from runcast.cli import table
from runcast.cli.background import LOG, launch, open_page
from runcast.cli.group import load
from runcast.cli.intake import intake
from runcast.discovery import Discovery
from runcast.errors import RuncastError, ServerMissing, UsageError
from runcast.service import Refused, Service
from runcast.settings import DIR, URL
from runcast.settings import directory as default_directory
from runcast_ingest.address import public
from runcast_ingest.lock import lock
from runcast_ingest.ports import listen
from runcast_ingest.service import address, serve
from runcast_ingest.settings import Settings

OTHER_SECONDS_MAX = 2.0  # For another service to answer; it is only asked whether it is there.

_log = logging.getLogger(__name__)

PASTE = """\
    import runcast as wandb
    wandb.init(project="my-project", config={"learning_rate": 0.01})
    wandb.log({"loss": 0.5})
"""


def start(directory: Path, host: str | None, port: int | None, *, bare: bool, detach: bool, opens: bool) -> None:
    """Serve until a signal comes, or leave a service behind that does."""
    settings = Settings.from_env(os.environ | {DIR: str(directory)}, host=host, port=port)
    try:
        with lock(settings.directory):
            pass  # Who has the directory is better news than who has the port.
    except OSError as error:
        raise UsageError(
            f"the directory {directory} cannot be used: {error.strerror}; choose another with --dir or {DIR}"
        ) from error
    if detach:
        _detach(settings, bare=bare, opens=opens)
    else:
        _serve(settings, bare=bare, opens=opens)


def _serve(settings: Settings, *, bare: bool, opens: bool) -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with ExitStack() as stack:
        line = stack.enter_context(listen(settings.host, settings.port))
        if (other := _other(settings, address(line))) is not None:
            _log.warning(
                "the service at %s stores what goes to this Redis too: each of the two takes what is the other's, and "
                "deletes it there; stop one of them, or give it another %s",
                other,
                URL,
            )
        app, lifespan = (None, None) if bare else load("runcast.cli.pages", "up").mounted(settings, line)

        def ready(found: Discovery) -> None:
            _greet(settings, found, bare=bare)
            if sys.stdout.isatty():
                click.echo("Ctrl-C stops it\n")
            stack.enter_context(intake(settings.directory, lambda: found.redis, token=settings.token, tell=_tell))
            if opens:
                open_page(found.url, always=True)

        async def work() -> None:
            if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
                # From within the loop: what interrupts it to raise another signal is heard twice, as if in a hurry.
                asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, os.kill, os.getpid(), signal.SIGTERM)
            await serve(settings, line, pages=app, pages_lifespan=lifespan, on_ready=ready)

        try:
            uvloop.run(work())
        except BaseExceptionGroup as group:
            raise _reason(group) from group
    click.echo("stopped; trainings go on, and keep what they log until the next `runcast up`")


def _other(settings: Settings, listening: str) -> str | None:
    """Find another service that lives on the same Redis; None for one that only lived there."""
    if settings.redis_url is None:
        return None
    try:
        found = transport.find_service(settings.redis_url)
        if found is not None and found != public(listening, is_local=settings.is_local, given=settings.public_url):
            Service(found, seconds_max=OTHER_SECONDS_MAX).get("/healthz")  # Without the token: it is not the other's.
            return found
    except Refused:
        return found  # It asks for its token, so it is there.
    except (ServerMissing, *transport.TROUBLE):
        return None
    return None


def _detach(settings: Settings, *, bare: bool, opens: bool) -> None:
    """Leave a service behind, and say where."""
    given = ["--host", settings.host, "--port", str(settings.port), *(["--no-dashboard"] if bare else [])]
    launch(settings.directory, given, os.environ)
    found = discovery.read(settings.directory)
    if found is None:
        raise RuncastError(f"the service of {settings.directory} is gone again; see {settings.directory / LOG}")
    _greet(settings, found, bare=bare)
    click.echo(f"it runs in the background, and writes to {settings.directory / LOG}; `runcast down` stops it")
    if opens:
        open_page(found.url, always=True)


def _greet(settings: Settings, found: Discovery, *, bare: bool) -> None:
    what = "the API and /live" if bare else "the dashboard"
    click.echo(f"{click.style(found.url, bold=True)}  {what}; everything is kept in {settings.directory}")
    if settings.token:
        click.echo("whoever opens it needs the token (RUNCAST_TOKEN or RUNCAST_TOKEN_FILE)")
    if settings.directory != default_directory(os.environ):
        click.echo(f"trainings and other commands find it with {DIR}={settings.directory}")
    click.echo(f"\n{PASTE}")


def _tell(said: str) -> None:
    click.echo(table.plain(said))


def _reason(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Find what can be said in a sentence among what a group of tasks raised; the whole group, if nothing can."""
    found: BaseException | None = group.subgroup(RuncastError)
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found or group
