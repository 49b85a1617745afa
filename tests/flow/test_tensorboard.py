"""`sync_tensorboard=True`: what a program writes for TensorBoard becomes rows of its run.

TensorBoard is not installed here: a module in its place has a writer that keeps events until it is told to flush.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.flow.running import Running, python, rows_of, up

WRITER = """
import os, struct, time, uuid
from runcast.tensorboard_events import _masked_crc

def varint(number):
    out = b""
    number &= (1 << 64) - 1
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])

def part(number, data):
    return bytes([number << 3 | 2]) + varint(len(data)) + data

class EventFileWriter:
    def __init__(self, logdir, max_queue_size=10, flush_secs=120, filename_suffix=""):
        os.makedirs(logdir, exist_ok=True)
        name = f"events.out.tfevents.{int(time.time())}.host.{os.getpid()}.{uuid.uuid4().int % 9999}"
        self._file, self._kept = open(os.path.join(logdir, name), "wb", buffering=0), b""
    def add_scalars(self, values, step, wall_time=1700000000.0):
        for tag, value in values.items():
            summary = part(1, part(1, tag.encode()) + b"\\x15" + struct.pack("<f", value))
            event = b"\\x09" + struct.pack("<d", wall_time) + b"\\x10" + varint(step) + part(5, summary)
            head = struct.pack("<Q", len(event))
            self._kept += head + struct.pack("<I", _masked_crc(head)) + event + struct.pack("<I", _masked_crc(event))
    def flush(self):
        kept, self._kept = self._kept, b""
        self._file.write(kept)
    def close(self):
        self.flush()
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with up(tmp_path_factory.mktemp("rc")) as running:
        yield running


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Give a folder in which `tensorboard` is the module above."""
    package = tmp_path / "tensorboard" / "summary" / "writer"
    package.mkdir(parents=True)
    for folder in (package, *package.parents[:2]):
        (folder / "__init__.py").touch()
    (package / "event_file_writer.py").write_text(WRITER)
    return tmp_path


def run(service: Running, place: Path, project: str, program: str) -> list[dict[str, Any]]:
    """Run a program in a folder, and give the rows of its run."""
    done = python(
        f"import os, time\nimport runcast as wandb\nos.chdir({str(place)!r})\n{program}",
        RUNCAST_DIR=str(service.directory),
        PYTHONPATH=str(place),
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    [record] = service.api.runs(project)
    return [dict(row) for row in rows_of(service.api, project, str(record["id"]))]


def values(rows: list[dict[str, Any]], *keys: str) -> list[tuple[Any, ...]]:
    return [tuple(row[key] for key in keys) for row in rows if all(key in row for key in keys)]


def test_what_is_written_for_one_step_is_one_row_with_its_step_and_time(service: Running, place: Path) -> None:
    rows = run(
        service,
        place,
        "one",
        """
run = wandb.init(project="one", sync_tensorboard=True)
from tensorboard.summary.writer.event_file_writer import EventFileWriter
writer = EventFileWriter("logs")
for step in (0, 10, 20):
    writer.add_scalars({"train/loss": 1 / (step + 1), "train/acc": 0.5}, step, 1700000000.5 + step)
run.finish()
""",
    )
    assert values(rows, "global_step", "train/acc", "_timestamp") == [
        (step, 0.5, 1700000000.5 + step) for step in (0, 10, 20)
    ]


def test_rows_are_seen_before_the_writer_would_flush(service: Running, place: Path) -> None:
    run(
        service,
        place,
        "live",
        """
from tensorboard.summary.writer.event_file_writer import EventFileWriter
run = wandb.init(project="live", sync_tensorboard=True)
writer = EventFileWriter("logs")
writer.add_scalars({"loss": 0.5}, 3)
deadline = time.monotonic() + 20
while "loss" not in run.summary:
    assert time.monotonic() < deadline
    time.sleep(0.05)
""",
    )


def test_writers_in_several_folders_are_told_apart(service: Running, place: Path) -> None:
    rows = run(
        service,
        place,
        "splits",
        """
from tensorboard.summary.writer.event_file_writer import EventFileWriter
with wandb.init(project="splits", sync_tensorboard=True):
    writers = [EventFileWriter(f"logs/{split}") for split in ("train", "validation")]
    for writer in writers:
        writer.add_scalars({"loss": 1.0}, 7)
""",
    )
    assert values(rows, "train/loss", "train/global_step") == [(1.0, 7)]
    assert values(rows, "validation/loss", "validation/global_step") == [(1.0, 7)]


def test_what_stood_in_the_folder_before_is_not_the_runs(service: Running, place: Path) -> None:
    rows = run(
        service,
        place,
        "before",
        """
from tensorboard.summary.writer.event_file_writer import EventFileWriter
old = EventFileWriter("logs")
old.add_scalars({"loss": 9.0}, 1)
old.close()
with wandb.init(project="before", sync_tensorboard=True):
    new = EventFileWriter("logs")
    new.add_scalars({"loss": 1.0}, 1)
""",
    )
    assert values(rows, "loss") == [(1.0,)]


def test_without_it_nothing_is_read(service: Running, place: Path) -> None:
    rows = run(
        service,
        place,
        "without",
        """
from tensorboard.summary.writer.event_file_writer import EventFileWriter
with wandb.init(project="without") as run:
    writer = EventFileWriter("logs")
    writer.add_scalars({"loss": 1.0}, 1)
    run.log({"mine": 1})
""",
    )
    assert not values(rows, "loss")


def test_a_root_may_be_given_and_the_watch_may_end(service: Running, place: Path) -> None:
    rows = run(
        service,
        place,
        "root",
        """
from runcast.integration import tensorboard
from tensorboard.summary.writer.event_file_writer import EventFileWriter
begin = EventFileWriter.__init__
tensorboard.patch(root_logdir="logs")
with wandb.init(project="root"):
    writer = EventFileWriter("logs/a/b")
    writer.add_scalars({"loss": 1.0}, 1)
    tensorboard.unpatch()
    assert EventFileWriter.__init__ is begin
    unseen = EventFileWriter("logs/c")
    unseen.add_scalars({"unseen": 1.0}, 1)
""",
    )
    assert values(rows, "a/b/loss") == [(1.0,)]
    assert not values(rows, "c/unseen")


def test_a_damaged_file_ends_its_own_sync_and_says_so(service: Running, place: Path) -> None:
    rows = run(
        service,
        place,
        "damaged",
        """
from tensorboard.summary.writer.event_file_writer import EventFileWriter
with wandb.init(project="damaged", sync_tensorboard=True) as run:
    bad, good = EventFileWriter("logs/bad"), EventFileWriter("logs/good")
    bad._kept = b"x" * 40
    good.add_scalars({"loss": 1.0}, 1)
    run.log({"mine": 1})
""",
    )
    assert values(rows, "good/loss") or values(rows, "loss")
    assert values(rows, "mine") == [(1,)]


def test_what_cannot_be_shown_costs_nothing_beside_it(service: Running, place: Path) -> None:
    """A histogram or a picture that nobody can draw here stands before and between numbers that everybody can."""
    golden = Path(__file__).parents[1] / "unit" / "golden" / "events.out.tfevents.torch"
    rows = run(
        service,
        place,
        "mixed",
        f"""
import shutil
from tensorboard.summary.writer.event_file_writer import EventFileWriter
with wandb.init(project="mixed", sync_tensorboard=True):
    writer = EventFileWriter("logs")
    shutil.copy({str(golden)!r}, "logs/events.out.tfevents.1")
""",
    )
    assert values(rows, "global_step", "train/loss") == [(3, 0.5)]
    assert values(rows, "note/text_summary") == [("hello *x*",)]
    assert values(rows, "global_step", "before") == [(-2, -1.0)]


def test_a_tag_that_is_no_name_costs_nothing_beside_it(service: Running, place: Path) -> None:
    rows = run(
        service,
        place,
        "tags",
        """
from tensorboard.summary.writer.event_file_writer import EventFileWriter
with wandb.init(project="tags", sync_tensorboard=True):
    writer = EventFileWriter("logs")
    writer.add_scalars({"x" * 300: 1.0, "loss": 0.5}, 1)
    writer.add_scalars({"loss": 0.25}, 2)
""",
    )
    assert values(rows, "global_step", "loss") == [(1, 0.5), (2, 0.25)]


def test_what_another_process_writes_into_the_folder_is_not_the_runs(service: Running, place: Path) -> None:
    """Eight ranks share a folder, and each speaks for itself."""
    rows = run(
        service,
        place,
        "ranks",
        """
import subprocess, sys
other = "from tensorboard.summary.writer import event_file_writer as e; w = e.EventFileWriter('logs')"
other += "; w.add_scalars({'theirs': 1.0}, 1); w.close()"
from tensorboard.summary.writer.event_file_writer import EventFileWriter
with wandb.init(project="ranks", sync_tensorboard=True):
    writer = EventFileWriter("logs")
    subprocess.run([sys.executable, "-c", other], check=True)
    writer.add_scalars({"mine": 1.0}, 1)
""",
    )
    assert values(rows, "mine") == [(1.0,)]
    assert not values(rows, "theirs")
