"""What stands in a row, and in which file, for each thing that can be logged beside numbers and text."""

from __future__ import annotations

import io
import json
import struct
import wave
import zlib
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import PIL.Image
import pytest

from runcast import plot
from runcast.errors import RuncastError, UsageError
from runcast.events import File
from runcast.media.audio import Audio
from runcast.media.classes import Classes
from runcast.media.histogram import Histogram
from runcast.media.html import Html
from runcast.media.image import Image
from runcast.media.solids import Molecule, Object3D
from runcast.media.table import INCREMENTAL, JoinedTable, Table
from runcast.media.video import Video
from runcast.rows import plain


class Shelf:
    """A place for files in memory."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.said: list[str] = []

    def add(self, source: Any, folder: str, ending: str) -> File:
        data = Path(source).read_bytes() if isinstance(source, str | Path) else bytes(source)
        digest = sha256(data).hexdigest()
        name = f"media/{folder}/{digest[:20]}.{ending}"
        self.files[name] = data
        return File(0, name, digest, len(data))

    def say_once(self, topic: str, line: str) -> None:
        del topic
        self.said.append(line)


def shelved(value: Any) -> tuple[dict[str, Any], bytes]:
    """The dict that stands for a value, and the bytes of its file."""
    shelf = Shelf()
    told = value.shelve(shelf)
    return told, shelf.files[told["path"]]


def drawn(value: Any) -> npt.NDArray[np.uint8]:
    """The pixels of a picture, as a browser would read them."""
    _, data = shelved(value)
    return np.asarray(PIL.Image.open(io.BytesIO(data)))


RAMP = np.arange(12, dtype=np.float64).reshape(3, 4)


@pytest.mark.parametrize(
    ("array", "corners"),
    [
        (RAMP / 11, (0, 255)),  # Shades.
        (RAMP, (0, 11)),  # Numbers of pixels already.
        (RAMP - 11, (0, 255)),  # Any range with negative numbers.
        (RAMP.astype(np.uint8), (0, 11)),
        (RAMP > 5, (0, 255)),
        ((RAMP / 11).astype(np.float16), (0, 255)),
        (RAMP.astype(np.int64) * 100, (0, 255)),  # Beyond 255 is white.
        (np.where(RAMP == 11, np.nan, RAMP / 11), (0, 0)),
    ],
)
def test_numbers_of_any_kind_become_shades(array: Any, corners: tuple[int, int]) -> None:
    pixels = drawn(Image(array))
    assert pixels.shape == (3, 4)
    assert (pixels[0, 0], pixels[-1, -1]) == corners


class Tensor:
    """What is asked of a tensor of PyTorch, whose channels stand first."""

    def __init__(self, data: npt.NDArray[Any]) -> None:
        self.data, self.dtype, self.shape = data, data.dtype, data.shape

    def detach(self) -> Tensor:
        return self

    cpu = detach

    def numpy(self) -> npt.NDArray[Any]:
        return self.data


@pytest.mark.parametrize(
    ("given", "shape"),
    [
        (np.zeros((5, 7)), (5, 7)),
        (np.zeros((5, 7, 1)), (5, 7)),
        (np.zeros((5, 7, 2)), (5, 7, 2)),
        (np.zeros((5, 7, 3)), (5, 7, 3)),
        (np.zeros((5, 7, 4)), (5, 7, 4)),
        (np.zeros((1, 5, 7, 3)), (5, 7, 3)),
        (Tensor(np.zeros((3, 5, 7))), (5, 7, 3)),
        (Tensor(np.zeros((1, 5, 7))), (5, 7)),
        (Tensor(np.zeros((4, 3, 5, 7))), (10, 14, 3)),  # A batch is a sheet of pictures.
        ([[0, 1], [1, 0]], (2, 2)),
        (PIL.Image.new("RGB", (7, 5)), (5, 7, 3)),
        (PIL.Image.new("CMYK", (7, 5)), (5, 7, 3)),
    ],
)
def test_arrays_tensors_and_pillows_pictures_are_pictures(given: Any, shape: tuple[int, ...]) -> None:
    image = Image(given)
    told, _ = shelved(image)
    assert drawn(image).shape == shape
    assert (told["_type"], told["format"], told["height"], told["width"]) == ("image-file", "png", *shape[:2])


@pytest.mark.parametrize("given", [np.zeros(5), np.zeros((5, 7, 9)), np.zeros((0, 7)), np.zeros((2, 5, 7, 3)), "text"])
def test_what_is_no_picture_is_refused_in_words(given: Any) -> None:
    with pytest.raises(UsageError):
        Image(given)


def test_a_picture_file_is_kept_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    PIL.Image.new("RGB", (7, 5)).save(path)
    told, data = shelved(Image(str(path), caption="a photo"))
    assert data == path.read_bytes()
    assert (told["format"], told["width"], told["height"], told["caption"]) == ("jpg", 7, 5, "a photo")
    assert (told["sha256"], told["size"]) == (sha256(data).hexdigest(), len(data))


@pytest.mark.parametrize("kind", ["jpg", "webp", "gif", "bmp"])
def test_another_file_type_is_what_the_file_is(kind: str) -> None:
    told, data = shelved(Image(np.zeros((4, 4, 3)), file_type=kind))
    assert told["format"] == kind
    assert PIL.Image.open(io.BytesIO(data)).format == {"jpg": "JPEG"}.get(kind, kind.upper())


def test_several_pictures_are_one_dict_with_all_their_captions() -> None:
    shelf = Shelf()
    told = Image.shelve_all([Image(np.zeros((2, 3)), caption="one"), Image(np.ones((4, 2)))], shelf)
    assert (told["_type"], told["count"], told["width"], told["height"]) == ("images/separated", 2, 3, 4)
    assert told["captions"] == ["one", None]
    assert set(told["filenames"]) == set(shelf.files)  # type: ignore[arg-type]
    assert Image.shelve_all([Image(np.zeros((2, 3)))], shelf)["captions"] is False


def test_too_many_pictures_are_cut_and_said() -> None:
    shelf, dot = Shelf(), Image(np.zeros((1, 1)))
    assert Image.shelve_all([dot] * 1001, shelf)["count"] == 1000
    assert shelf.said == ["1001 images in one list; the first 1000 are kept"]


def test_boxes_masks_and_classes_go_with_the_picture() -> None:
    box = {"position": {"minX": 0.1, "maxX": 0.2, "minY": 0, "maxY": 1}, "class_id": 1, "scores": {"acc": 0.5}}
    image = Image(
        np.zeros((4, 4)),
        boxes={"said": {"box_data": [box], "class_labels": {1: "cat"}}},
        masks={"truth": {"mask_data": np.array([[0, 1], [2, 3]]), "class_labels": {0: "sky"}}},
        classes=[{"id": 1, "name": "cat"}],
    )
    shelf = Shelf()
    told: dict[str, Any] = image.shelve(shelf)
    boxes = json.loads(shelf.files[told["boxes"]["said"]["path"]])
    assert boxes == {"box_data": [box], "class_labels": {"1": "cat"}}
    mask = np.asarray(PIL.Image.open(io.BytesIO(shelf.files[told["masks"]["truth"]["path"]])))
    assert mask.tolist() == [[0, 1], [2, 3]]
    assert told["masks"]["truth"]["class_labels"] == {"0": "sky"}
    assert told["classes"] == {"_type": "classes", "class_set": [{"id": 1, "name": "cat"}]}


@pytest.mark.parametrize(
    "box",
    [
        {"class_id": 1},
        {"position": {"minX": 0}, "class_id": 1},
        {"position": {"middle": [0, 0], "width": 1, "height": 1}, "class_id": "cat"},
    ],
)
def test_a_box_without_place_or_class_is_refused(box: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        Image(np.zeros((4, 4)), boxes={"said": {"box_data": [box]}})


def test_classes_are_checked() -> None:
    with pytest.raises((TypeError, ValueError)):
        Classes([{"name": "no id"}])


def test_a_png_of_our_own_is_one_to_everybody() -> None:
    """Each chunk's crc is right, and the pixels come back."""
    pixels = np.random.default_rng(1).integers(0, 256, (13, 17, 4), dtype=np.uint8)
    _, data = shelved(Image(pixels))
    assert np.array_equal(np.asarray(PIL.Image.open(io.BytesIO(data))), pixels)
    at = 8
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        assert zlib.crc32(data[at + 4 : at + 8 + size]) == struct.unpack_from(">I", data, at + 8 + size)[0]
        at += 12 + size


def test_a_table_is_written_as_wandb_does() -> None:
    table = Table(columns=["name", "score"], data=[["a", 1.5], ["b", None]])
    table.add_data("c", float("nan"))
    table.add_column("seen", [True, False, True])
    told, data = shelved(table)
    assert (told["_type"], told["ncols"], told["nrows"]) == ("table-file", 3, 3)
    written = json.loads(data)
    assert written["data"] == [["a", 1.5, True], ["b", None, False], ["c", "NaN", True]]
    assert written["columns"] == ["name", "score", "seen"]
    assert Table.decode(data).get_column("name") == ["a", "b", "c"]


def test_a_table_of_a_data_frame_and_back() -> None:
    frame = pd.DataFrame({"x": [1, 2], "y": ["a", "b"]})
    table = Table(dataframe=frame)
    assert table.columns == ["x", "y"]
    assert table.get_dataframe().equals(frame)
    assert table.get_column("x", convert_to="numpy").tolist() == [1, 2]


def test_a_table_refuses_what_does_not_fit() -> None:
    table = Table(columns=["x"], data=[[1]])
    with pytest.raises(TypeError, match="column 'x' holds number, not string"):
        table.add_data("two")
    with pytest.raises(ValueError, match="expects 1 columns"):
        table.add_data(1, 2)
    Table(columns=["x"], data=[[1], ["two"]], allow_mixed_types=True)


def test_pictures_in_a_table_are_files_beside_it() -> None:
    shelf = Shelf()
    told = Table(columns=["image"], data=[[Image(np.zeros((2, 2)))]]).shelve(shelf)
    (cell,) = json.loads(shelf.files[str(told["path"])])["data"][0]
    assert cell["_type"] == "image-file"
    assert cell["path"] in shelf.files


def test_an_incremental_table_refuses_new_columns() -> None:
    with pytest.raises(RuncastError, match="not supported for tables with log_mode='INCREMENTAL'"):
        Table(columns=["x"], log_mode=INCREMENTAL).add_column("y", [])


def test_joined_tables_are_the_rows_that_agree() -> None:
    left = Table(columns=["id", "x"], data=[[1, "a"], [2, "b"]])
    right = Table(columns=["id", "x"], data=[[2, "c"], [3, "d"]])
    joined = JoinedTable(left, right, "id").joined()
    assert (joined.columns, joined.data) == (["id", "x", "x_2"], [[2, "b", "c"]])


@pytest.mark.parametrize(
    ("samples", "channels", "first"),
    [
        (np.array([0.5, -1.0, 2.0]), 1, 16383),
        (np.array([[0.5, 0.25]] * 9), 2, 16383),
        (np.array([[0.5] * 9, [0.25] * 9]), 2, 16383),  # Channels first.
        (np.array([100, 200], np.int16), 1, 100),
    ],
)
def test_sound_is_a_wav_file(samples: Any, channels: int, first: int) -> None:
    told, data = shelved(Audio(samples, sample_rate=8000, caption="beep"))
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (channels, 8000, 2)
        assert struct.unpack_from("<h", file.readframes(1))[0] == first
        assert file.getnframes() / 8000 == told["duration"]
    assert (told["_type"], told["caption"]) == ("audio-file", "beep")


def test_a_wav_file_is_kept_as_it_is() -> None:
    _, data = shelved(Audio(np.zeros(16), sample_rate=8))
    told, same = shelved(Audio.of_wav(data))
    assert (same, told["duration"]) == (data, 2.0)
    with pytest.raises(UsageError, match="this is no WAV file"):
        Audio.of_wav(b"RIFF")


def test_sound_without_a_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="sample_rate"):
        Audio(np.zeros(4))


def test_frames_are_a_gif() -> None:
    frames = np.zeros((4, 3, 6, 8), np.uint8)
    frames[2] = 255
    told, data = shelved(Video(frames, fps=10))
    film = PIL.Image.open(io.BytesIO(data))
    assert (told["_type"], told["width"], told["height"]) == ("video-file", 8, 6)
    assert (film.format, film.size) == ("GIF", (8, 6))
    with pytest.raises(UsageError, match="time × channels × height × width"):
        Video(np.zeros((3, 3)))


def test_html_is_kept_as_written(tmp_path: Path) -> None:
    told, data = shelved(Html("<h1>ü</h1>", inject=False))
    assert (told["_type"], data.decode()) == ("html-file", "<h1>ü</h1>")
    path = tmp_path / "page.html"
    path.write_text("<p>from a file</p>")
    assert b"from a file" in shelved(Html(str(path)))[1]
    assert shelved(Html(str(path), data_is_not_path=True))[1].endswith(str(path).encode())
    with pytest.raises(ValueError, match="string or an io object"):
        Html(5)


def test_a_histogram_is_counts_and_edges() -> None:
    told = plain(Histogram([1, 2, 2, 3], num_bins=2))
    assert (told["_type"], told["values"], len(told["bins"])) == ("histogram", [1, 3], 3)
    given = plain(Histogram(np_histogram=np.histogram([1, 2, 3], bins=3)))
    assert given["values"] == [1, 1, 1]


@pytest.mark.parametrize("given", [[0.0, 1.0, 2.5, float("nan"), float("inf")], [3, 3, 3], [True, False], []])
def test_arrays_and_lists_have_the_same_histogram(given: list[float]) -> None:
    ours, numpys = Histogram(given, num_bins=8), Histogram(np.array(given), num_bins=8)
    assert ours.histogram == numpys.histogram
    assert numpys.bins == pytest.approx(ours.bins)


def test_what_a_list_holds_besides_numbers_is_not_counted() -> None:
    assert sum(Histogram(np.array([1, "two", None], object)).histogram) == 1


def test_solids_are_files(tmp_path: Path) -> None:
    told, data = shelved(Object3D(np.array([[0, 0, 0], [1, 1, 1]])))
    assert told["_type"] == "object3D-file"
    assert json.loads(data) == [[0, 0, 0], [1, 1, 1]]
    path = tmp_path / "m.pdb"
    path.write_text("HEADER")
    assert shelved(Molecule(str(path)))[0]["_type"] == "molecule-file"


def test_roc_and_precision_recall_agree_with_the_book() -> None:
    """A classifier that is right has a curve through (0, 1); one that guesses is on the diagonal."""
    truth = [0, 0, 1, 1]
    right = plot.roc_curve(truth, np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.1, 0.9]]), labels=["no", "yes"])
    points = {(row[1], row[2]) for row in right.table.data}
    assert (0.0, 1.0) in points
    assert {row[0] for row in right.table.data} == {"no", "yes"}
    recall = plot.pr_curve(truth, np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.1, 0.9]]))
    assert max(row[1] for row in recall.table.data) == 1.0


def test_a_confusion_matrix_counts_every_pair() -> None:
    chart = plot.confusion_matrix(y_true=[0, 0, 1], preds=[0, 1, 1], class_names=["cat", "dog"])
    counts = {(row[0], row[1]): row[2] for row in chart.table.data}
    assert counts == {("cat", "cat"): 1, ("cat", "dog"): 1, ("dog", "cat"): 0, ("dog", "dog"): 1}
