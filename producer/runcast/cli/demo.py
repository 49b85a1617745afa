"""`runcast demo`: eight real trainings at once, watched live, and compared with what is stored."""

from __future__ import annotations

import sys

import click

from runcast.cli.group import load


@click.command()
@click.option("--exit", "ends", is_flag=True, envvar="RUNCAST_DEMO_EXIT", help="End with the trainings, and check.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Where to serve; 0: any.  [default: 8484, or any if that is taken]",
)
@click.option("--open/--no-open", "opens", default=None, help="Open the page in a browser; default: with a display.")
def demo(*, ends: bool, port: int | None, opens: bool | None) -> None:
    """Train eight classifiers at once and watch them live.

    Uses the service that runs, or starts one. The trainings take about five minutes; Ctrl-C ends them and whatever
    the demo has started. With --exit (or RUNCAST_DEMO_EXIT=1) they take half a minute and the demo ends with them: it
    compares every row that was logged with what is stored, and exits with 0 only if all agree.

    \b
    runcast demo
    runcast demo --exit
    """
    sys.exit(load("runcast.cli.trials", "demo").show(ends=ends, port=port, opens=opens))
