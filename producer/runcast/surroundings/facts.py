"""What a run was made with and where: command line, Python and packages, the machine, the scheduler's words.

Secrets are masked before anything leaves here. Everything is read from files and names, nothing is imported.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runcast.launch import Launch
from runcast.surroundings.secrets import mask_arguments, mask_text, mask_variables, secret_values

PACKAGES_MAX = 2000  # More is no environment, but a mirror.
ARGUMENTS_MAX, ARGUMENT_CHARS_MAX = 200, 200  # A command line with a thousand files says as much by its beginning.
VARIABLES_MAX, VARIABLE_CHARS_MAX = 200, 200

# Variables that say how a training was set up; all others are nobody's business.
_VARIABLES = re.compile(
    r"(?:SLURM_(?:JOB|STEP|ARRAY|CLUSTER|NODE|NTASKS|PROCID|LOCALID|GPUS|CPUS|RESTART|NNODES|MEM|SUBMIT_HOST)\w*|PBS_JOBID|"
    r"PBS_O_QUEUE|LSB_JOBID|LSB_QUEUE|FLUX_JOB_ID|RANK|LOCAL_RANK|GROUP_RANK|WORLD_SIZE|LOCAL_WORLD_SIZE|MASTER_ADDR|"
    r"MASTER_PORT|TORCHELASTIC_(?:RUN_ID|RESTART_COUNT|MAX_RESTARTS)|OMPI_COMM_WORLD_\w+|PMI_\w+|PMIX_RANK|"
    r"PMIX_NAMESPACE|JOB_COMPLETION_INDEX|KUBERNETES_SERVICE_HOST|HOSTNAME|POD_\w+|NODE_NAME|CUDA_(?:VISIBLE_DEVICES|"
    r"DEVICE_ORDER|LAUNCH_BLOCKING|DEVICE_MAX_CONNECTIONS)|NVIDIA_VISIBLE_DEVICES|ROCR_VISIBLE_DEVICES|"
    r"HIP_VISIBLE_DEVICES|NCCL_\w+|RCCL_\w+|GLOO_\w+|TORCH_\w+|PYTORCH_\w+|TF_\w+|XLA_\w+|JAX_\w+|OMP_\w+|MKL_\w+|"
    r"OPENBLAS_NUM_THREADS|NUMEXPR_\w+|PYTHONHASHSEED|CUBLAS_WORKSPACE_CONFIG|ACCELERATE_\w+|DEEPSPEED_\w+|DS_\w+|"
    r"FSDP_\w+|MLFLOW_RUN_ID|CONDA_DEFAULT_ENV|VIRTUAL_ENV|TOKENIZERS_PARALLELISM|HF_(?:HOME|HUB_OFFLINE|DATASETS_OFFLINE))"
)
_DISTRIBUTION = re.compile(r"([A-Za-z0-9][\w.+]*?)-(\d[\w.+!]*)(?:-py\d\S*)?\.(?:dist|egg)-info", re.IGNORECASE)


@dataclass(frozen=True)
class Process:
    """What there is to know of this process, as it was when the run began."""

    arguments: Sequence[str]  # As the interpreter was started, its own options too.
    executable: str
    folder: Path
    environ: Mapping[str, str]
    path: Sequence[str]  # Where modules are looked for.
    launch: Launch | None = None

    @classmethod
    def here(cls, environ: Mapping[str, str], launch: Launch | None) -> Process:
        """Take down this process; cheap, for `init` waits for it."""
        try:
            folder = Path.cwd()
        except OSError:  # Somebody deleted it.
            folder = Path("/")
        arguments = sys.orig_argv or sys.argv
        return cls(tuple(arguments), sys.executable, folder, dict(environ), tuple(sys.path), launch)


def command(process: Process) -> dict[str, Any]:
    """Say how the program was started."""
    values = secret_values(process.environ)
    masked = mask_arguments(process.arguments[:ARGUMENTS_MAX], values)
    return {
        "line": [argument[:ARGUMENT_CHARS_MAX] for argument in masked],
        "executable": process.executable,
        "folder": mask_text(str(process.folder), values),
    }


def packages(path: Iterable[str]) -> dict[str, str]:
    """List what is installed, by the names of folders: hundreds of packages take a millisecond."""
    found: dict[str, str] = {}
    for folder in path:
        with suppress(OSError), os.scandir(folder or ".") as entries:
            for entry in entries:
                # The first on the path is the one that is imported.
                if len(found) < PACKAGES_MAX and (is_one := _DISTRIBUTION.fullmatch(entry.name)):
                    found.setdefault(is_one[1].replace("_", "-").lower(), is_one[2])
    return dict(sorted(found.items()))


def interpreter() -> dict[str, str]:
    """Say which Python this is, in more words than a run's Start has."""
    return {
        "version": platform.python_version(),
        "implementation": platform.python_implementation(),
        "compiler": platform.python_compiler(),
    }


def job(launch: Launch | None) -> dict[str, Any]:
    """Say which rank of which job this is; empty for a process of its own."""
    if launch is None:
        return {}
    return {"launcher": launch.launcher, "rank": launch.rank, "world": launch.world, "local_rank": launch.local_rank}


def variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Choose the variables that say how a training was set up, masked."""
    chosen = sorted(item for item in mask_variables(environ).items() if _VARIABLES.fullmatch(item[0]))
    return {name: value[:VARIABLE_CHARS_MAX] for name, value in chosen[:VARIABLES_MAX]}


def system(gpus: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Say what machine this is."""
    name = os.uname()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    facts: dict[str, Any] = {
        "host": name.nodename,
        "os": f"{name.sysname} {name.release}",
        "platform": platform.platform(),
        "architecture": name.machine,
        "cpu": _cpu_model(),
        "cpu_count": os.cpu_count(),
        "cpu_usable": _usable(),
        "memory_bytes": memory,
        "gpu_count": len(gpus),
        "gpus": [dict(gpu) for gpu in gpus],
    }
    return {key: value for key, value in facts.items() if value not in (None, "", [])}


def _usable() -> int | None:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else None


def _cpu_model() -> str:
    with suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()
