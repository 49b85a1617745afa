"""`import wandb` finds Runcast: for one program, for what it starts, and for a whole Python."""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Mapping
from importlib.metadata import distribution
from pathlib import Path

import pytest
from tests.flow.running import environment, runcast

from runcast.shim.distribution import SITE, ShimRefused, install, installed, uninstall

NAMES = """
import importlib.metadata, importlib.util, sys
assert importlib.util.find_spec("wandb").origin.endswith("__init__.py")
assert importlib.metadata.version("wandb") == "0.31.0"
import wandb
assert wandb.__version__ == "0.31.0" and hasattr(wandb, "run") and wandb.run is None
import runcast
import wandb.sdk.data_types.base_types
from wandb.sdk.lib import RunDisabled, telemetry
from wandb.sdk.lib.config_util import ConfigError
from wandb.sdk.lib.disabled import RunDisabled as Same
from wandb.sdk.lib.paths import StrPath
from wandb.sdk.wandb_run import Run
from wandb.util import generate_id, get_module, json_dumps_safer, make_artifact_name_safe
from wandb.wandb_run import Run as Old
assert Run is Old is wandb.Run is wandb.sdk.wandb_run.Run is runcast.Run
assert Same is RunDisabled and ConfigError is runcast.ConfigError and issubclass(ConfigError, wandb.Error)
assert wandb.errors.UsageError is wandb.UsageError is runcast.UsageError
for mode in "disabled", "offline":
    with wandb.init(project="p", mode=mode) as run:
        assert isinstance(run, wandb.sdk.wandb_run.Run) and wandb.run is run
        with telemetry.context(run=run) as tel:
            tel.feature.keras = True
        wandb.log({"a": 1})
        assert dict(wandb.summary)["a"] == 1
    assert wandb.run is None
assert set(wandb.patched) == {"tensorboard", "keras", "gym"}
assert wandb.api.api_key is None and wandb.ensure_configured() is None
assert wandb.env.PROJECT == "WANDB_PROJECT"
wandb.env.set_project("fish")
assert wandb.env.get_project() == "fish"
assert len(generate_id()) == 8 and get_module("no_such_module") is None
assert make_artifact_name_safe("a/b c") == "a_b_c" and json_dumps_safer({"a": {1}}) == '{"a": [1]}'
assert "Run" in dir(wandb) and "sdk" in dir(wandb)
try:
    wandb.no_such_name
except AttributeError as error:
    assert "no_such_name" in str(error)
import wandb.plot
assert not hasattr(wandb.plot, "no_such_plot") and dir(wandb.plot)
try:
    import wandb.no_such_module
except ModuleNotFoundError as error:
    assert error.name == "wandb.no_such_module"
print("every name", sys.argv[1:])
"""


def _python(*arguments: str, cwd: Path, environ: Mapping[str, str] = {}) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment(RUNCAST_DIR=str(cwd), **environ),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_program_finds_every_name_that_libraries_ask_for(tmp_path: Path) -> None:
    program = tmp_path / "train.py"
    program.write_text(NAMES)
    done = runcast("run", str(program), "--lr", "0.1", RUNCAST_DIR=str(tmp_path))
    assert done.stdout.splitlines()[-1:] == ["every name ['--lr', '0.1']"], done.stderr


def test_what_a_program_starts_finds_it_too_and_the_status_is_its_own(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(
        "import subprocess, sys\n"
        "sys.exit(3 + subprocess.run([sys.executable, '-c', 'import wandb; wandb.Run']).returncode)\n"
    )
    done = _python("-m", "runcast.cli", "run", "-m", "train", cwd=tmp_path)
    assert done.returncode == 3, done.stderr


def test_a_command_is_run_as_it_is_and_an_unknown_one_is_named(tmp_path: Path) -> None:
    assert runcast("run", sys.executable, "-c", "import wandb; print(wandb.__version__)").stdout == "0.31.0\n"
    said = runcast("run", "no-such-program")
    assert said.returncode == 1
    assert "'no-such-program'" in said.stderr
    assert "run what?" in runcast("run").stderr


def test_the_folder_of_an_earlier_programs_runs_is_not_taken_for_the_package(tmp_path: Path) -> None:
    """W&B's client leaves a folder `wandb` beside the program, and Python looks there first."""
    (tmp_path / "wandb" / "run-1").mkdir(parents=True)
    (tmp_path / "train.py").write_text("import wandb; print(wandb.Run)\n")
    done = _python("-m", "runcast.cli", "run", "train.py", cwd=tmp_path)
    assert done.stdout == "<class 'runcast.run.Run'>\n", done.stderr


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a Python of its own, with pip, that sees Runcast; its folder of packages."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, with_pip=True)
    [packages] = folder.glob("lib/python*/site-packages")
    here = distribution("runcast").locate_file("")
    (packages / "runcast.pth").write_text(f"{here}\n{Path(__file__).parents[2] / 'producer'}\n")
    return packages


def _fresh_python(packages: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [packages.parents[2] / "bin" / "python", *arguments],
        # Compiled files are left as everywhere: they have to go as well.
        env=environment(RUNCAST_DIR=str(packages.parent), PYTHONDONTWRITEBYTECODE=""),
        cwd=packages.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_whole_python_finds_it_until_it_is_taken_away(fresh: Path) -> None:
    before = {path.name for path in fresh.iterdir()}
    assert runcast("install-shim", "--target", str(fresh)).returncode == 0
    assert runcast("install-shim", "--target", str(fresh)).returncode == 0  # Again, as after an upgrade.
    done = _fresh_python(fresh, "-c", NAMES)
    assert done.returncode == 0, done.stderr
    assert runcast("uninstall-shim", "--target", str(fresh)).returncode == 0
    assert {path.name for path in fresh.iterdir()} == before
    assert "No module named 'wandb'" in _fresh_python(fresh, "-c", "import wandb").stderr
    again = runcast("uninstall-shim", "--target", str(fresh))
    assert (again.returncode, "no distribution named wandb" in again.stderr) == (1, True)


def test_pip_knows_it_and_takes_it_away(fresh: Path) -> None:
    install(fresh)
    _fresh_python(fresh, "-c", "import wandb")  # Leaves a compiled file.
    assert "wandb" in _fresh_python(fresh, "-m", "pip", "list").stdout
    done = _fresh_python(fresh, "-m", "pip", "uninstall", "--yes", "wandb")
    assert "Successfully uninstalled wandb-0.31.0" in done.stdout, done.stderr
    assert not list(fresh.glob("wandb*"))


def _official(folder: Path) -> None:
    for path, text in {
        "wandb/__init__.py": "official = True\n",
        "wandb-0.30.1.dist-info/METADATA": "Metadata-Version: 2.1\nName: wandb\nVersion: 0.30.1\n",
        "wandb-0.30.1.dist-info/INSTALLER": "pip\n",
    }.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)


def test_an_installed_official_client_is_neither_shadowed_nor_taken_away(tmp_path: Path) -> None:
    _official(tmp_path)
    with pytest.raises(ShimRefused, match=r"wandb 0.30.1 is installed.*runcast run.*pip uninstall wandb"):
        install(tmp_path)
    with pytest.raises(ShimRefused, match="not put there by Runcast"):
        uninstall(tmp_path)
    assert (tmp_path / "wandb" / "__init__.py").read_text() == "official = True\n"


def test_one_program_leaves_an_installed_official_client_as_it_is(tmp_path: Path) -> None:
    _official(tmp_path)
    program = "import wandb; print(wandb.__version__)"
    done = _python("-m", "runcast.cli", "run", sys.executable, "-c", program, cwd=tmp_path.parent)
    assert done.stdout == "0.31.0\n"
    done = _python("-c", "import wandb; print(wandb.official)", cwd=tmp_path, environ={"PYTHONPATH": str(tmp_path)})
    assert done.stdout == "True\n"


def test_a_package_without_an_installer_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "wandb").mkdir()
    with pytest.raises(ShimRefused, match="not from an installer"):
        install(tmp_path)


def test_the_folder_that_serves_one_program_is_a_distribution_by_itself() -> None:
    found = installed(SITE)
    assert found is not None
    assert (found.version, found.metadata["Requires-Dist"]) == ("0.31.0", "runcast")
