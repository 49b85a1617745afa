"""Which of how many processes this is, as its launcher says in the environment, and which run they all share.

Every rank of a job works out the same run id by itself, without a network: from what only the ranks of this job
have in common. Pure: the environment is a mapping, and who started the process is asked of `parent`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module

RANKS_MAX = 1_000_000  # More is no rank, but a number that stands in a variable of that name.

# Where a launcher writes rank, world, local rank and local world. The first whose rank and world are there counts:
# torchrun under srun or mpirun makes the ranks that matter.
_TORCH = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE LOCAL_SIZE")
_LAUNCHERS = {
    "torch": _TORCH,  # And all that follow its custom: accelerate, DeepSpeed, Kubeflow.
    "openmpi": (
        "OMPI_COMM_WORLD_RANK",
        "OMPI_COMM_WORLD_SIZE",
        "OMPI_COMM_WORLD_LOCAL_RANK",
        "OMPI_COMM_WORLD_LOCAL_SIZE",
    ),
    # The numbers of the step, not of the job: a script that sbatch runs is one process, however many were asked for.
    "slurm": ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", ""),
    "mpi": ("PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"),
    "mvapich": ("MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_LOCAL_RANK", "MV2_COMM_WORLD_LOCAL_SIZE"),
    # An indexed job without a world is a queue of separate tasks.
    "kubernetes": ("JOB_COMPLETION_INDEX", "WORLD_SIZE", "", ""),
}
RANKS = frozenset(rank for rank, *_ in _LAUNCHERS.values())
"""The variables that say which rank a process is: without them it is one by itself."""
# Numbers that a scheduler gives to one job and never again, and what it calls a part of a job.
_JOBS = (
    ("SLURM_JOB_ID", "SLURM_STEP_ID"),
    ("PBS_JOBID", ""),
    ("LSB_JOBID", ""),
    ("FLUX_JOB_ID", ""),
    ("PJM_JOBID", ""),
    ("COBALT_JOBID", ""),
)
_CLUSTERS = ("SLURM_CLUSTER_NAME", "PBS_SERVER", "LSF_CLUSTER_NAME", "KUBERNETES_SERVICE_HOST")
_RESTARTS = ("TORCHELASTIC_RESTART_COUNT", "SLURM_RESTART_COUNT")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Launch:
    """One process of a job of several."""

    launcher: str
    rank: int
    world: int
    local_rank: int
    key: str = ""  # What all ranks of this job have in common; empty when there is nothing.
    unique: bool = False  # No other job will ever have this key.
    restarted: bool = False  # The launcher began the ranks again: they go on where they were.

    @property
    def label(self) -> str:
        """What this writer of the run is called."""
        return f"rank{self.rank}"

    def seed(self, project: str, count: int) -> bytes | None:
        """Give what the id and the name of the job's run number `count` in a project are made of; None: unknown."""
        if not self.key:
            return None
        text = "\0".join((self.key, project, str(count)))
        # A process of its own never needs it, and would load it for nothing.
        digest: bytes = import_module("hashlib").sha256(text.encode("utf-8", "surrogateescape")).digest()
        return digest


def read(environ: Mapping[str, str], parent: Callable[[str], str] = lambda _: "") -> Launch | None:
    """Find out which rank of a job this is; None where there is only one process.

    `parent` says who launched this process, given the variable that holds its rank: the same words for all that one
    launcher started, and other words for every other launcher, ever.
    """
    for launcher, (rank_name, world_name, local_name, locals_names) in _LAUNCHERS.items():
        rank, world = _number(environ, rank_name), _number(environ, world_name)
        if rank is None or world is None or rank >= world:
            continue
        if world == 1:
            return None
        local_rank = _number(environ, local_name)
        local_world = next((n for name in locals_names.split() if (n := _number(environ, name)) is not None), None)
        if launcher == "slurm" and environ.get("SLURM_STEP_NUM_NODES", environ.get("SLURM_NNODES")) == "1":
            local_world = world
        key, unique = _key(environ, launcher, world, local_world, partial(parent, rank_name))
        return Launch(
            launcher=launcher,
            rank=rank,
            world=world,
            local_rank=0 if local_rank is None else local_rank,
            key=key,
            unique=unique,
            restarted=any(_number(environ, name) for name in _RESTARTS),
        )
    return None


def _number(environ: Mapping[str, str], name: str) -> int | None:
    text = environ.get(name, "") if name else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 and int(text) < RANKS_MAX else None


def _key(
    environ: Mapping[str, str], launcher: str, world: int, local_world: int | None, parent: Callable[[], str]
) -> tuple[str, bool]:
    """Find what the ranks have in common, and whether no other job can ever have it."""
    job, part = next(((environ[job], environ.get(part, "")) for job, part in _JOBS if environ.get(job)), ("", ""))
    cluster = next((environ[name] for name in _CLUSTERS if environ.get(name)), "")
    # A rendezvous that was given no name is called `none`.
    meeting = environ.get("TORCHELASTIC_RUN_ID", "none")
    if local_world == world:
        # torchrun's agent gives its ranks a folder that it made for itself: even a shell between them does not hide it.
        folder, attempt, _ = environ.get("TORCHELASTIC_ERROR_FILE", "").rpartition("/attempt_")
        if attempt and (who := parent()):
            machine = who.split(" ")[0]
            return f"agent {machine} {folder}", True
        if who := parent():
            return f"parent {who}", True
    if job and (launcher != "slurm" or part):
        return f"job {cluster} {job} {part} {meeting}", True
    address, port = environ.get("MASTER_ADDR", ""), environ.get("MASTER_PORT", "")
    if launcher == "openmpi" and (space := environ.get("PMIX_NAMESPACE") or environ.get("OMPI_MCA_ess_base_jobid")):
        return f"mpi {space}", False
    if meeting != "none":
        # After a restart the ranks meet at another port.
        return f"meeting {cluster} {meeting} {address}", False
    if address in _LOOPBACK or (not address and local_world is None and launcher == "torch"):
        who = parent()
        if local_world is None:  # Started by hand, one after the other, from one shell.
            return f"shell {who} {port}" if who else "", False
        address = f"{who.split(' ')[0]} {address}"  # Every machine has such an address.
    if address:
        return f"address {cluster} {address} {port} {world}", False
    return "", False
