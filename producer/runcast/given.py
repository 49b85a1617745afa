"""`Settings(**anything)`: what a program asks for, under W&B's names. Takes whatever it is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from runcast import settings, told
from runcast.surroundings.wanted import NAMES as SURROUNDINGS

# W&B's settings that need nothing here: what they are about goes by itself, or speaks of W&B's own server.
_NEEDLESS = frozenset(
    (
        "allow_media_symlink allow_offline_artifacts allow_val_change anonymous api_key app_url_override "
        "azure_account_url_to_access_key base_url capture_loggers code_dir console_chunk_max_bytes "
        "console_chunk_max_seconds console_multipart credentials_file disable_git_fork_point disable_job_creation "
        "docker email finish_timeout finish_timeout_raises force git_commit git_remote git_remote_url git_root "
        "heartbeat_seconds http_proxy https_proxy identity_token_file ignore_globs insecure_disable_ssl job_name "
        "job_source label_disable launch launch_config_path login_timeout manager max_end_of_run_history_metrics "
        "max_end_of_run_summary_metrics notebook_name organization program program_abspath program_relpath relogin "
        "sagemaker_disable settings_system show_colors show_emoji show_errors show_info show_warnings "
        "stop_fn stop_on_fatal_error strict summary_timeout summary_warnings sweep_param_path symlink "
        "table_raise_on_max_row_limit_exceeded use_dot_wandb username start_method disabled"
    ).split()
)
_READ_ONLY = frozenset("resumed sync_dir files_dir log_dir wandb_dir run_mode sync_file timespec".split())


class Settings(MutableMapping[str, Any]):
    """Settings for `setup` and `init`; reads as None what it was not given."""

    _given: dict[str, Any]

    def __init__(self, **given: Any) -> None:
        object.__setattr__(self, "_given", given)

    @property
    def settings(self) -> Settings:
        """Itself: what `setup` returns has its settings under this name, in W&B's client."""
        return self

    @property
    def unknown(self) -> list[str]:
        """Name what neither Runcast nor W&B's client knows."""
        return sorted(name for name in self._given if not known(name))

    def __getattr__(self, name: str) -> Any:
        if name in self._given:
            return self._given[name]
        if not known(name) and name not in _READ_ONLY:
            raise AttributeError(f"there is no setting {name!r}")
        return None

    def __setattr__(self, name: str, value: Any) -> None:
        self._given[name] = value

    def __getitem__(self, name: str) -> Any:
        return self._given[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._given[name] = value

    def __delitem__(self, name: str) -> None:
        del self._given[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in self._given.items())})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _settings_of, (self._given,)

    def __copy__(self) -> Settings:
        return Settings(**self._given)

    def update_from_dict(self, more: Mapping[str, Any]) -> None:
        """Take over several settings."""
        self._given.update(more)

    def model_copy(self) -> Settings:
        """Copy them, as pydantic's models are copied."""
        return Settings(**self._given)


def known(name: str) -> bool:
    """Whether a name is a setting's: `x_` begins those of W&B's that may change any day."""
    name = told.modern(name)
    return name in settings.NAMES or name in _NEEDLESS or name in SURROUNDINGS or name.startswith("x_")


def _settings_of(given: dict[str, Any]) -> Settings:
    return Settings(**given)
