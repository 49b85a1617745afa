"""The golden programs that need PyTorch: what was recorded of the official client with it."""

from __future__ import annotations

from pathlib import Path

from tests.flow.running import up
from tests.golden.compare import OFFICIAL, played, same
from tests.golden.programs import TENSORS
from tests.integrations.conftest import needs


@needs("torch")
def test_tensors_are_logged_as_recorded(tmp_path: Path) -> None:
    with up(tmp_path) as service:
        for name, found in played(service, TENSORS, {}).items():
            if name == "a parameter":  # There, `log` raises in the training; it is a number like others.
                assert found["summary"] == {"a": 0.25}
            else:
                assert same(found) == same(OFFICIAL[name]), name
