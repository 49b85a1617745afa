"""One of the demo's trainings: a small network learns to read digits, and logs as any program would.

It counts and digests what it logged and says so in its last line, so that the demo can compare what is stored
with what was logged. `python -m runcast.cli.training '{"name": …}'` runs one.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import signal
import sys
import time
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct

import runcast

PIXELS, CLASSES = 64, 10
HELD_OUT = 360  # A fifth of the 1797 digits, never trained on.
VALIDATE_ROWS = 10
DIVERGED_ROWS_MAX = 40  # A training that computes NaN for so long gives up, as a person would make it.

Matrix = npt.NDArray[np.float32]


class Trial(Struct, frozen=True):
    """What one training does."""

    name: str
    learning_rate: float
    data: str = ""  # Where the digits are, as `save_digits` left them.
    width: int = 128
    batch: int = 64
    rows: int = 300
    rows_per_second: float = 20.0
    updates_per_row: int = 4
    schedule: Literal["cosine", "constant", "jump"] = "cosine"
    killed_at: int | None = None  # After so many rows it gets SIGKILL, in the middle of everything.
    seed: int = 0
    waits: bool = False  # Say the run's id, and begin when a line comes in: so that all of them begin together.
    project: str = "digits"

    def rate(self, row: int) -> float:
        """Say how far to step downhill at a row; `jump` is the slip of a comma, half-way, that ends in NaN."""
        if self.schedule == "cosine":
            return self.learning_rate * 0.5 * (1 + math.cos(math.pi * row / self.rows))
        return self.learning_rate * (100 if self.schedule == "jump" and row >= self.rows // 2 else 1)


class Report(Struct, frozen=True):
    """What a training says that it logged."""

    run: str
    name: str
    rows: int
    digest: str


class Ledger:
    """Counts rows and digests every step, key and value of them, bit for bit."""

    def __init__(self) -> None:
        self.rows = 0
        self._digest = hashlib.sha256()

    def add(self, step: int, row: Mapping[str, Any]) -> None:
        """Take a row, as it was logged or as it came back; what begins with `_` is not the caller's."""
        cells = sorted((key, float(value).hex()) for key, value in row.items() if not key.startswith("_"))
        self._digest.update(repr((step, cells)).encode())
        self.rows += 1

    @property
    def digest(self) -> str:
        """The digest so far."""
        return self._digest.hexdigest()


class Network:
    """One hidden layer, softmax, plain gradient descent."""

    def __init__(self, width: int, seed: int) -> None:
        draw = np.random.default_rng(seed)
        self._draw = draw
        self._w1 = draw.normal(0, 0.18, (PIXELS, width)).astype(np.float32)
        self._b1 = np.zeros(width, np.float32)
        self._w2 = draw.normal(0, 0.10, (width, CLASSES)).astype(np.float32)
        self._b2 = np.zeros(CLASSES, np.float32)

    def predict(self, images: Matrix) -> tuple[Matrix, Matrix]:
        """Return the hidden layer and the probabilities of each class."""
        hidden = np.maximum(images @ self._w1 + self._b1, 0)
        scores = hidden @ self._w2 + self._b2
        powers = np.exp(
            scores
        )  # Not shifted by the maximum: with too high a rate it overflows, as half precision does.
        return hidden, powers / powers.sum(1, keepdims=True)

    def learn(self, images: Matrix, labels: npt.NDArray[np.int64], rate: float) -> tuple[float, float, float]:
        """Take one step downhill; return loss, accuracy and the gradient's norm before it."""
        hidden, guess = self.predict(images)
        loss, accuracy = judge(guess, labels)
        slope = guess.copy()
        slope[np.arange(len(labels)), labels] -= 1
        slope /= len(labels)
        back = (slope @ self._w2.T) * (hidden > 0)
        d1, d2 = images.T @ back, hidden.T @ slope
        norm = math.sqrt(float((d1**2).sum()) + float((d2**2).sum()))
        self._w1 -= rate * d1
        self._b1 -= rate * back.sum(0)
        self._w2 -= rate * d2
        self._b2 -= rate * slope.sum(0)
        return loss, accuracy, norm

    def pick(self, count: int, size: int) -> npt.NDArray[np.int64]:
        """Draw a batch."""
        return self._draw.integers(0, count, size)


def judge(guess: Matrix, labels: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Return cross-entropy and accuracy."""
    right = guess[np.arange(len(labels)), labels]
    return float(-np.log(right).mean()), float((guess.argmax(1) == labels).mean())


def train(trial: Trial) -> None:
    """Train, log, and say at the end what was logged."""
    run = runcast.init(
        project=trial.project,
        name=trial.name,
        config={
            "learning_rate": trial.learning_rate,
            "width": trial.width,
            "batch": trial.batch,
            "schedule": trial.schedule,
            "dataset": "digits",
            "seed": trial.seed,
        },
    )
    if trial.waits:
        _say(run.id)
        if not sys.stdin.readline():  # Who started us is gone, and the digits with it.
            sys.exit(128 + signal.SIGPIPE)
    with np.load(trial.data) as digits:
        images, labels = digits["images"], digits["labels"]
    held, held_labels = images[:HELD_OUT], labels[:HELD_OUT]
    images, labels = images[HELD_OUT:], labels[HELD_OUT:]
    network = Network(trial.width, trial.seed)
    ledger = Ledger()
    diverged = 0
    due = time.monotonic()
    for step in range(trial.rows):
        rate = trial.rate(step)
        for _ in range(trial.updates_per_row):
            chosen = network.pick(len(images), trial.batch)
            loss, accuracy, norm = network.learn(images[chosen], labels[chosen], rate)
        row: dict[str, float | int] = {"train/loss": loss, "train/acc": accuracy, "grad/norm": norm, "lr": rate}
        if step % VALIDATE_ROWS == 0:
            row["val/loss"], row["val/acc"] = judge(network.predict(held)[1], held_labels)
            row["epoch"] = step * trial.updates_per_row * trial.batch // len(images)
        run.log(row)
        ledger.add(step, row)
        if ledger.rows == trial.killed_at:
            _report(run, ledger)
            os.kill(os.getpid(), signal.SIGKILL)
        diverged = diverged + 1 if math.isnan(loss) else 0
        if diverged == DIVERGED_ROWS_MAX:
            break
        due += 1 / trial.rows_per_second
        time.sleep(max(0.0, due - time.monotonic()))
    _report(run, ledger)
    run.finish(exit_code=1 if diverged else 0)


def _report(run: runcast.Run, ledger: Ledger) -> None:
    said = Report(run.id, run.name, ledger.rows, ledger.digest)
    _say(json.dumps(msgspec.to_builtins(said)))


def _say(line: str) -> None:
    try:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except BrokenPipeError:  # Who started us is gone; the interpreter's own last flush must not meet the pipe again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)


if __name__ == "__main__":
    with np.errstate(all="ignore"):  # One of the trainings is meant to leave the numbers.
        train(msgspec.json.decode(sys.argv[1], type=Trial))
