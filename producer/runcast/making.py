"""The half of `Run` that makes and uses artifacts; what is behind it is loaded by whoever has one."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runcast.described import Described
from runcast.errors import RunFinished

if TYPE_CHECKING:
    from runcast.artifact import Artifact


class Making(Described):
    """What a run does with artifacts."""

    __slots__ = ()

    def log_artifact(
        self,
        artifact_or_path: Artifact | str | os.PathLike[str],
        name: str | None = None,
        type: str | None = None,  # noqa: A002  # W&B's keyword.
        aliases: Sequence[str] | str | None = None,
        tags: Sequence[str] | None = None,
    ) -> Artifact:
        """Make a version of an artifact; the newest is `latest`, and `aliases` stand for it too.

        It is on its way when this returns; `artifact.wait()` waits until it is stored.
        """
        del tags
        if self._finished:
            raise RunFinished(self.id, "log_artifact")
        return _artifacts().log(self, artifact_or_path, name, type, aliases, self._settings.token)  # type: ignore[no-any-return]

    def use_artifact(
        self,
        artifact_or_name: Artifact | str,
        type: str | None = None,  # noqa: A002  # W&B's keyword.
        aliases: Sequence[str] | str | None = None,
        use_as: str | None = None,
    ) -> Artifact:
        """Say that the run was made with a version, such as `mnist:latest`, and give it to be downloaded."""
        del use_as
        if self._finished:
            raise RunFinished(self.id, "use_artifact")
        return _artifacts().use(self, artifact_or_name, type, aliases, self._settings.token)  # type: ignore[no-any-return]

    def upsert_artifact(
        self,
        artifact_or_path: Artifact | str,
        name: str | None = None,
        type: str | None = None,  # noqa: A002  # W&B's keyword.
        aliases: Sequence[str] | str | None = None,
        distributed_id: str | None = None,
    ) -> Artifact:
        """Make a version; writers of one run need not wait for each other here."""
        del distributed_id
        return self.log_artifact(artifact_or_path, name, type, aliases)

    def finish_artifact(
        self,
        artifact_or_path: Artifact | str,
        name: str | None = None,
        type: str | None = None,  # noqa: A002  # W&B's keyword.
        aliases: Sequence[str] | str | None = None,
        distributed_id: str | None = None,
    ) -> Artifact:
        """Make a version."""
        del distributed_id
        return self.log_artifact(artifact_or_path, name, type, aliases)

    def link_artifact(self, artifact: Artifact, target_path: str, aliases: Sequence[str] | None = None) -> Artifact:
        """Take a link into W&B's registry, and do nothing but log what is a draft: there is no registry here."""
        del target_path
        return (
            self.log_artifact(artifact, aliases=aliases) if artifact.is_draft() and not artifact.project else artifact
        )

    def log_model(
        self, path: str | os.PathLike[str], name: str | None = None, aliases: Sequence[str] | str | None = None
    ) -> Artifact:
        """Make a version of an artifact of type `model`, of a file or a folder."""
        return self.log_artifact(path, name or f"run-{self.id}-model", "model", aliases)

    def log_code(
        self,
        root: str | os.PathLike[str] | None = ".",
        name: str | None = None,
        include_fn: Callable[..., bool] | None = None,
        exclude_fn: Callable[..., bool] | None = None,
    ) -> Artifact | None:
        """Make a version of an artifact of type `code`: the Python files below `root`, or those that the judges choose.

        Each judge is asked for a path, or for a path and the root. Gives None when there was no such file.
        """
        if self._finished:
            raise RunFinished(self.id, "log_code")
        code = import_module("runcast.code")
        folder = Path(root or ".").absolute()
        artifact = code.collect(
            name or code.source_name(self.project, folder),
            folder,
            include_fn or code.is_code,
            exclude_fn or code.is_ours,
        )
        return None if artifact is None else self.log_artifact(artifact)

    def use_model(self, name: str) -> str:
        """Download a model; gives the file, or the folder of several."""
        artifact = self.use_artifact(name)
        folder = Path(artifact.download())
        inside = list(artifact.contents)
        return str(folder / inside[0]) if len(inside) == 1 else str(folder)

    def link_model(
        self,
        path: str | os.PathLike[str],
        registered_model_name: str,
        name: str | None = None,
        aliases: Sequence[str] | str | None = None,
    ) -> Artifact:
        """Make a version of a model; there is no registry here."""
        del registered_model_name
        return self.log_model(path, name, aliases)


def _artifacts() -> Any:
    return import_module("runcast.artifacts")
