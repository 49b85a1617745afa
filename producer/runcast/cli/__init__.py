"""The command line: `runcast up` and everything else that is typed.

Each command is a module of its own, loaded when it is called: a machine that only trains has neither the
service nor the dashboard installed, and `runcast sync` works there all the same. This package alone composes the two.
"""

from __future__ import annotations

import os
import signal
import sys

import click

from runcast.cli.group import LazyGroup, load
from runcast.errors import RuncastError
from runcast.surroundings.secrets import mask_text
from runcast.terminal import plain

# Command → what it does, in the order of `runcast --help`. Each lives in the module of its name.
COMMANDS = {
    "up": "Start the service and the dashboard.",
    "down": "Stop the service of this directory.",
    "status": "Say whether the service runs, where, and how it is.",
    "login": "Keep the token of a service elsewhere.",
    "offline": "Publish nothing: trainings write to their journals.",
    "online": "Publish again.",
    "demo": "Train eight classifiers at once and watch them live.",
    "run": "Run a program whose `import wandb` finds Runcast.",
    "install-shim": "Let every program of this Python find Runcast by `import wandb`.",
    "uninstall-shim": "Take away what install-shim put there.",
    "sync": "Send journals that dead processes left behind.",
    "import": "Bring in runs of W&B, TensorBoard, MLflow, trackio, CSV.",
    "ls": "List projects, or a project's runs.",
    "show": "Show one run: state, config, summary.",
    "tail": "Print rows as they are logged.",
    "subscribe": "Give rows as JSON lines as they are logged, for programs.",
    "top": "Watch a project's runs in the terminal.",
    "replay": "Log a stored run again, in its own time.",
    "alert": "Say what a project wants to be told of: NaN, limits, plateaus.",
    "stop": "Ask a run to stop, as Ctrl-C would.",
    "export": "Write a run's rows as CSV, Parquet or JSON lines.",
    "doctor": "Re-read everything that is stored and check it.",
    "bench": "Measure this machine: log(), throughput, latency.",
    "dashboard": "Start the dashboard alone, for a service elsewhere.",
    "version": "Print the version.",
}
EXIT_INTERRUPT = 130  # The shell's code for Ctrl-C.


def _print_version(context: click.Context, parameter: click.Parameter, asked: bool) -> None:
    del parameter
    if asked:
        context.invoke(load("runcast.cli.version", "version").version)
        context.exit()


@click.group(
    cls=LazyGroup,
    commands_of=COMMANDS,
    package="runcast.cli",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Everything lives in one directory, RUNCAST_DIR (default ~/.runcast). Start with: runcast up",
)
@click.option(
    "--version",
    "-V",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version.",
)
def cli() -> None:
    """Runcast: log training runs, and watch them live.

    \b
    runcast up                      start the service, then open the URL it prints
    python train.py                 with `import runcast as wandb` in it
    runcast tail my-project         the same rows in the terminal
    """


def main() -> None:
    """Run the command line; an error of ours is one sentence and status 1."""
    _end_by_signals()
    try:
        status = cli.main(standalone_mode=False, color=False if os.environ.get("NO_COLOR") else None)
    except click.exceptions.Exit as end:
        status = end.exit_code
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except RuncastError as error:
        click.echo(f"runcast: {_said(error)}", err=True)
        status = 1
    except (click.Abort, KeyboardInterrupt):
        status = EXIT_INTERRUPT  # click has ended the line that `^C` stands on.
    sys.exit(status if isinstance(status, int) else 0)


def _said(error: RuncastError) -> str:
    """Write an error so that nothing in it steers the terminal, and no password stands there."""
    return "\n".join(map(plain, mask_text(str(error)).splitlines()))


def _end_by_signals() -> None:
    """Let SIGTERM and a closed terminal end a command as Ctrl-C does: what it has started ends with it."""

    def end(number: int, _: object) -> None:
        # It has been heard; a second one would only cut short the tidying.
        signal.signal(number, signal.SIG_IGN)
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, end)
    # `nohup` ignores this one on purpose. A service has an answer of its own to SIGTERM, so that is what it hears.
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
