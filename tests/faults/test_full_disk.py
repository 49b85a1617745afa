"""A disk that is full costs time and nothing else: in the trainer's journal, and under the service's database."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.conftest import eventually
from tests.faults import truth
from tests.faults.compare import compare

from runcast_ingest.server_folder import StreamServer

DISK_BYTES = 4 * 1024 * 1024
ROWS_PER_SECOND = 4000.0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this user may not mount a small disk")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path) -> None:
    """Take all the room there is."""
    with (disk / "ballast").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65536))
        except OSError:
            return


class Setting:
    """A Redis, one service and one trainer, each with the directory that the test says."""

    def __init__(self, tmp_path: Path, server: StreamServer, *, journals: Path, database: Path) -> None:
        self.truth = tmp_path / "truth"
        self.truth.mkdir()
        self.database, self.journals = database / "runcast.db", journals
        environment = os.environ | {
            "RUNCAST_DIR": str(journals), "RUNCAST_URL": server.url, "RUNCAST_SILENT": "1",
            "PYTHONPATH": os.pathsep.join(sys.path),
        }  # fmt: skip
        program = [sys.executable, "-m"]
        self.ingest = subprocess.Popen([*program, "tests.faults.ingest", self.database, server.url], env=environment)
        self.trainer = subprocess.Popen(
            [*program, "tests.faults.trainer", "1", self.truth, str(ROWS_PER_SECOND)], env=environment
        )

    def logged(self) -> int:
        path = self.truth / "1"
        return truth.read(path) if path.exists() else 0

    def stored(self) -> int:
        """Ask the database for the trainer's mark."""
        if not self.database.exists():
            return 0
        with closing(sqlite3.connect(f"{self.database.as_uri()}?mode=ro", uri=True)) as db:
            tables = db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'writer'").fetchone()[0]
            return int(db.execute("SELECT coalesce(max(mark), 0) FROM writer").fetchone()[0]) if tables else 0

    def end(self) -> list[str]:
        """Let the trainer end by itself, stop the service, and compare."""
        (self.truth / "stop").touch()
        assert self.trainer.wait(60) == 0
        assert self.ingest.poll() is None
        self.ingest.terminate()
        self.ingest.wait(20)
        rows, problems = asyncio.run(compare(self.database, {1: self.logged()}))
        print(f"{rows} rows stored of {self.logged()} logged")
        return problems

    def clear(self) -> None:
        for process in (self.trainer, self.ingest):
            process.kill()
            process.wait()


def test_a_trainer_whose_disk_is_full_keeps_its_rows_in_memory_until_there_is_room(
    tmp_path: Path, small_disk: Path, stream_server: StreamServer
) -> None:
    setting = Setting(tmp_path, stream_server, journals=small_disk, database=tmp_path)
    try:
        eventually(lambda: setting.logged() > 1000)
        fill(small_disk)
        full_at = setting.logged()
        eventually(lambda: setting.logged() > full_at + 8000, within_seconds=20)
        (small_disk / "ballast").unlink()
        assert setting.end() == []
    finally:
        setting.clear()


def test_a_service_whose_disk_is_full_lives_and_stores_everything_when_there_is_room(
    tmp_path: Path, small_disk: Path, stream_server: StreamServer
) -> None:
    setting = Setting(tmp_path, stream_server, journals=tmp_path, database=small_disk)
    try:
        eventually(lambda: setting.stored() > 100)
        fill(small_disk)
        time.sleep(3.0)
        assert setting.ingest.poll() is None, "the service died of a full disk"
        (small_disk / "ballast").unlink()
        assert setting.end() == []
    finally:
        setting.clear()
