"""`runcast import`: bring in runs that other tools recorded."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path

import click

from runcast import settings
from runcast.cli import table
from runcast.cli.progress import Progress, bar
from runcast.cli.sending import destination, interruptible, url_option
from runcast.errors import MalformedEntry, RuncastError, UsageError
from runcast.ports import csv_file, mlflow, tensorboard, trackio, wandb_file
from runcast.ports.copying import Copy, NotStored, copy
from runcast.ports.foreign import Foreign
from runcast.tensorboard_events import EventFile

LOOK_SECONDS = 1.0  # Between two looks of --follow.

Find = Callable[[str | None], Iterator[Foreign]]


def _each(read: Callable[..., Foreign | Iterable[Foreign]], paths: list[Path]) -> Find:
    def find(project: str | None) -> Iterator[Foreign]:
        for path in paths:
            try:
                found = read(path, project=project)
                yield from [found] if isinstance(found, Foreign) else found
            except (MalformedEntry, OSError) as error:
                click.echo(table.plain(f"left out: {error}"), err=True)

    return find


def _sources(what: str, path: Path) -> Find:
    """Find the runs of a format at a path; raises UsageError when there is none."""
    module = {"wandb": wandb_file, "mlflow": mlflow, "trackio": trackio, "csv": csv_file, "tensorboard": tensorboard}
    paths: list[Path] = module[what].find(path)
    if not paths:
        raise UsageError(f"there is nothing of {what} in {path}")
    if what == "tensorboard":
        return _each(lambda file, project: tensorboard.read(file, root=path, project=project), paths)
    return _each(module[what].read, paths)


@click.command("import")
@click.argument("what", metavar="FORMAT", type=click.Choice(["wandb", "tensorboard", "mlflow", "trackio", "csv"]))
@click.argument("paths", metavar="PATH...", nargs=-1, type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--project", help="The project for all of it; default: what it was, else the format's name.")
@click.option("--follow", is_flag=True, help="TensorBoard: go on with what is written from now on, until Ctrl-C.")
@url_option
def import_(what: str, paths: tuple[Path, ...], project: str | None, url: str | None, *, follow: bool) -> None:
    """Bring in runs that another tool recorded.

    FORMAT is wandb (offline and online run folders, .wandb files), tensorboard (event files), mlflow (a SQLite file
    or an mlruns folder), trackio (its folder or a .db file) or csv. What is there already is not stored again: import
    as often as you like, and what came since is added.

    \b
    runcast import wandb wandb/
    runcast import tensorboard runs/ --project cifar --follow
    runcast import mlflow mlflow.db
    runcast import csv results.csv
    """
    given = settings.Settings.from_env(os.environ)
    find_url = destination(url, given, given.directory)
    if follow and what != "tensorboard":
        raise UsageError(f"--follow goes with tensorboard; {what} is read once, and can be imported again")
    finds = [_sources(what, path) for path in paths]
    with interruptible() as interrupted:
        if follow:
            for path in paths:
                _follow(path, project, given.directory, find_url, interrupted)
            return
        wrong = _copy_all(chain.from_iterable(find(project) for find in finds), given.directory, find_url, interrupted)
        if interrupted():
            raise click.Abort
    sys.exit(1 if wrong else 0)


def _copy_all(
    sources: Iterable[Foreign], directory: Path, find_url: Callable[[], str | None], stopping: Callable[[], bool]
) -> int:
    runs, rows, added, wrong = set[str](), 0, 0, 0
    with Progress() as progress:
        for source in sources:
            if stopping():
                break

            def show(stored: int, events: int, name: str = source.start.name) -> None:
                progress.show(f"{bar(stored, events)} {stored}/{events} {name}")

            try:
                done = copy(directory, source, find_url, show, stopping=stopping)
            except (NotStored, MalformedEntry, OSError) as error:
                wrong += 1
                progress.clear()
                click.echo(table.plain(f"left out: {error}"), err=True)
                continue
            progress.clear()
            fresh = "" if done.added else ", nothing new"
            click.echo(f"{table.plain(f'{done.path}  {source.start.name}')}  {table.count(done.rows, 'row')}{fresh}")
            runs.add(done.path)
            rows, added = rows + done.rows, added + done.added
    click.echo(f"{table.count(len(runs), 'run')}, {table.count(rows, 'row')}; {table.count(added, 'event')} were new")
    return wrong


def _follow(
    root: Path,
    project: str | None,
    directory: Path,
    find_url: Callable[[], str | None],
    stopping: Callable[[], bool],
) -> None:
    """Read event files as they grow, and new ones as they appear."""
    followed: dict[Path, tuple[EventFile, Copy]] = {}
    click.echo(f"following {root}; Ctrl-C stops")
    try:
        while not stopping():
            for path in tensorboard.find(root):
                if path not in followed:
                    file = EventFile(path)
                    source = tensorboard.source(file, root=root, project=project)
                    followed[path] = file, Copy(directory, source, find_url)
                    followed[path][1].extend(source.items)
                    click.echo(table.plain(f"{followed[path][1].path}  {source.start.name}"))
                else:
                    file, made = followed[path]
                    made.extend(tensorboard.rows(file.read()))
                followed[path][1].send()
            time.sleep(LOOK_SECONDS)
        for _, made in followed.values():
            made.store()
            made.end()
    except RuncastError as error:
        raise RuncastError(f"{error}; follow it again, and it goes on from there") from error
    finally:
        for _, made in followed.values():
            made.close()
    click.echo(f"{table.count(sum(made.rows for _, made in followed.values()), 'row')} followed")
