"""The demo's eight trainings: run at once, watched live, and compared with what is stored.

The trainings are processes like any user's (`training.py`); the demo counts on nothing but the API and the live
websocket. One of them diverges and gives up, one is killed half-way: both must be there to the last row.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

import click
import msgspec
import numpy as np
from sklearn.datasets import load_digits

from runcast import discovery, settings
from runcast.cli import table
from runcast.cli.background import end, open_page, service_process
from runcast.cli.progress import Progress, bar
from runcast.cli.training import Ledger, Report, Trial
from runcast.cli.watch import Watch
from runcast.errors import RuncastError, UsageError
from runcast.service import Refused, Service
from runcast_ingest.ports import listen
from runcast_ingest.settings import PORT_DEFAULT

PROJECT = "demo"
ROWS_TO_CHECK, ROWS_TO_WATCH = 300, 4000
ROWS_PER_SECOND = 15.0
START_SECONDS_MAX = 60.0  # Until a training's first row: eight interpreters on few cores.
STORE_SECONDS_MAX = 30.0  # From a training's end until the service shows all of it, a crash included.

TRIALS = (
    Trial("base", 0.10, seed=1),
    Trial("wide", 0.10, width=512, seed=2),
    Trial("narrow", 0.10, width=16, batch=16, seed=3),
    Trial("slow", 0.01, seed=4),
    Trial("fast", 0.60, seed=5),
    Trial("small-batch", 0.20, batch=8, schedule="constant", seed=6),
    Trial("diverges", 0.10, width=256, schedule="jump", seed=7),
    Trial("killed", 0.15, batch=32, seed=8),
)
DIVERGES, KILLED = "diverges", "killed"


def show(*, ends: bool, port: int | None, opens: bool | None) -> int:
    """Run the demo to its end, or until Ctrl-C when it does not end by itself; return its status."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="runcast-demo-")))
        directory = settings.directory(os.environ)
        own = discovery.read(directory) is None
        if own:
            # What is checked and gone again leaves nothing behind; what is shown stays to be looked at.
            directory = folder / "runcast" if ends else directory
            click.echo("starting the service …")
            stack.enter_context(service_process(directory, "--port", str(_port() if port is None else port)))
        elif port is not None:
            click.echo("a service runs already; --port is of no use", err=True)
        found = discovery.read(directory)
        if found is None:
            raise RuncastError(f"the service of {directory} is gone; see {directory / 'service.log'}")
        service = Service(found.url, settings.read_token(os.environ))
        service.projects()  # Whoever may not look would wait for the trainings in vain.
        page = f"{found.url}/?project={PROJECT}"
        click.echo(f"eight trainings, live at {click.style(page, bold=True)}")
        if opens or (opens is None and not ends):
            open_page(page, always=bool(opens))
        try:
            agree = _train_and_compare(service, directory, folder, rows=ROWS_TO_CHECK if ends else ROWS_TO_WATCH)
            if ends:
                return 0 if agree else 1
            click.echo(f"the trainings are over; {page} stays until Ctrl-C")
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            click.echo("\nending the trainings …" if not own else "\nending the trainings and the service …", err=True)
            stack.close()
            if not ends:
                shown = "`runcast up` shows it again" if own else f"{page} shows it"
                click.echo(f"what they logged stays in {directory}; {shown}", err=True)
            raise


def _port() -> int:
    """Choose the usual port when it is free: a demo must not fail for somebody else's service."""
    try:
        listen("127.0.0.1", PORT_DEFAULT).close()
    except UsageError:
        return 0
    return PORT_DEFAULT


def _train_and_compare(service: Service, directory: Path, folder: Path, *, rows: int) -> bool:
    digits = save_digits(folder / "digits.npz")
    with Watch(service, PROJECT) as watch:
        with _trainings(service, directory, digits, rows) as processes:
            reports = _wait(processes, watch, rows)
        outcomes = [_compare(service, trial.name, reports.get(trial.name)) for trial in TRIALS]
    table.print_table(
        ["RUN", "STATE", "ROWS LOGGED", "ROWS STORED", "VALUES", "LIVE P50 MS", "P99 MS"],
        [
            (
                outcome.name,
                outcome.state,
                outcome.logged,
                outcome.stored,
                "same" if outcome.same else "DIFFERENT",
                *watch.percentiles(outcome.run),
            )
            for outcome in outcomes
        ],
        right=[2, 3, 5, 6],
    )
    wrong = [outcome.name for outcome in outcomes if not outcome.agrees]
    if wrong:
        click.secho(f"what is stored is not what was logged: {', '.join(wrong)}", fg="red", err=True)
    else:
        logged = sum(outcome.logged for outcome in outcomes)
        click.secho(f"all {logged} rows that were logged are stored, value for value", fg="green")
    return not wrong


def save_digits(path: Path) -> Path:
    """Write scikit-learn's digits where the trainings read them: importing it eight times costs half a minute."""
    images, labels = load_digits(return_X_y=True)
    np.savez(path, images=(images / 16).astype(np.float32), labels=labels)
    return path


# The trainings.


@contextmanager
def _trainings(service: Service, directory: Path, digits: Path, rows: int) -> Iterator[list[subprocess.Popen[str]]]:
    """Run the eight of them; whoever still trains at the end of the block is stopped."""
    environ = settings.alone(os.environ, directory) | {
        settings.SILENT: "1",
        # Eight trainings with a thread for each core would only wait for each other.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    processes = []
    try:
        for trial in TRIALS:
            given = msgspec.structs.replace(
                trial,
                project=PROJECT,
                data=str(digits),
                rows=rows,
                rows_per_second=ROWS_PER_SECOND,
                waits=True,
                killed_at=rows // 2 if trial.name == KILLED else None,
            )
            processes.append(
                subprocess.Popen(  # noqa: S603
                    [sys.executable, "-m", "runcast.cli.training", msgspec.json.encode(given).decode()],
                    env=environ,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    start_new_session=True,  # Ctrl-C is for the demo; it tells them itself.
                )
            )
        # They begin together when all are on the board: eight interpreters that start are no training's latency.
        for process in processes:
            _wait_known(service, _pipe(process.stdout).readline().strip())
        for process in processes:
            with suppress(BrokenPipeError):
                _pipe(process.stdin).write("go\n")
                _pipe(process.stdin).close()
        yield processes
    finally:
        end(*processes)
        for process in processes:
            _pipe(process.stdout).close()
            with suppress(BrokenPipeError):
                _pipe(process.stdin).close()


def _wait_known(service: Service, run: str) -> None:
    """Wait until the service shows a run; not for ever, because the comparison says it better."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while run and time.monotonic() < deadline:
        try:
            service.run(PROJECT, run)
        except Refused:
            time.sleep(0.05)
        else:
            return


def _pipe(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise ValueError("the process was started without pipes")
    return pipe


def _wait(processes: list[subprocess.Popen[str]], watch: Watch, rows: int) -> dict[str, Report]:
    """Wait for the trainings to end, and take what each says that it logged."""
    begun, told = time.monotonic(), 0.0
    seconds_max = START_SECONDS_MAX + 3 * rows / ROWS_PER_SECOND
    with Progress() as progress:
        for tick in itertools.count():
            training = sum(process.poll() is None for process in processes)
            now = time.monotonic()
            # Those that gave up or were killed stopped half-way: the longest of them says how far all are.
            said = f"{training} of {len(processes)} are training, {watch.rows} rows seen live"
            progress.show(f"{bar(watch.rows_max, rows)} {said}")
            if not progress.seen and (now - told >= 5 or not training):
                told = now
                click.echo(f"{now - begun:4.0f} s  {said}", err=True)
            if not training:
                break
            if now - begun > seconds_max:
                raise RuncastError(f"{training} trainings do not end after {seconds_max:.0f} s")
            time.sleep(0.2 if tick else 0.0)
    reports = {}
    for process in processes:
        for line in _pipe(process.stdout):
            report = msgspec.json.decode(line, type=Report)
            reports[report.name] = report
    return reports


# The comparison.


class Outcome(msgspec.Struct, frozen=True):
    """What one training logged, beside what the service gives back."""

    name: str
    run: str = ""
    state: str = "missing"
    expected: str = ""
    logged: int = 0
    stored: int = 0
    same: bool = False

    @property
    def agrees(self) -> bool:
        """Whether every row is there, with its values, and the run ended as it did."""
        return self.same and self.logged == self.stored > 0 and self.state == self.expected


def _compare(service: Service, name: str, report: Report | None) -> Outcome:
    """Read a run back when it is over, and digest it as its training did."""
    if report is None:
        return Outcome(name)
    deadline = time.monotonic() + STORE_SECONDS_MAX
    expected = {DIVERGES: "failed", KILLED: "crashed"}.get(name, "finished")
    while True:
        state, ledger = _stored(service, report.run)
        outcome = Outcome(name, report.run, state, expected, report.rows, ledger.rows, ledger.digest == report.digest)
        if outcome.agrees or time.monotonic() > deadline:
            return outcome
        time.sleep(0.2)


def _stored(service: Service, run: str) -> tuple[str, Ledger]:
    ledger = Ledger()
    try:
        state = str(service.run(PROJECT, run)["state"])
        for row in service.history(PROJECT, run):
            ledger.add(int(row["_step"]), _logged(row))
    except Refused as error:
        return f"missing ({error.status})", ledger
    return state, ledger


def _logged(row: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in row.items() if not key.startswith("_")}
