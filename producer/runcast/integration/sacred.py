"""An observer for Sacred: an experiment's config, metrics, results and artifacts, in a run of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sacred.observers import RunObserver

import runcast


class WandbObserver(RunObserver):
    """`experiment.observers.append(WandbObserver(project="iris"))`; keywords are those of `runcast.init`."""

    def __init__(self, **begin: Any) -> None:
        super().__init__()
        self.run: Any = runcast.init(**begin)

    def started_event(
        self,
        ex_info: Any,
        command: str,
        host_info: Any,
        start_time: Any,
        config: Mapping[str, Any],
        meta_info: Any,
        _id: Any,
    ) -> None:
        """Keep the experiment's config."""
        del ex_info, command, host_info, start_time, meta_info, _id
        self.run.config.update(dict(config), allow_val_change=True)

    def log_metrics(self, metrics_by_name: Mapping[str, Mapping[str, Any]], info: Any) -> None:
        """Log what came since the last time, at the experiment's own steps."""
        del info
        for name, metric in metrics_by_name.items():
            for step, value in zip(metric["steps"], metric["values"], strict=True):
                self.run.log({name: value, f"{name}_step": step})

    def artifact_event(
        self, name: str, filename: str, metadata: Mapping[str, Any] | None = None, content_type: str | None = None
    ) -> None:
        """Keep a file."""
        artifact = runcast.Artifact(Path(name).name, type=content_type or "file", metadata=dict(metadata or {}))
        artifact.add_file(filename)
        self.run.log_artifact(artifact)

    def completed_event(self, stop_time: Any, result: Any) -> None:
        """Log the result, and end the run."""
        del stop_time
        if result is not None:
            for at, each in enumerate(result if isinstance(result, tuple) else (result,)):
                self.run.log(each if isinstance(each, dict) else {f"result_{at}": each})
        self.run.finish()

    def interrupted_event(self, interrupt_time: Any, status: str) -> None:
        """End the run as interrupted."""
        del interrupt_time, status
        self.run.finish(exit_code=255)

    def failed_event(self, fail_time: Any, fail_trace: Any) -> None:
        """End the run as failed."""
        del fail_time, fail_trace
        self.run.finish(exit_code=1)
