"""Who serves a directory: the file that says so is believed only while its process lives."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

from runcast import discovery
from runcast.discovery import Discovery


def _found(pid: int) -> Discovery:
    return Discovery(version=1, pid=pid, url="http://127.0.0.1:8484", redis="unix:///tmp/redis.sock")


def test_a_living_service_is_found_by_its_owner_alone(tmp_path: Path) -> None:
    discovery.write(tmp_path, _found(os.getpid()))
    found = discovery.read(tmp_path)
    assert found is not None
    assert found.url == "http://127.0.0.1:8484"
    assert stat.S_IMODE((tmp_path / discovery.FILE).stat().st_mode) == 0o600


def test_a_dead_service_is_not_found_before_its_parent_has_noticed(tmp_path: Path) -> None:
    """A supervisor may take its time to bury a service; to everybody else it is gone."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    discovery.write(tmp_path, _found(process.pid))
    assert discovery.read(tmp_path) is not None
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # It is over, and not yet buried.
    os.kill(process.pid, 0)
    assert discovery.read(tmp_path) is None
    process.communicate()
    assert discovery.read(tmp_path) is None


def test_another_process_with_the_number_of_a_dead_one_is_no_service(tmp_path: Path) -> None:
    """Numbers of processes are used again, after a restart of the machine very soon."""
    discovery.write(tmp_path, _found(os.getpid()))
    path = tmp_path / discovery.FILE
    said = json.loads(path.read_bytes())
    assert said["born"]
    path.write_text(json.dumps(said | {"born": said["born"] + "1"}))
    assert discovery.read(tmp_path) is None


def test_a_file_that_says_no_birth_is_believed_by_its_pid(tmp_path: Path) -> None:
    """Another system may not tell when a process began, and an older version did not ask."""
    (tmp_path / discovery.FILE).write_text(
        json.dumps({"version": 1, "pid": os.getpid(), "url": "http://127.0.0.1:1", "redis": "redis://127.0.0.1:1"})
    )
    assert discovery.read(tmp_path) is not None


def test_only_its_own_service_takes_the_file_away(tmp_path: Path) -> None:
    discovery.write(tmp_path, _found(os.getpid()))
    discovery.remove(tmp_path, os.getpid() + 1)
    assert discovery.read(tmp_path) is not None
    discovery.remove(tmp_path, os.getpid())
    assert not (tmp_path / discovery.FILE).exists()
