"""`wandb.env`: the names of the variables, and the functions by which libraries read and set them.

Runcast itself reads the environment in `settings` alone; here a library speaks to it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, MutableMapping

Environment = MutableMapping[str, str]

_NAMES = (
    "ANONYMOUS API_KEY APP_URL ARGS ARTIFACT_DIR BASE_URL CACHE_DIR CONFIG_DIR CONFIG_PATHS CREDENTIALS_FILE DATA_DIR "
    "DEBUG DESCRIPTION DIR DISABLE_CODE DISABLE_GIT DOCKER ENTITY ERROR_REPORTING GIT_COMMIT GIT_REMOTE_URL GIT_ROOT "
    "HOST HTTP_TIMEOUT INIT_TIMEOUT JOB_TYPE JUPYTER MAGIC MODE NAME NOTEBOOK_NAME NOTES ORGANIZATION PROGRAM PROJECT "
    "QUIET RESUME RUN_DIR RUN_GROUP RUN_ID SAVE_CODE SERVICE SILENT SWEEP_ID SWEEP_PARAM_PATH TAGS USERNAME USER_EMAIL"
).split()

globals().update({name: f"WANDB_{name}" for name in _NAMES})


def _getter(name: str) -> Callable[..., str | None]:
    def get(default: str | None = None, env: Environment | None = None) -> str | None:
        return (os.environ if env is None else env).get(f"WANDB_{name}", default)

    get.__doc__ = f"Read WANDB_{name}."
    return get


get_project = _getter("PROJECT")
get_entity = _getter("ENTITY")
get_username = _getter("USERNAME")
get_base_url = _getter("BASE_URL")
get_app_url = _getter("APP_URL")
get_dir = _getter("DIR")
get_run = _getter("RUN_ID")


def get_tags(default: str = "", env: Environment | None = None) -> list[str]:
    """Read WANDB_TAGS."""
    return [tag for tag in (os.environ if env is None else env).get("WANDB_TAGS", default).split(",") if tag]


def set_entity(value: str, env: Environment | None = None) -> None:
    """Set WANDB_ENTITY."""
    (os.environ if env is None else env)["WANDB_ENTITY"] = value


def set_project(value: str, env: Environment | None = None) -> None:
    """Set WANDB_PROJECT."""
    (os.environ if env is None else env)["WANDB_PROJECT"] = value or "uncategorized"


def is_offline(env: Environment | None = None) -> bool:
    """Whether WANDB_MODE says that nothing is to be sent."""
    return (os.environ if env is None else env).get("WANDB_MODE", "") in {"offline", "dryrun"}


def is_silent() -> bool:
    """Whether WANDB_SILENT says that nothing is to be printed."""
    return os.environ.get("WANDB_SILENT", "").lower() in {"1", "true", "yes", "on"}
