"""`runcast stop`: end a training from elsewhere."""

from __future__ import annotations

import time

import click

from runcast.cli import table
from runcast.cli.place import server_option
from runcast.service import Service, run_path

WAIT_SECONDS_MAX = 10.0  # A training hears it within a second or two; what it does then may take as long as it likes.


@click.command()
@click.argument("run", metavar="PROJECT/RUN")
@server_option
def stop(run: str, server: str | None) -> None:
    """Ask a run to stop: its program gets a KeyboardInterrupt, as by Ctrl-C, on every machine that it runs on.

    RUN is the run's id, or its name if no other run of the project has it. One that was started with RUNCAST_STOP=0
    goes on.

    \b
    runcast stop mnist/k3v9x2ab
    """
    service = Service.find(server)
    path = run_path(*service.locate(run))
    asked = service.post(f"{path}/stop")["writers"]
    said = f"asked {asked} processes of" if asked > 1 else "asked"
    click.echo(f"{said} {table.plain(run)} to stop")
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while (found := service.get(path))["state"] == "running" and found["stopping"]:
        if time.monotonic() > deadline:
            click.echo(f"it still runs; `runcast show {table.plain(run)}` says when it has ended")
            return
        time.sleep(0.1)
    click.echo(f"it has {found['state']}" if found["state"] != "running" else "it was begun again")
