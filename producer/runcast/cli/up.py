"""`runcast up`: the service and the dashboard in one process, on one port."""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack
from pathlib import Path

import click
import uvloop

from runcast import discovery
from runcast.cli.background import LOG, launch, open_page
from runcast.cli.group import load
from runcast.cli.intake import intake
from runcast.discovery import Discovery
from runcast.errors import RuncastError
from runcast.settings import DIR
from runcast_ingest.lock import lock
from runcast_ingest.ports import listen
from runcast_ingest.service import serve
from runcast_ingest.settings import Settings

PASTE = """\
    import runcast as wandb
    wandb.init(project="my-project", config={"learning_rate": 0.01})
    wandb.log({"loss": 0.5})
"""


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), help="The port; 0: any that is free.  [default: 8484]")
@click.option("--host", help="The address; others than loopback demand RUNCAST_TOKEN.  [default: 127.0.0.1]")
@click.option("--dir", "directory", type=click.Path(path_type=Path, file_okay=False), help="Instead of RUNCAST_DIR.")
@click.option("--no-dashboard", "bare", is_flag=True, help="The API and the live websocket alone.")
@click.option("--detach", is_flag=True, help="Leave it running in the background; `runcast down` stops it.")
@click.option("--open/--no-open", "opens", default=False, help="Open the dashboard in a browser.")
def up(port: int | None, host: str | None, directory: Path | None, *, bare: bool, detach: bool, opens: bool) -> None:
    """Start the service and the dashboard.

    Trainings on this machine find it by themselves. What they logged before is taken in, and so is what a training
    that was killed has left. Without RUNCAST_URL it brings its own stream server.

    \b
    runcast up
    runcast up --detach --port 8500
    RUNCAST_TOKEN_FILE=token runcast up --host 0.0.0.0
    """
    environ = os.environ | ({DIR: str(directory.absolute())} if directory is not None else {})
    settings = Settings.from_env(environ, host=host, port=port)
    if detach:
        _detach(settings, bare=bare, opens=opens)
        return
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with lock(settings.directory):
        pass  # Who has the directory is better news than who has the port.
    with ExitStack() as stack:
        line = stack.enter_context(listen(settings.host, settings.port))
        app, lifespan = (None, None) if bare else load("runcast.cli.pages", "up").mounted(settings, line)

        def ready(found: Discovery) -> None:
            _greet(settings.directory, found, bare=bare)
            stack.enter_context(intake(settings.directory, lambda: found.redis, tell=_tell))
            if opens:
                open_page(found.url, always=True)

        try:
            uvloop.run(serve(settings, line, pages=app, pages_lifespan=lifespan, on_ready=ready))
        except BaseExceptionGroup as group:
            raise _reason(group) from group
    click.echo("stopped; trainings go on, and keep what they log until the next `runcast up`")


def _detach(settings: Settings, *, bare: bool, opens: bool) -> None:
    """Leave a service behind, and say where."""
    given = ["--host", settings.host, "--port", str(settings.port), *(["--no-dashboard"] if bare else [])]
    launch(settings.directory, given)
    found = discovery.read(settings.directory)
    if found is None:
        raise RuncastError(f"the service of {settings.directory} is gone again; see {settings.directory / LOG}")
    _greet(settings.directory, found, bare=bare)
    click.echo(f"it runs in the background, and writes to {settings.directory / LOG}; `runcast down` stops it")
    if opens:
        open_page(found.url, always=True)


def _greet(directory: Path, found: Discovery, *, bare: bool) -> None:
    what = "the API and /live" if bare else "the dashboard"
    click.echo(f"{click.style(found.url, bold=True)}  {what}; everything is kept in {directory}")
    click.echo(f"\n{PASTE}")


def _tell(said: str) -> None:
    click.echo(said)


def _reason(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Find what can be said in a sentence among what a group of tasks raised; the whole group, if nothing can."""
    found: BaseException | None = group.subgroup(RuncastError)
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found or group
