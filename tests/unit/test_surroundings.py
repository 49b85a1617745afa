"""What is known about a run's surroundings, and what is kept from being known."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest

from runcast import events
from runcast.ancestry import launcher_of
from runcast.errors import RuncastError, UsageError
from runcast.launch import Launch
from runcast.surroundings import facts, sampler
from runcast.surroundings.amd import Amd
from runcast.surroundings.apple import Apple
from runcast.surroundings.background import Background
from runcast.surroundings.facts import Process
from runcast.surroundings.git import DIFF_BYTES_MAX, Git
from runcast.surroundings.linux import Linux
from runcast.surroundings.machine import Machine
from runcast.surroundings.nvidia import Nvidia
from runcast.surroundings.sampler import Sampler
from runcast.surroundings.secrets import (
    MASK,
    is_secret,
    mask_arguments,
    mask_text,
    mask_variables,
    secret_values,
    without_user,
)
from runcast.surroundings.wanted import Wanted

# Secrets.


@pytest.mark.parametrize(
    "name",
    "--api-key --token WANDB_API_KEY HF_TOKEN AWS_SECRET_ACCESS_KEY AWS_ACCESS_KEY_ID db.password DB_PWD "
    "--hub_token githubToken OPENAI_API_KEY apikey client_secret +model.auth_token SSH_PASSPHRASE SENTRY_DSN".split(),
)
def test_a_name_can_say_that_it_is_a_secret(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize(
    "name",
    "--max-tokens num_tokens --tokenizer --keys monkey --key_dim author tokens_per_batch --new_token_limit PWD "
    "OLDPWD SSH_AUTH_SOCK GOOGLE_TOKEN_FILE passes --pad_token --mask_token --max_new_tokens compass".split(),
)
def test_most_names_do_not(name: str) -> None:
    assert not is_secret(name)


@pytest.mark.parametrize(
    ("given", "masked"),
    [
        (["--api-key=abc", "--lr=0.1"], ["--api-key=****", "--lr=0.1"]),
        (["--token", "abc", "--lr", "0.1"], ["--token", "****", "--lr", "0.1"]),
        (["--password", "--lr", "0.1"], ["--password", "--lr", "0.1"]),
        (["logger.api_key=abc", "+auth.token=x"], ["logger.api_key=****", "+auth.token=****"]),
        (["--max-tokens", "512"], ["--max-tokens", "512"]),
        (["redis://user:pw@host:1/0"], ["redis://****@host:1/0"]),
        (["redis://u:x@h/0?password=sekret2&db=1&username=u"], ["redis://****@h/0?password=****&db=1&username=****"]),
        (["redis://:se/kr@et?x@h/0"], ["redis://****@h/0"]),
        (["http://u:sek/ret@h:1/a"], ["http://****@h:1/a"]),
        (
            ["https://h:8080/@me/a", "http://[::1]:80/@a", "s3://bucket/a@b"],
            ["https://h:8080/@me/a", "http://[::1]:80/@a", "s3://bucket/a@b"],
        ),
        (["--data=s3://k:s@bucket/x"], ["--data=s3://****@bucket/x"]),
        (["--note", "hf_" + "a" * 30], ["--note", "****"]),
        (["sk-proj-" + "a" * 40, "AKIAABCDEFGHIJKLMNOP"], ["****", "****"]),
        (["--header=Authorization: zebra123"], ["--header=Authorization: ****"]),
    ],
)
def test_secrets_of_a_command_line_are_masked(given: list[str], masked: list[str]) -> None:
    """By the option's name, by their form, and where they are the value of a secret variable."""
    assert mask_arguments(given, secret_values({"MY_TOKEN": "zebra123"})) == masked


def test_secrets_of_variables_are_masked_wherever_they_stand() -> None:
    environ = {"A_TOKEN": "one-two-three", "URL": "http://x/?k=one-two-three", "SHORT_TOKEN": "1", "PWD": "/home/me"}
    masked = {"A_TOKEN": MASK, "URL": "http://x/?k=****", "SHORT_TOKEN": MASK, "PWD": "/home/me"}
    assert mask_variables(environ) == masked
    assert mask_text("nothing here", secret_values(environ)) == "nothing here"


def test_the_address_of_a_remote_has_no_password() -> None:
    assert without_user("https://me:ghp_x@github.com/a/b.git") == "https://github.com/a/b.git"
    assert without_user("git@github.com:a/b.git") == "git@github.com:a/b.git"


# Git.


def git(folder: Path, *words: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@b.c", *words], cwd=folder, check=True, capture_output=True
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-b", "main")
    (tmp_path / "train.py").write_text("lr = 1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    git(tmp_path, "remote", "add", "origin", "https://me:secret@example.org/a.git")
    return tmp_path


def test_a_tree_says_what_it_stands_at(repository: Path) -> None:
    (repository / "sub").mkdir()
    known = Git(repository / "sub", {}).facts()
    assert len(str(known.pop("commit"))) == 40
    assert known == {"branch": "main", "remote": "https://example.org/a.git", "dirty": False, "folder": "sub"}


def test_what_is_changed_is_a_patch_without_secrets(repository: Path) -> None:
    (repository / "train.py").write_text("lr = 2\nkey = 'zebra123'\n")
    asked = Git(repository, {"MY_TOKEN": "zebra123"})
    assert asked.facts()["dirty"] is True
    patch, cut = asked.diff()
    assert b"-lr = 1\n+lr = 2\n+key = '****'\n" in patch
    assert not cut


def test_a_change_without_bounds_is_cut(repository: Path) -> None:
    (repository / "train.py").write_text("x" * 79 + "\n" * 1 + ("y" * 79 + "\n") * (DIFF_BYTES_MAX // 40))
    patch, cut = Git(repository, {}).diff()
    assert cut
    assert len(patch) <= DIFF_BYTES_MAX
    assert patch.endswith(b"\n")


def test_a_folder_without_git_and_a_git_without_time_have_no_answer(tmp_path: Path, repository: Path) -> None:
    assert Git(Path("/"), {}).facts() == {}
    assert Git(tmp_path / "gone", {}).facts() == {}
    assert Git(repository, {"PATH": "/nowhere"}).facts() == {}
    assert Git(repository, {}, seconds=0).facts() == {}


# The machine.


@pytest.mark.parametrize("kind", [Linux, Machine])
def test_a_machine_says_how_it_does(kind: Callable[[], Linux | Machine]) -> None:
    values = kind().read()
    assert {"cpu", "memory_percent", "disk", "proc.memory.rssMB", "proc.cpu.threads"} <= set(values)
    assert all(isinstance(value, float | int) and value >= 0 for value in values.values())
    assert 0 < values["memory_percent"] < 100


def test_both_ways_to_read_a_machine_say_the_same() -> None:
    linux, psutil = Linux(), Machine()
    here, there = linux.read(), psutil.read()
    assert set(here) == set(there)
    for name in ("memory_percent", "disk", "disk.usedGB", "proc.memory.rssMB", "proc.memory.availableMB"):
        assert here[name] == pytest.approx(there[name], rel=0.05, abs=1)
    until = time.monotonic() + 0.3
    while time.monotonic() < until:
        pass
    here, there = linux.read(), psutil.read()
    assert here["proc.cpu"] == pytest.approx(there["proc.cpu"], rel=0.25)
    assert here["cpu"] == pytest.approx(there["cpu"], abs=25)


def test_memory_in_a_container_is_measured_against_its_limit(tmp_path: Path) -> None:
    """What the kernel only remembers of files does not count."""
    (tmp_path / "memory.max").write_text(f"{1 << 30}\n")
    (tmp_path / "memory.current").write_text(f"{3 << 28}\n")
    (tmp_path / "memory.stat").write_text(f"anon 1\ninactive_file {1 << 28}\n")
    assert Linux(cgroup=tmp_path).read()["memory_percent"] == 50


class Nvml:
    """Two GPUs, of which the second tells little."""

    nvmlInit = nvmlShutdown = staticmethod(lambda: None)  # noqa: N815
    nvmlDeviceGetCount = staticmethod(lambda: 2)  # noqa: N815
    nvmlDeviceGetHandleByIndex = staticmethod(int)  # noqa: N815
    nvmlDeviceGetName = staticmethod(lambda at: b"H200" if at == 0 else "MIG")  # noqa: N815
    nvmlDeviceGetMemoryInfo = staticmethod(lambda at: SimpleNamespace(used=1 << 30, total=4 << 30))  # noqa: N815
    nvmlDeviceGetTemperature = staticmethod(lambda at, kind: 41)  # noqa: N815
    nvmlDeviceGetEnforcedPowerLimit = staticmethod(lambda at: 400_000)  # noqa: N815
    nvmlDeviceGetPowerUsage = staticmethod(lambda at: 100_000)  # noqa: N815

    @staticmethod
    def nvmlDeviceGetUtilizationRates(at: int) -> Any:  # noqa: N802
        if at == 1:
            raise RuntimeError("not supported")
        return SimpleNamespace(gpu=97, memory=40)


def test_nvidia_gpus_are_sampled_and_described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", Nvml)
    gpus = Nvidia()
    assert [gpu["name"] for gpu in gpus.describe()] == ["H200", "MIG"]
    values = gpus.read()
    assert values["gpu.0.gpu"] == 97
    assert values["gpu.0.memoryAllocated"] == 25
    assert values["gpu.0.powerWatts"] == 100
    assert values["gpu.0.powerPercent"] == 25
    assert "gpu.1.gpu" not in values
    assert values["gpu.1.temp"] == 41


def test_amd_gpus_are_read_from_the_drivers_files(tmp_path: Path) -> None:
    for card, vendor in (("card0", "0x8086"), ("card10", "0x1002"), ("card2", "0x1002")):
        device = tmp_path / card / "device"
        (device / "hwmon" / "hwmon3").mkdir(parents=True)
        told = {"vendor": vendor, "gpu_busy_percent": card[4:]}
        for name, text in (told | {"mem_info_vram_used": "50", "mem_info_vram_total": "200"}).items():
            (device / name).write_text(f"{text}\n")
        (device / "hwmon" / "hwmon3" / "temp1_input").write_text("61000\n")
        (device / "hwmon" / "hwmon3" / "power1_average").write_text("250000000\n")
    gpus = Amd(cards=tmp_path)
    values = gpus.read()
    assert [values[f"gpu.{at}.gpu"] for at in (0, 1)] == [2, 10]
    assert (values["gpu.0.memoryAllocated"], values["gpu.0.temp"], values["gpu.0.powerWatts"]) == (25, 61, 250)
    assert len(gpus.describe()) == 2
    with pytest.raises(RuncastError):
        Amd(cards=tmp_path / "none")


IOREG = """+-o AGXAcceleratorG13X  <class AGXAcceleratorG13X>
    {
      "model" = "Apple M1 Pro"
      "PerformanceStatistics" = {"In use system memory (driver)"=0,"Device Utilization %"=12,"In use system memory"=581}
    }
"""


def test_an_apple_gpu_is_read_from_the_registry() -> None:
    gpu = Apple(ask=lambda: IOREG)
    assert gpu.describe() == [{"name": "Apple M1 Pro"}]
    assert gpu.read() == {"gpu.0.gpu": 12, "gpu.0.memoryAllocatedBytes": 581}
    with pytest.raises(RuncastError):
        Apple(ask=lambda: "")


# Sampling.


class Counting:
    """A source that fails from some sample on."""

    def __init__(self, fails_from: int = 10**9) -> None:
        self.reads, self._fails_from = 0, fails_from

    def read(self) -> dict[str, float]:
        self.reads += 1
        if self.reads > self._fails_from:
            raise OSError("gone")
        return {"n": float(self.reads)}


class Stopping(Event):
    """Counts the pauses instead of waiting, and stops after so many."""

    def __init__(self, pauses: int) -> None:
        super().__init__()
        self.pauses: list[float] = []
        self._left = pauses

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout or 0)
        return len(self.pauses) >= self._left


def test_samples_are_numbered_and_the_last_is_taken_at_the_end() -> None:
    put: list[tuple[int, Mapping[str, float]]] = []
    stopping = Stopping(3)
    Sampler([Counting()], lambda at, values: put.append((at, values)), stopping, every_seconds=5).run()
    assert put == [(0, {"_system/n": 1}), (1, {"_system/n": 2}), (2, {"_system/n": 3})]
    assert stopping.pauses == [sampler.FIRST_SECONDS, 5, 5]


def test_a_sample_that_is_dear_is_taken_less_often() -> None:
    """However much a driver asks for, it gets no more than its share of a core."""
    stopping, clock = Stopping(3), iter(range(100))
    Sampler([Counting()], lambda *_: None, stopping, every_seconds=5, clock=lambda: 0.01 * next(clock)).run()
    assert stopping.pauses == pytest.approx([1, 0.01 / sampler.SHARE_MAX, 0.01 / sampler.SHARE_MAX])


def test_a_source_that_fails_is_left_out_and_the_others_go_on() -> None:
    good, bad, stopping = Counting(), Counting(fails_from=1), Stopping(9)
    Sampler([good, bad], lambda *_: None, stopping, every_seconds=5).run()
    assert (good.reads, bad.reads) == (9, 1 + sampler.FAILURES_MAX)


# Facts.


class Kept:
    """What a run would be told."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {}
        self.samples: list[Mapping[str, float]] = []
        self.files: dict[str, bytes] = {}

    def tell(self, event: events.Event) -> None:
        assert isinstance(event, events.Describe)
        self.facts.update(event.values)

    def sample(self, number: int, values: Mapping[str, float]) -> None:
        self.samples.append(values)

    def keep(self, name: str, data: bytes) -> bool:
        self.files[name] = data
        return True


def process(folder: Path, launch: Launch | None = None, **environ: str) -> Process:
    return Process(("python", "train.py", "--token=x"), "/usr/bin/python", folder, environ, (str(folder),), launch)


def attended(known: Process, **wanted: Any) -> Kept:
    kept, stopping = Kept(), Event()
    stopping.set()
    Background(kept, Wanted(**wanted), known, stopping).work()
    return kept


def test_a_run_knows_its_code_its_command_its_packages_and_its_machine(repository: Path) -> None:
    (repository / "Foo_Bar-1.2.3.dist-info").mkdir()
    (repository / "baz-2-py3.11.egg-info").touch()
    (repository / "train.py").write_text("lr = 2\n")
    kept = attended(process(repository, CUDA_VISIBLE_DEVICES="0", HOME="/root", NCCL_TOKEN="hush-hush"))
    assert kept.facts["command"]["line"] == ["python", "train.py", "--token=****"]
    assert kept.facts["packages"] == {"baz": "2", "foo-bar": "1.2.3"}
    assert kept.facts["environment"] == {"CUDA_VISIBLE_DEVICES": "0", "NCCL_TOKEN": "****"}
    assert kept.facts["git"]["diff"] == "diff.patch"
    assert b"+lr = 2" in kept.files["diff.patch"]
    assert kept.facts["system"]["cpu_count"] >= 1
    assert kept.facts["interpreter"]["version"].startswith("3.")
    assert len(kept.samples) == 1
    assert all(name.startswith("_system/") for name in kept.samples[0])


def test_what_is_not_wanted_is_not_asked(repository: Path) -> None:
    (repository / "train.py").write_text("lr = 2\n")
    kept = attended(process(repository), facts=False, git=False, samples=False)
    assert (kept.facts, kept.samples, kept.files) == ({}, [], {})
    kept = attended(process(repository), facts=False, samples=False, code=False)
    assert kept.files == {}
    assert kept.facts["git"]["dirty"] is True


@pytest.mark.parametrize(
    ("rank", "local_rank", "told", "samples"),
    [
        (0, 0, {"command", "interpreter", "job", "packages", "system", "git"}, 1),
        (8, 0, {"system.rank8"}, 1),
        (3, 3, set(), 0),
    ],
)
def test_of_many_ranks_one_speaks_for_the_job_and_one_for_each_machine(
    repository: Path, rank: int, local_rank: int, told: set[str], samples: int
) -> None:
    (repository / "a-1.dist-info").mkdir()
    kept = attended(process(repository, Launch("torch", rank, 16, local_rank)))
    assert set(kept.facts) == told
    assert len(kept.samples) == samples


def test_packages_come_as_they_are_imported(tmp_path: Path) -> None:
    for folder in ("first", "second"):
        (tmp_path / folder / f"pack-{len(folder)}.dist-info").mkdir(parents=True)
    found = facts.packages([str(tmp_path / "first"), str(tmp_path / "second"), str(tmp_path / "none")])
    assert found == {"pack": "5"}


# What is wanted.


@pytest.mark.parametrize(
    ("environ", "changed"),
    [
        ({}, {}),
        ({"RUNCAST_SYSTEM": "0"}, {"samples": False}),
        ({"WANDB__DISABLE_STATS": "true"}, {"samples": False}),
        ({"RUNCAST_SYSTEM": "1", "WANDB__DISABLE_STATS": "true"}, {}),
        (
            {"RUNCAST_META": "off", "RUNCAST_GIT": "no", "RUNCAST_CODE": "0"},
            {"facts": False, "git": False, "code": False},
        ),
        ({"WANDB_DISABLE_GIT": "1", "WANDB_DISABLE_CODE": "1"}, {"git": False, "code": False}),
        ({"WANDB_DISABLE_GIT": "maybe"}, {}),
        ({"RUNCAST_SYSTEM_SECONDS": "0.5"}, {"every_seconds": 0.5}),
        ({"RUNCAST_CONSOLE": "redirect", "WANDB_CONSOLE": "off"}, {"console": "redirect"}),
        ({"WANDB_CONSOLE": "wrap_raw"}, {"console": "wrap"}),
    ],
)
def test_the_environment_switches_off(environ: Mapping[str, str], changed: dict[str, Any]) -> None:
    """Our variables first; W&B's where they say nothing."""
    assert Wanted.from_env(environ) == Wanted(**changed)


def test_settings_of_wandb_switch_off_too() -> None:
    given = {"x_disable_stats": True, "disable_git": True, "console": "off", "anything": 1, "x_disable_meta": None}
    assert Wanted().changed(given) == Wanted(samples=False, git=False, console="off")
    assert Wanted(code=False).changed({"save_code": True}).code


@pytest.mark.parametrize(
    "environ",
    [
        {"RUNCAST_SYSTEM": "maybe"},
        {"RUNCAST_SYSTEM_SECONDS": "0"},
        {"RUNCAST_SYSTEM_SECONDS": "x"},
        {"RUNCAST_CONSOLE": "x"},
    ],
)
def test_what_means_nothing_is_refused(environ: Mapping[str, str]) -> None:
    with pytest.raises(UsageError, match=next(iter(environ))):
        Wanted.from_env(environ)


# Who launched this.


def test_a_launcher_is_named_so_that_no_other_has_its_name() -> None:
    """Two processes that one launcher started say the same, and a process that one of them started says another."""
    say = "from runcast.ancestry import launcher_of; print(launcher_of('RANK'))"
    twice = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {say!r}]); {say}"
    one, other, child = (
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.splitlines()
        for program in (say, say, twice)
    )
    assert one == other == child[1:]
    assert child[0] != child[1]


def test_a_shell_that_belongs_to_the_rank_is_no_launcher(tmp_path: Path) -> None:
    """`mpirun bash train.sh` starts a shell for each rank; mpirun launched them."""
    parent = os.getppid()
    stat = "{pid} ({name}) S {parent} " + "0 " * 17 + "{began} 0\n"
    for pid, name, above, began, environ in (
        (parent, "bash", 7, 500, "RANK=1\0"),
        (7, "mpi (run)", 1, 400, "HOME=/\0"),
    ):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "stat").write_text(stat.format(pid=pid, name=name, parent=above, began=began))
        (tmp_path / str(pid) / "environ").write_text(environ)
    assert launcher_of("RANK", proc=tmp_path).endswith(" 7 400")
    assert launcher_of("PMI_RANK", proc=tmp_path).endswith(f" {parent} 500")
