"""Which run a process belongs to, as its launcher's environment says it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from runcast import names
from runcast.invent import run_name
from runcast.launch import Launch, read

TORCHRUN = {
    "RANK": "3",
    "WORLD_SIZE": "8",
    "LOCAL_RANK": "3",
    "LOCAL_WORLD_SIZE": "8",
    "MASTER_ADDR": "127.0.0.1",
    "MASTER_PORT": "29500",
    "TORCHELASTIC_RUN_ID": "none",
    "TORCHELASTIC_RESTART_COUNT": "0",
    "TORCHELASTIC_ERROR_FILE": "/tmp/torchelastic_x7/none_k2/attempt_0/3/error.json",
}
TWO_NODES = TORCHRUN | {"WORLD_SIZE": "16", "MASTER_ADDR": "node1", "TORCHELASTIC_RUN_ID": "job-7"}
SRUN = {
    "SLURM_JOB_ID": "4711",
    "SLURM_STEP_ID": "0",
    "SLURM_PROCID": "5",
    "SLURM_LOCALID": "1",
    "SLURM_STEP_NUM_TASKS": "8",
    "SLURM_STEP_NUM_NODES": "2",
    "SLURM_CLUSTER_NAME": "big",
}
MPIRUN = {
    "OMPI_COMM_WORLD_RANK": "1",
    "OMPI_COMM_WORLD_SIZE": "4",
    "OMPI_COMM_WORLD_LOCAL_RANK": "1",
    "OMPI_COMM_WORLD_LOCAL_SIZE": "4",
}
HYDRA = {"PMI_RANK": "2", "PMI_SIZE": "4", "MPI_LOCALRANKID": "0", "MPI_LOCALNRANKS": "2"}
DEEPSPEED = {
    "RANK": "1",
    "WORLD_SIZE": "2",
    "LOCAL_RANK": "1",
    "LOCAL_SIZE": "2",
    "CROSS_SIZE": "1",
    "MASTER_ADDR": "127.0.0.1",
    "MASTER_PORT": "29500",
}
PYTORCH_JOB = {"RANK": "1", "WORLD_SIZE": "4", "MASTER_ADDR": "mnist-master-0", "MASTER_PORT": "23456"}
INDEXED_JOB = {
    "JOB_COMPLETION_INDEX": "2",
    "WORLD_SIZE": "4",
    "MASTER_ADDR": "train-0.train",
    "MASTER_PORT": "1234",
    "KUBERNETES_SERVICE_HOST": "10.0.0.1",
}


def parent(_: str) -> str:
    return "boot-1 100 5000"


def launch(environ: Mapping[str, str], who: str = "boot-1 100 5000") -> Launch:
    found = read(environ, lambda _: who)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("environ", "launcher", "rank", "world", "local_rank"),
    [
        (TORCHRUN, "torch", 3, 8, 3),
        (TWO_NODES, "torch", 3, 16, 3),
        (DEEPSPEED, "torch", 1, 2, 1),
        (SRUN, "slurm", 5, 8, 1),
        (MPIRUN, "openmpi", 1, 4, 1),
        (HYDRA, "mpi", 2, 4, 0),
        (PYTORCH_JOB, "torch", 1, 4, 0),
        (INDEXED_JOB, "kubernetes", 2, 4, 0),
        (SRUN | TORCHRUN, "torch", 3, 8, 3),
    ],
)
def test_every_launcher_says_which_rank_this_is(
    environ: Mapping[str, str], launcher: str, rank: int, world: int, local_rank: int
) -> None:
    """torchrun under srun makes the ranks that matter."""
    found = launch(environ)
    assert (found.launcher, found.rank, found.world, found.local_rank) == (launcher, rank, world, local_rank)
    assert found.label == f"rank{rank}"


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"RANK": "0", "WORLD_SIZE": "1"},
        {"RANK": "-1", "WORLD_SIZE": "8"},
        {"RANK": "8", "WORLD_SIZE": "8"},
        {"RANK": "captain", "WORLD_SIZE": "8"},
        {"SLURM_JOB_ID": "1", "SLURM_PROCID": "0", "SLURM_NTASKS": "8"},  # The script of sbatch itself.
        {"JOB_COMPLETION_INDEX": "3"},  # A queue of separate tasks.
        {"LOCAL_RANK": "1"},
    ],
)
def test_a_process_that_is_alone_has_no_rank(environ: Mapping[str, str]) -> None:
    assert read(environ, parent) is None


# What differs between the ranks of one job: its other ranks have the same key.
RANKS = [
    (
        TORCHRUN,
        {"RANK": "0", "LOCAL_RANK": "0", "TORCHELASTIC_ERROR_FILE": "/tmp/torchelastic_x7/none_k2/attempt_0/0/e"},
    ),
    (TWO_NODES, {"RANK": "12", "TORCHELASTIC_ERROR_FILE": "/tmp/torchelastic_q1/none_p/attempt_0/0/e"}),
    (DEEPSPEED, {"RANK": "0", "LOCAL_RANK": "0"}),
    (SRUN, {"SLURM_PROCID": "0", "SLURM_LOCALID": "0"}),
    (MPIRUN, {"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_LOCAL_RANK": "0"}),
    (PYTORCH_JOB, {"RANK": "0"}),
    (INDEXED_JOB, {"JOB_COMPLETION_INDEX": "0"}),
]
# What differs between two jobs of the same kind, one after the other.
JOBS = [
    (TORCHRUN, {"TORCHELASTIC_ERROR_FILE": "/tmp/torchelastic_x7/none_k3/attempt_0/3/error.json"}, True),
    (TWO_NODES, {"TORCHELASTIC_RUN_ID": "job-8"}, False),
    (SRUN, {"SLURM_STEP_ID": "1"}, True),
    (SRUN | TWO_NODES, {"SLURM_JOB_ID": "4712"}, True),
    (PYTORCH_JOB, {"MASTER_ADDR": "cifar-master-0"}, False),
]


@pytest.mark.parametrize(("environ", "other"), RANKS)
def test_all_ranks_of_a_job_work_out_one_run(environ: Mapping[str, str], other: Mapping[str, str]) -> None:
    """No network, no file: each by itself."""
    here, there = launch(environ), launch({**environ, **other})
    assert here.rank != there.rank
    seed = here.seed("p", 1)
    assert seed is not None
    assert seed == there.seed("p", 1)
    assert names.check_run_id(names.new_run_id(seed)) == names.new_run_id(seed)
    assert run_name(seed) == run_name(seed)


@pytest.mark.parametrize(("environ", "other", "unique"), JOBS)
def test_two_jobs_are_two_runs(environ: Mapping[str, str], other: Mapping[str, str], unique: bool) -> None:
    """A key that may come again is known as one: such a run begins anew when the one before has ended."""
    here, there = launch(environ), launch({**environ, **other})
    assert here.seed("p", 1) != there.seed("p", 1)
    assert here.unique is unique


def test_two_launchers_on_one_machine_are_two_runs() -> None:
    assert launch(MPIRUN, "boot-1 100 5000").key != launch(MPIRUN, "boot-1 100 6000").key
    # A folder of the same name on a machine beside it is another folder.
    assert launch(TORCHRUN, "boot-1 1 1").key != launch(TORCHRUN, "boot-2 1 1").key


def test_each_run_of_a_job_and_each_project_has_an_id_of_its_own() -> None:
    job = launch(TORCHRUN)
    assert len({job.seed("p", 1), job.seed("p", 2), job.seed("q", 1)}) == 3


def test_ranks_that_the_launcher_started_again_go_on_in_their_run() -> None:
    again = TORCHRUN | {
        "TORCHELASTIC_RESTART_COUNT": "1",
        "TORCHELASTIC_ERROR_FILE": "/tmp/torchelastic_x7/none_k2/attempt_1/3/error.json",
    }
    assert launch(again).key == launch(TORCHRUN).key
    assert launch(again).restarted
    assert not launch(TORCHRUN).restarted


def test_two_agents_that_play_two_machines_on_one_are_one_job() -> None:
    """They have nothing but the address and the port; which machine's loopback it is counts too."""
    two = {"WORLD_SIZE": "16", "MASTER_PORT": "29588"}
    environ = {**TORCHRUN, **two}
    assert launch(environ, "boot-1 100 5000").key == launch(environ, "boot-1 101 5003").key
    assert launch(environ, "boot-1 100 5000").key != launch(environ, "boot-2 100 5000").key


def test_ranks_that_were_started_by_hand_have_their_shell_in_common() -> None:
    here, there = launch({"RANK": "0", "WORLD_SIZE": "2"}), launch({"RANK": "1", "WORLD_SIZE": "2"})
    assert here.key == there.key != ""
    assert not here.unique


def test_ranks_on_several_machines_without_anything_in_common_know_it() -> None:
    """Each machine's ranks cannot know the others: the run's id has to be given."""
    assert launch(HYDRA).seed("p", 1) is None
