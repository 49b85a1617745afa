"""A training of many processes is one run: each rank a writer of it, found without a setting."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.flow.running import Running, environment, python, state_of, up, wait_until

from runcast import events
from runcast.drain import journals
from runcast.reader import Reader

WORLD = 8
ROWS = 200

# What torchrun's agent does: it gives each rank its variables, and a folder that it made for this job.
AGENT = """
import os, subprocess, sys, tempfile
world, program, *arguments = sys.argv[1:]
folder = tempfile.mkdtemp(prefix="torchelastic_")
for attempt in range(2):
    ranks = []
    for rank in range(int(world)):
        given = dict(
            RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=world, LOCAL_WORLD_SIZE=world, GROUP_RANK="0",
            MASTER_ADDR="localhost", MASTER_PORT="29500", TORCHELASTIC_RUN_ID="none",
            TORCHELASTIC_RESTART_COUNT=str(attempt),
            TORCHELASTIC_ERROR_FILE=f"{folder}/none_x/attempt_{attempt}/{rank}/error.json",
        )
        ranks.append(subprocess.Popen([sys.executable, "-c", program, *arguments], env=os.environ | given))
    print(*[rank.pid for rank in ranks], flush=True)
    codes = [rank.wait() for rank in ranks]
    if "ELASTIC" not in os.environ or not any(codes):
        break
os.rmdir(folder)
sys.exit(max(map(abs, codes)))
"""

TRAINING = """
import json, os, sys, time
import runcast as wandb
rank = int(os.environ["RANK"])
run = wandb.init(project="ranks", config={f"of{rank}": rank}, name="the run" if rank == 5 else None)
for step in range(int(sys.argv[1])):
    wandb.log({"loss": rank + step / 1000, "rank": rank})
    time.sleep(float(sys.argv[2]))
wandb.finish()
os.write(1, f"{json.dumps([rank, run.id])}\\n".encode())  # In one: eight processes share the pipe.
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with up(tmp_path_factory.mktemp("ranks")) as running:
        yield running


@contextmanager
def job(
    service: Running, program: str, *arguments: str, world: int = WORLD, **environ: str
) -> Iterator[subprocess.Popen[str]]:
    """Start the ranks of a job; its first line has their process ids."""
    process = subprocess.Popen(
        [sys.executable, "-c", AGENT, str(world), program, *arguments],
        env=environment(RUNCAST_DIR=str(service.directory), **environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ids(said: str) -> list[tuple[int, str]]:
    return sorted((rank, run) for rank, run in map(json.loads, said.splitlines()))


def run_ids(service: Running, project: str) -> list[str]:
    return [str(run["id"]) for run in service.api.get(f"/api/v1/projects/{project}/runs")["runs"]]


def test_eight_ranks_are_one_run_and_every_row_of_each_is_stored_once(service: Running) -> None:
    """One id, worked out by each alone; config and name from any; one voice; and the end when all have ended."""
    with job(service, TRAINING, str(ROWS), "0.001") as process:
        said, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    [_, *told] = said.splitlines()
    ranks, runs = zip(*ids("\n".join(told)), strict=True)
    assert ranks == tuple(range(WORLD))
    assert len(set(runs)) == 1
    assert errors.count("Tracking run") == errors.count("Synced ") == 1
    run = service.api.run("ranks", runs[0])
    assert (run["state"], run["name"]) == ("finished", "the run")
    assert run["config"] == {f"of{rank}": rank for rank in range(WORLD)}
    assert sorted(writer["label"] for writer in run["writers"]) == [f"rank{rank}" for rank in range(WORLD)]
    rows = [(row["_label"], row["_step"], row["loss"], row["rank"]) for row in service.api.history("ranks", runs[0])]
    wanted = {(f"rank{rank}", step, rank + step / 1000, rank) for rank in range(WORLD) for step in range(ROWS)}
    assert len(rows) == len(wanted)
    assert set(rows) == wanted
    assert run["rows"] == len(wanted)


def test_a_rank_that_is_killed_leaves_the_run_to_the_others_until_they_end(service: Running) -> None:
    """While one of them lives, the run does; then it counts how the worst of them ended."""
    with job(service, TRAINING, "300", "0.01", world=4) as process:
        assert process.stdout is not None
        pids = [int(pid) for pid in process.stdout.readline().split()]
        [run] = wait_until(
            lambda: (
                [one for one in run_ids(service, "ranks") if state_of(service.api, "ranks", one) == "running"] or None
            )
        )
        wait_until(lambda: True if service.api.run("ranks", run)["rows"] > 4 * 20 else None)
        os.kill(pids[2], signal.SIGKILL)
        said, _ = process.communicate(timeout=60)
    assert [rank for rank, _ in ids(said)] == [0, 1, 3]
    wait_until(lambda: True if state_of(service.api, "ranks", run) == "crashed" else None, 40)
    service.runcast("sync")
    stored: dict[str, list[int]] = {}
    for row in service.api.history("ranks", run):
        stored.setdefault(str(row["_label"]), []).append(int(str(row["_step"])))
    killed = stored.pop("rank2")
    assert stored == {f"rank{rank}": list(range(300)) for rank in (0, 1, 3)}
    assert 5 < len(killed) < 300
    assert killed == list(range(len(killed)))


def test_ranks_that_were_begun_again_count_for_those_that_died(service: Running) -> None:
    """One was killed, the launcher ended the others and began all again: the run is as its second try is."""
    program = """
import os, signal, time, runcast as wandb
rank, again = int(os.environ["RANK"]), int(os.environ["TORCHELASTIC_RESTART_COUNT"])
run = wandb.init(project="elastic")
for step in range(20):
    wandb.log({"loss": step + 100 * again}, step=step)
if not again:
    while run._writer.waiting:
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGKILL if rank < 2 else signal.SIGTERM)
    time.sleep(60)
wandb.finish()
"""
    with job(service, program, world=3, ELASTIC="1") as process:
        said, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert len(said.splitlines()) == 2
    [run] = run_ids(service, "elastic")
    assert state_of(service.api, "elastic", run) == "finished"
    service.runcast("sync")  # What the killed ones left comes late, and changes nothing about that.
    wait_until(lambda: not journals(service.directory) or None)  # The service may be at one of them by itself.
    found = service.api.run("elastic", run)
    assert (found["state"], len(found["writers"])) == ("finished", 6)
    rows = [(row["_label"], row["_step"], row["loss"]) for row in service.api.history("elastic", run)]
    # Of two rows of one step and one label the later counts.
    assert sorted(rows) == sorted((f"rank{rank}", step, step + 100) for rank in range(3) for step in range(20))


def test_every_run_of_a_job_is_one_run(service: Running) -> None:
    """A job that trains twice has two runs, each of all ranks."""
    program = """
import json, os, runcast as wandb
for turn in range(2):
    run = wandb.init(project="turns")
    wandb.log({"turn": turn})
    wandb.finish()
    os.write(1, f"{json.dumps([turn, run.id])}\\n".encode())
"""
    with job(service, program, world=3) as process:
        said, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    turns = ids("\n".join(said.splitlines()[1:]))
    assert len(turns) == 6
    assert len(set(turns)) == 2
    assert len(run_ids(service, "turns")) == 2


def test_an_id_that_is_given_goes_before_the_one_that_is_found(service: Running) -> None:
    program = "import runcast; runcast.init(project='given'); runcast.log({'a': 1}); runcast.finish()"
    with job(service, program, world=2, RUNCAST_RUN_ID="mine") as process:
        process.communicate(timeout=60)
    assert run_ids(service, "given") == ["mine"]
    assert len(service.api.run("given", "mine")["writers"]) == 2


def test_a_name_for_each_rank_leaves_the_first_ones(service: Running, tmp_path: Path) -> None:
    """A custom from when each rank was a run of its own."""
    program = """
import os, pathlib, sys, time, runcast
rank = int(os.environ["RANK"])
runcast.init(project="named", name=f"try-rank-{rank}")
while rank == 0 and len(os.listdir(sys.argv[1])) < 2:
    time.sleep(0.01)
runcast.finish()
pathlib.Path(sys.argv[1], str(rank)).touch()
"""
    with job(service, program, str(tmp_path), world=3) as process:
        process.communicate(timeout=60)
    [run] = run_ids(service, "named")
    assert service.api.run("named", run)["name"] == "try-rank-0"


NODES = {
    "RANK": "9",
    "LOCAL_RANK": "1",
    "WORLD_SIZE": "16",
    "LOCAL_WORLD_SIZE": "8",
    "MASTER_ADDR": "n1",
    "MASTER_PORT": "1",
}


@pytest.mark.parametrize(
    ("environ", "begin"),
    [
        (NODES, events.FRESH),
        (NODES | {"TORCHELASTIC_RESTART_COUNT": "1"}, events.JOIN),
        (NODES | {"SLURM_JOB_ID": "1", "SLURM_STEP_ID": "0"}, events.JOIN),
        (NODES | {"RUNCAST_MODE": "offline"}, events.JOIN),
    ],
)
def test_a_job_known_by_what_can_come_again_begins_its_run_anew(
    environ: Mapping[str, str], begin: str, tmp_path: Path
) -> None:
    """Unless its ranks were started again; and offline, where nobody could tell whose journal is sent first."""
    program = "import runcast; runcast.init(project='p'); runcast.finish()"
    done = python(program, RUNCAST_DIR=str(tmp_path), **environ)
    assert done.returncode == 0, done.stderr
    [journal] = journals(tmp_path)
    reader = Reader(journal)
    start = reader.take()[1][0]
    reader.close()
    assert isinstance(start, events.Start)
    assert (start.label, start.begin) == ("rank9", begin)


WORKERS = """
import multiprocessing, sys
import runcast as wandb

def load(number):
    print(f"worker {number}\\n", end="", flush=True)
    return number

if __name__ == "__main__":
    wandb.init(project="loader", id="loader")
    wandb.log({"a": 1})
    with multiprocessing.get_context(sys.argv[1]).Pool(4) as workers:
        assert workers.map(load, range(16)) == list(range(16))
        workers.close()
        workers.join()
    wandb.log({"a": 2})
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("console", ["off", "wrap", "redirect"])
def test_workers_that_never_log_add_nothing(method: str, console: str, tmp_path: Path) -> None:
    """No journal, no line of ours, no row; and what they print goes where it went."""
    program = tmp_path / "train.py"
    program.write_text(WORKERS)
    done = subprocess.run(
        [sys.executable, str(program), method],
        env=environment(RUNCAST_DIR=str(tmp_path), RUNCAST_CONSOLE=console),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split("\n")[:-1]) == sorted(f"worker {number}" for number in range(16))
    assert len(journals(tmp_path)) == 1
    assert [line for line in done.stderr.splitlines() if "runcast" not in line] == []
    assert done.stderr.count("Tracking run") == 1
