"""`runcast replay`: a stored run, logged again in its own time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import click

import runcast
from runcast import replay as replaying
from runcast.cli import table
from runcast.cli.place import server_option
from runcast.errors import RuncastError
from runcast.names import NAME_CHARS_MAX, new_run_id
from runcast.replay import Played, Recording, Start
from runcast.run import Run
from runcast.service import Service
from runcast.subscription import Row, subscribe

TELL_SECONDS = 1.0
REPLAYED = " (replay)"
# What surrounds this process is not what surrounded the run, and what its environment says is of another training: the
# new run is nobody's but its own, keeps every row, and speaks for itself.
_ALONE = {
    "console": "off",
    "x_disable_stats": True,
    "x_disable_meta": True,
    "disable_git": True,
    "config_paths": (),
    "strict_steps": False,
    "sweep_id": "",
    "sync_tensorboard": False,
    "x_primary": True,
    "x_update_finish_state": True,
}


@click.command()
@click.argument("what", metavar="PROJECT/RUN")
@click.option("--speed", type=float, default=1.0, show_default=True, help="Seconds of the run that pass in one second.")
@click.option("--as", "name", metavar="NAME", help="The name of the new run; default the old one's, and `(replay)`.")
@click.option("--to", "url", metavar="URL", help="Publish to this Redis instead of to this machine's service.")
@click.option(
    "--from",
    "start",
    metavar="STEP|TIME",
    default="0",
    help="Leave out what was logged before: a step, or a time in the run, such as 90s or 1:02:03.",
)
@server_option
def replay(what: str, speed: float, name: str | None, url: str | None, start: str, server: str | None) -> None:
    """Log a run again, as a new run: in the same order, at the same pace or faster, for whoever watches.

    RUN is a run's id, or its name if no other run of the project has it. Its pictures and files are not logged again.

    \b
    runcast replay mnist/k3v9x2ab --speed 20
    runcast replay mnist/k3v9x2ab --speed 600 --as "as it happened"
    runcast replay mnist/k3v9x2ab --from 1:30:00             an hour and a half into the run
    """
    replaying.check_speed(speed)
    begin = Start.parse(start)
    service = Service.find(server)
    project, run = service.locate(what)
    updates = subscribe(project, run, samples=True, url=service.url if server else None, token=service.token)
    recording = asyncio.run(replaying.record(updates, begin))
    old = recording.update
    length = table.duration(recording.seconds)
    took = table.duration(recording.seconds / speed)
    click.secho(
        f"{table.plain(old.name)}: {len(recording.rows):,} rows of {length}, in {took} at {speed:g}×",
        dim=True,
        err=True,
    )
    runs = _begin(recording, project, name or renamed(old.name), url)
    with replaying.ended(list(runs.values())):
        played = asyncio.run(replaying.play(recording, runs, speed=speed, on_row=_progress(len(recording.rows))))
    click.echo(_said(played))
    if left := [run for run in runs.values() if not run.stored]:
        raise RuncastError(f"not all of the replay has arrived; the rest waits in {left[0].journal_directory}")


def renamed(name: str) -> str:
    """Call the new run after the old one, whose name may be as long as a name may be."""
    return name[: NAME_CHARS_MAX - len(REPLAYED)] + REPLAYED


def _begin(recording: Recording, project: str, name: str, url: str | None) -> dict[str, Run]:
    """Begin the new run, with a writer for each process of the old one."""
    old, runs, run_id = recording.update, dict[str, Run](), new_run_id()
    for label in recording.labels:
        runs[label] = runcast.init(
            project=project,
            name=name,
            id=run_id,
            config={**old.config, "replay_of": old.run},
            mode="shared" if runs else "online",
            reinit="create_new",
            resume=False,
            resume_from="",
            fork_from="",
            settings={"x_label": label, "x_url": url, **_ALONE},
        )
    return runs


def _progress(rows: int) -> Callable[[int, Row], None]:
    told = 0.0

    def tell(at: int, row: Row) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= TELL_SECONDS:
            told = now
            click.secho(f"  {at + 1:,} of {rows:,} rows, step {row.step:,}", dim=True, err=True)

    return tell


def _said(played: Played) -> str:
    late = sorted(played.late)
    at = [1000 * late[min(len(late) - 1, int(part * len(late)))] for part in (0.5, 0.99)]
    return f"{played.rows:,} rows replayed; late by {at[0]:.1f} ms in the middle, {at[1]:.1f} ms at the 99th percentile"
