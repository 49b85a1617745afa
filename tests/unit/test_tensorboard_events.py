"""What TensorBoard's writers wrote is read without TensorBoard; golden/ holds a file of PyTorch's SummaryWriter."""

from __future__ import annotations

import math
import struct
from pathlib import Path

import pytest
from tests.unit.golden import write

from runcast.errors import MalformedEntry
from runcast.tensorboard_events import (
    Event,
    EventFile,
    Histogram,
    Images,
    Scalar,
    Settings,
    Sound,
    Text,
    _masked_crc,
    is_event_file,
    parse_event,
)

GOLDEN = Path(write.__file__).parent / "events.out.tfevents.torch"


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return list(EventFile(GOLDEN).read())


def test_scalars_are_read_in_their_old_and_new_form(events: list[Event]) -> None:
    assert events[0] == Event(1000.5, 3, (Scalar("train/loss", 0.5),))
    assert events[1] == Event(1000.5, 3, (Scalar("train/acc", 0.25),))
    assert events[2] == Event(1001.0, 4, (Scalar("exact", 0.1),))  # In double precision.
    [nan] = events[3].values
    assert isinstance(nan, Scalar)
    assert math.isnan(nan.value)


def test_a_step_may_be_negative(events: list[Event]) -> None:
    assert (events[8].step, events[8].values) == (-2, (Scalar("before", -1.0),))


def test_a_histogram_has_its_values_between_its_edges(events: list[Event]) -> None:
    [histogram] = events[4].values
    assert isinstance(histogram, Histogram)
    assert sum(histogram.counts) == 4
    assert (histogram.edges[0], histogram.edges[-1]) == (-1.0, 2.0)
    assert len(histogram.edges) == len(histogram.counts) + 1
    assert list(histogram.edges) == sorted(histogram.edges)


def test_pictures_sounds_texts_and_settings_are_read(events: list[Event]) -> None:
    [image] = events[5].values
    assert isinstance(image, Images)
    assert image.files[0].startswith(b"\x89PNG")
    assert events[6].values == (Text("note/text_summary", ("hello *x*",)),)
    [sound] = events[7].values
    assert isinstance(sound, Sound)
    assert sound.files[0].startswith(b"RIFF")
    assert sound.sample_rate == 8000
    assert events[9].values == (Settings("_hparams_/session_start_info", {"lr": 0.1, "layers": 3.0, "kind": "cnn"}),)


def test_a_file_that_grows_is_read_once(tmp_path: Path, events: list[Event]) -> None:
    data = GOLDEN.read_bytes()
    file = EventFile(tmp_path / "events.out.tfevents.1")
    read: list[Event] = []
    for end in [*range(0, len(data), 97), len(data)]:
        file.path.write_bytes(data[:end])
        read += file.read()
    assert [repr(event) for event in read] == [repr(event) for event in events]
    assert not list(file.read())


@pytest.mark.parametrize("at", [3, 9, 30])
def test_a_damaged_file_says_where(tmp_path: Path, at: int) -> None:
    data = bytearray(GOLDEN.read_bytes())
    data[at] ^= 0x10
    (tmp_path / "events").write_bytes(data)
    with pytest.raises(MalformedEntry, match="damaged before byte"):
        list(EventFile(tmp_path / "events").read())


def test_what_is_no_event_is_refused_and_never_read_for_ever() -> None:
    for data in (b"\x2a\xff", b"\x0a", b"\x2a\x05\x0a\x03", b"\xff" * 12, b"\x13\x00", b"\x09\x00"):
        with pytest.raises(MalformedEntry):
            parse_event(data, {})


def test_a_whole_tensor_of_one_number_is_bounded() -> None:
    """Shape and content come from a file, and a file may say anything."""
    dims = b"\x12\x02\x08\x7f" * 8
    tensor = b"\x08\x01\x12" + bytes([len(dims)]) + dims + b"\x2a\x04" + struct.pack("<f", 1.0)
    value = b"\x0a\x01a\x42" + bytes([len(tensor)]) + tensor
    summary = b"\x0a" + bytes([len(value)]) + value
    assert parse_event(b"\x2a" + bytes([len(summary)]) + summary, {}).values == (Scalar("a", 1.0),)


def test_the_crc_is_that_of_tfrecord() -> None:
    assert _masked_crc(b"") == 0xA282EAD8
    assert _masked_crc(b"123456789") == ((0xE3069283 >> 15 | 0xE3069283 << 17) + 0xA282EAD8) & 0xFFFFFFFF


def test_event_files_are_known_by_name() -> None:
    assert is_event_file("events.out.tfevents.1700000000.host.1.0")
    assert not is_event_file("model.ckpt")
