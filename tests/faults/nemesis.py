"""Break everything that can break, in an order that a seed decides, and then count.

Real trainers, two real ingest services over one database, a real Redis behind a proxy. `python -m tests.faults.nemesis
--seeds 20` runs seeds in a row and prints what each did; `--without fence` a build that lacks a rule.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import redis
from tests.faults import truth
from tests.faults.compare import compare
from tests.faults.ingest import LEASE_SECONDS
from tests.faults.proxy import Proxy
from tests.flow.running import environment

from runcast_ingest import embedded
from runcast_ingest.server_binary import candidates

SECONDS = 8.0
TRAINERS = 4
ROWS_PER_SECOND = 800.0
RECOVERY_SECONDS_MAX = 60.0  # Until the test gives up; what it should be is in docs/benchmarks.md.
SLOW_SECONDS = 5.0  # A recovery that takes longer is worth a look.
PAUSE_SECONDS = (0.15, 0.6)  # Between two faults.

FAULTS = (
    "kill trainer", "kill ingest", "pause ingest", "pause ingest", "kill redis", "stop redis", "flush", "cut", "slow",
    "lose replies", "refuse", "tear",
)  # fmt: skip


@dataclass
class Report:
    """What one seed did and found."""

    seed: int
    server: str
    rows: int = 0
    writers: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    recovery_seconds: float = 0.0
    problems: list[str] = field(default_factory=list)

    def line(self) -> str:
        """Sum it up in one line."""
        faults = ", ".join(f"{count} {fault}" for fault, count in sorted(self.faults.items()))
        verdict = "ok" if not self.problems else "; ".join(self.problems[:4])
        return (
            f"seed {self.seed:4d}  {self.rows:7d} rows of {self.writers:2d} writers  recovered in "
            f"{self.recovery_seconds:4.1f} s  {self.server}  [{faults}]  {verdict}"
        )


class Nemesis:
    """One seed: start everything, break it for a while, let it heal, compare."""

    def __init__(self, seed: int, *, seconds: float, without: str | None = None, patience: float) -> None:
        self.random = random.Random(seed)
        self.seconds, self.without, self.patience = seconds, without, patience
        self.folder = Path(tempfile.mkdtemp(prefix="rcf-"))
        (self.folder / "truth").mkdir()
        self.binaries = list(candidates())
        self.binary = self.binaries[seed % len(self.binaries)]
        self.report = Report(seed, Path(self.binary).name)
        self.trainers: dict[int, subprocess.Popen[bytes]] = {}
        self.children: list[subprocess.Popen[bytes]] = []
        self.ingests: list[subprocess.Popen[bytes]] = []
        self.paused: list[tuple[float, subprocess.Popen[bytes]]] = []
        self.heal_at = 0.0

    # What runs.

    def start(self, *arguments: str | Path) -> subprocess.Popen[bytes]:
        # Alone: there is no service here that files could be sent to.
        given = environment(RUNCAST_DIR=str(self.folder), RUNCAST_URL=self.url, PYTHONPATH=os.pathsep.join(sys.path))
        with (self.folder / "said.txt").open("ab") as said:
            return subprocess.Popen(
                [sys.executable, "-m", *map(str, arguments)],
                env=given,
                stdout=said,
                stderr=said,
                start_new_session=True,  # With the children that it forks.
            )

    def start_trainer(self) -> None:
        number = len(self.trainers) + 1
        self.trainers[number] = self.start(
            "tests.faults.trainer", str(number), self.folder / "truth", str(ROWS_PER_SECOND)
        )

    def start_ingest(self) -> None:
        rule = ["--without", self.without] if self.without else []
        url = self.url if self.report.seed % 3 == 0 else self.server.url
        self.ingests.append(self.start("tests.faults.ingest", self.folder / "runcast.db", url, *rule))

    def start_redis(self) -> None:
        self.server = embedded.start(self.folder, binary=self.binary)

    @property
    def redis_pid(self) -> int:
        return int((self.folder / embedded.FOLDER / "redis.pid").read_text())

    def say(self, what: str) -> None:
        """Note a moment beside what the processes say."""
        with (self.folder / "said.txt").open("a") as said:
            said.write(f"--- {time.time():.2f} {what}\n")

    # What breaks.

    def fail(self, fault: str) -> None:
        self.report.faults[fault] += 1
        self.say(fault)
        getattr(self, fault.replace(" ", "_"))()

    def kill_trainer(self) -> None:
        living = [process for process in self.trainers.values() if process.poll() is None]
        if living:
            victim = self.random.choice(living)
            victim.kill()
            victim.wait()
            self.start_trainer()

    def kill_ingest(self) -> None:
        victim = self.random.choice(self.ingests)
        self.ingests.remove(victim)
        self.paused = [(at, process) for at, process in self.paused if process is not victim]
        victim.kill()
        victim.wait()
        self.start_ingest()

    def pause_ingest(self) -> None:
        """Stop a service for longer than its lease, so that it wakes as a zombie."""
        awake = [process for process in self.ingests if process not in [paused for _, paused in self.paused]]
        if len(awake) > 1:
            victim = self.random.choice(awake)
            victim.send_signal(signal.SIGSTOP)
            self.paused.append((time.monotonic() + self.random.uniform(1.2, 2.5) * LEASE_SECONDS, victim))

    def kill_redis(self) -> None:
        os.kill(self.redis_pid, signal.SIGKILL)
        time.sleep(self.random.uniform(0.0, 0.3))
        self.start_redis()

    def stop_redis(self) -> None:
        pid = self.redis_pid
        os.kill(pid, signal.SIGSTOP)
        time.sleep(self.random.uniform(0.1, 0.8))
        os.kill(pid, signal.SIGCONT)

    def flush(self) -> None:
        with redis.Redis.from_url(self.server.url) as client:  # Past the proxy.
            client.flushall()

    def cut(self) -> None:
        self.proxy.cut()

    def slow(self) -> None:
        self.proxy.delay_seconds = self.random.uniform(0.01, 0.2)
        self.heal_later()

    def lose_replies(self) -> None:
        self.proxy.lose_replies = True
        self.heal_later()

    def refuse(self) -> None:
        self.proxy.refuse = True
        self.proxy.cut()
        self.heal_later()

    def tear(self) -> None:
        self.proxy.tear_after = self.random.randint(1, 5000)

    def heal_later(self) -> None:
        self.heal_at = time.monotonic() + self.random.uniform(0.1, 0.7)

    def tend(self) -> None:
        """Wake who has slept enough, heal the network in time, and start again what died."""
        now = time.monotonic()
        for at, process in list(self.paused):
            if now >= at:
                process.send_signal(signal.SIGCONT)
                self.paused.remove((at, process))
        if now >= self.heal_at:
            if self.proxy.lose_replies:  # Whoever waits for an answer that was lost would do so for its whole timeout.
                self.proxy.cut()
            self.proxy.heal()
        for process in list(self.ingests):
            if process.poll() is not None:
                self.report.problems.append(f"an ingest service died by itself with status {process.returncode}")
                self.ingests.remove(process)
                self.start_ingest()

    # The story.

    def run(self) -> Report:
        """Live through the seed."""
        try:
            self.start_redis()
            with Proxy(lambda: self.server.port) as self.proxy:
                self.url = f"redis://:{self.server.password}@127.0.0.1:{self.proxy.port}/0"
                for _ in range(2):
                    self.start_ingest()
                for _ in range(TRAINERS):
                    self.start_trainer()
                self.break_things()
                self.let_heal()
            self.judge()
        finally:
            self.clear()
        return self.report

    def break_things(self) -> None:
        begun = time.monotonic()
        time.sleep(1.0)
        while time.monotonic() - begun < self.seconds:
            self.fail(self.random.choice(FAULTS))
            until = time.monotonic() + self.random.uniform(*PAUSE_SECONDS)
            while time.monotonic() < until:
                self.tend()
                time.sleep(0.02)

    def let_heal(self) -> None:
        self.heal_at = 0.0
        for _, process in self.paused:
            process.send_signal(signal.SIGCONT)
        self.paused.clear()
        self.tend()
        self.proxy.cut()
        (self.folder / "truth" / "stop").touch()
        self.say("healed")
        healed = time.monotonic()
        # Whoever was killed has left a journal; it is sent while the living finish theirs.
        sweep = self.start("tests.faults.sweep", self.folder, self.url)
        asked = False
        while time.monotonic() - healed < self.patience:
            self.tend()
            if not asked and time.monotonic() - healed > SLOW_SECONDS:
                asked = True
                self.ask_where()
            if sweep.poll() is not None and not any(process.poll() is None for process in self.trainers.values()):
                if not any((self.folder / "journals").iterdir()):
                    break
                sweep = self.start("tests.faults.sweep", self.folder, self.url)
            time.sleep(0.02)
        else:
            left = [path.name for path in (self.folder / "journals").iterdir()]
            self.report.problems.append(f"after {self.patience:.0f} s {len(left)} journals are not stored: {left[:3]}")
        self.report.recovery_seconds = time.monotonic() - healed
        self.children.append(sweep)

    def ask_where(self) -> None:
        """Have everybody who still works write down where they are: into said.txt, kept with RUNCAST_KEEP."""
        for process in [*self.trainers.values(), *self.ingests]:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGUSR1)

    def judge(self) -> None:
        for process in self.ingests:
            process.terminate()
        for process in self.ingests:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                self.report.problems.append("an ingest service did not end on SIGTERM")
                process.kill()
                process.wait()
        counts = {int(path.name): truth.read(path) for path in (self.folder / "truth").iterdir() if path.name.isdigit()}
        self.report.writers = len(counts)
        self.report.rows, problems = asyncio.run(compare(self.folder / "runcast.db", counts))
        self.report.problems += problems

    def clear(self) -> None:
        for process in [*self.trainers.values(), *self.ingests, *self.children]:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        embedded.stop(self.folder)
        slow = self.report.recovery_seconds > SLOW_SECONDS
        if os.environ.get("RUNCAST_KEEP") and (self.report.problems or slow):
            print("kept", self.folder)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)


def run(
    seed: int, *, seconds: float = SECONDS, without: str | None = None, patience: float = RECOVERY_SECONDS_MAX
) -> Report:
    """Run one seed."""
    return Nemesis(seed, seconds=seconds, without=without, patience=patience).run()


def main() -> int:
    """Run seeds in a row and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--without", choices=["fence", "contiguity"])
    options = parser.parse_args()
    reports = []
    for seed in range(options.first, options.first + options.seeds):
        patience = 15.0 if options.without else RECOVERY_SECONDS_MAX
        reports.append(run(seed, seconds=options.seconds, without=options.without, patience=patience))
        print(reports[-1].line(), flush=True)
    failed = [report.seed for report in reports if report.problems]
    slowest = max(report.recovery_seconds for report in reports)
    print(
        f"{len(reports)} seeds, {sum(report.rows for report in reports)} rows, {len(failed)} with problems {failed}, "
        f"recovered in at most {slowest:.1f} s"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
