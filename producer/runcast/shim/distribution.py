"""The distribution named `wandb` that `install-shim` puts beside the installed packages.

It is what an installer would have made: a package, a `.dist-info` and a RECORD of its files, so that
libraries that ask for the version of `wandb` find one, and `pip uninstall wandb` takes it away as well. One that
Runcast did not put there is never touched, nor shadowed.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
from importlib.metadata import Distribution, distributions
from pathlib import Path

from runcast.errors import UsageError

SITE = Path(__file__).parent / "site"
"""The distribution as it lies in Runcast: a folder that serves on PYTHONPATH as it is."""

INSTALLER = "runcast"
RECORD = "RECORD"


class ShimRefused(UsageError):
    """The shim cannot be put there, or taken away."""


def installed(folder: Path) -> Distribution | None:
    """Find the distribution named `wandb` in a folder of packages."""
    return next(iter(distributions(name="wandb", path=[str(folder)])), None)


def ours(found: Distribution) -> bool:
    """Whether Runcast put a distribution there."""
    return (found.read_text("INSTALLER") or "").strip() == INSTALLER


def install(folder: Path) -> list[Path]:
    """Put the shim into a folder of packages, and give its files; raises ShimRefused where another client is."""
    found = installed(folder)
    if found is not None and not ours(found):
        raise ShimRefused(
            f"wandb {found.version} is installed in {folder}, and the shim does not stand in its way; "
            "`runcast run train.py` runs one program without it, or `pip uninstall wandb` makes room"
        )
    if found is None and (folder / "wandb").exists():
        raise ShimRefused(f"{folder / 'wandb'} is there already, and not from an installer; move it away first")
    if found is not None:
        uninstall(folder)
    files = sorted(path.relative_to(SITE) for path in SITE.rglob("*") if path.is_file() and path.suffix != ".pyc")
    try:
        for path in files:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(SITE / path, folder / path)
        record = next(path.parent for path in files if path.name == "METADATA") / RECORD
        lines = [*(_record_line(folder, path) for path in files), f"{record.as_posix()},,"]
        (folder / record).write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise ShimRefused(
            f"{folder} cannot be written: {error.strerror}; give another with --target, or use `runcast run`"
        ) from error
    return [*files, record]


def uninstall(folder: Path) -> list[Path]:
    """Take the shim away from a folder, and give the files that went; raises ShimRefused when it is not there."""
    found = installed(folder)
    if found is None:
        raise ShimRefused(f"there is no distribution named wandb in {folder}")
    if not ours(found):
        raise ShimRefused(f"wandb {found.version} in {folder} was not put there by Runcast; `pip uninstall wandb`")
    files = [Path(str(file)) for file in found.files or ()]
    try:
        for path in files:
            (folder / path).unlink(missing_ok=True)
        for package in {path.parts[0] for path in files}:
            shutil.rmtree(folder / package / "__pycache__", ignore_errors=True)
            (folder / package).rmdir()
    except OSError as error:
        raise ShimRefused(f"{error.filename} cannot be taken away: {error.strerror}") from error
    return files


def _record_line(folder: Path, path: Path) -> str:
    data = (folder / path).read_bytes()
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{path.as_posix()},sha256={digest},{len(data)}"
