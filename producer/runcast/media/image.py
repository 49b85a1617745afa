"""A picture: of an array or a tensor, a PIL image, a matplotlib figure, or a file; with boxes and masks over it."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from runcast.errors import UsageError
from runcast.events import Plain
from runcast.media import png
from runcast.media.classes import Classes, as_classes
from runcast.media.shelf import BatchableMedia, Shelf, WBValue, captions_of, of_file
from runcast.rows import plain

FOLDER = "images"
IMAGES_MAX = 1000  # Of one list: their names alone are a tenth of what a row may hold.
FILE_TYPES = ("png", "jpg", "jpeg", "bmp", "gif", "webp")
ENDINGS = {*FILE_TYPES, "svg"}
JPEG_QUALITY = 90


class Image(BatchableMedia):
    """A picture to be logged; it is taken as it is now. Raises UsageError for what is none."""

    def __init__(
        self,
        data_or_path: Any,
        mode: str | None = None,
        caption: str | None = None,
        grouping: int | None = None,
        classes: Classes | Sequence[Mapping[str, Any]] | None = None,
        boxes: Mapping[str, Any] | None = None,
        masks: Mapping[str, Any] | None = None,
        file_type: str | None = None,
        normalize: bool = True,
    ) -> None:
        self.caption = str(caption) if caption is not None else None
        self.grouping = grouping
        self.format = (file_type or "png").lower()
        if self.format not in FILE_TYPES:
            raise ValueError(f"file_type is {file_type!r}; it is one of {', '.join(FILE_TYPES)}")
        self.width: int | None = None
        self.height: int | None = None
        self._source: bytes | Path
        if isinstance(data_or_path, Image):
            other = data_or_path
            self._source, self.format, self.width, self.height = other._source, other.format, other.width, other.height
            self.caption = self.caption if self.caption is not None else other.caption
        elif isinstance(data_or_path, str | os.PathLike):
            self._take_file(Path(data_or_path))
        else:
            self._take(data_or_path, mode, normalize=normalize)
        self._classes = as_classes(classes)
        self._boxes = {key: _box_set(key, value) for key, value in (boxes or {}).items()}
        self._masks = {key: _mask(key, value) for key, value in (masks or {}).items()}

    def _take_file(self, path: Path) -> None:
        if str(path).startswith(("s3:/", "gs:/", "http:/", "https:/")):
            raise UsageError(f"{path} lies elsewhere; download it and log the file")
        ending = path.suffix.lower().removeprefix(".")
        if ending not in ENDINGS:
            raise UsageError(f"{path} does not end as a picture's file does: {', '.join(sorted(ENDINGS))}")
        self.format = ending
        self._source = path.read_bytes() if path.stat().st_size < 1 << 20 else path.absolute()
        if ending != "svg" and (pil := _pil()) is not None:
            with pil.open(path) as opened:
                self.width, self.height = opened.size

    def _take(self, data: Any, mode: str | None, *, normalize: bool) -> None:
        if (figure := figure_of(data)) is not None:
            data = _drawn(figure)
        pil = _pil() if is_pil(data) or mode is not None or self.format != "png" else None
        if not is_pil(data):
            pixels = _arrays().pixels(data, normalize=normalize)
            self.height, self.width = pixels.shape[:2]
            if self.format == "png" and mode is None:
                self._source = png.encode(pixels)
                return
            if pil is None:
                raise UsageError(
                    f"a picture as {self.format} needs Pillow: pip install pillow; file_type='png' does not"
                )
            data = pil.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
        if mode is not None and data.mode != mode:
            data = data.convert(mode)
        self.width, self.height = data.size
        self._source = _encoded(data, self.format)

    @property
    def image(self) -> Any:
        """The picture as PIL has it, None without Pillow."""
        pil = _pil()
        if pil is None:
            return None
        return pil.open(io.BytesIO(self._source) if isinstance(self._source, bytes) else self._source)

    def shelve(self, shelf: Shelf) -> dict[str, Plain]:
        """Write the dict of an `image-file`."""
        file = shelf.add(self._source, FOLDER, self.format)
        return of_file(
            "image-file",
            file,
            format=self.format,
            width=self.width,
            height=self.height,
            caption=self.caption,
            grouping=self.grouping,
            classes=self._classes.shelve(shelf) if self._classes else None,
            boxes=self._shelved_boxes(shelf),
            masks=self._shelved_masks(shelf),
        )

    def _shelved_boxes(self, shelf: Shelf) -> dict[str, Any] | None:
        made: dict[str, Any] = {}
        for key, boxes in self._boxes.items():
            file = shelf.add(json.dumps(boxes).encode(), "metadata/boxes2D", "boxes2D.json")
            made[key] = of_file("boxes2D", file)
        return made or None

    def _shelved_masks(self, shelf: Shelf) -> dict[str, Any] | None:
        made: dict[str, Any] = {}
        for key, mask in self._masks.items():
            file = shelf.add(mask["source"], f"{FOLDER}/mask", "mask.png")
            made[key] = of_file("mask", file, class_labels=mask["class_labels"])
        return made or None

    @classmethod
    def shelve_all(cls, items: Sequence[Any], shelf: Shelf) -> dict[str, Plain]:
        """Write the dict of `images/separated`."""
        if len(items) > IMAGES_MAX:
            shelf.say_once("images", f"{len(items)} images in one list; the first {IMAGES_MAX} are kept")
            items = items[:IMAGES_MAX]
        made = [item.shelve(shelf) for item in items]
        together: dict[str, Plain] = {
            "_type": "images/separated",
            "width": max((one.get("width") or 0 for one in made), default=0),
            "height": max((one.get("height") or 0 for one in made), default=0),
            "format": made[0]["format"],
            "count": len(made),
            "filenames": [one["path"] for one in made],
            "captions": captions_of(items),
        }
        for name, wanted in (("all_boxes", "boxes"), ("all_masks", "masks"), ("all_classes", "classes")):
            if any(wanted in one for one in made):
                together[name] = [one.get(wanted) for one in made]
        if items[0].grouping is not None:
            together["grouping"] = items[0].grouping
        return together


class BoundingBoxes2D(WBValue):
    """Boxes over a picture, as W&B's class takes them."""

    def __init__(self, val: Mapping[str, Any], key: str) -> None:
        self.boxes = _box_set(key, val)


class ImageMask(WBValue):
    """A class for each pixel of a picture, as W&B's class takes it."""

    def __init__(self, val: Mapping[str, Any], key: str) -> None:
        self.mask = _mask(key, val)


def figure_of(value: Any) -> Any:
    """Give the matplotlib figure that a value is or belongs to: a figure, an axes, an artist's, pyplot itself."""
    if "matplotlib" not in sys.modules:
        return None
    if type(value).__name__ == "module" and getattr(value, "__name__", "") == "matplotlib.pyplot":
        return value.gcf()
    if callable(getattr(value, "savefig", None)):
        return value
    figure = getattr(value, "figure", None)
    return figure if callable(getattr(figure, "savefig", None)) else None


def _drawn(figure: Any) -> Any:
    """Draw a figure into an array, whatever shows it elsewhere."""
    if not figure.axes:
        raise UsageError("the matplotlib figure is empty; log it before plt.show() or plt.close()")
    canvases = sys.modules.get("matplotlib.backends.backend_agg")
    if canvases is None:
        import matplotlib.backends.backend_agg as canvases  # type: ignore[import-not-found,no-redef]  # noqa: PLC0415

    before = figure.canvas
    try:
        canvas = canvases.FigureCanvasAgg(figure)  # type: ignore[union-attr]
        canvas.draw()
        import numpy as np  # noqa: PLC0415  # matplotlib has it.

        return np.asarray(canvas.buffer_rgba()).copy()
    finally:
        figure.set_canvas(before)


def _pil() -> Any:
    try:
        import PIL.Image  # noqa: PLC0415  # A training that logs no picture needs no Pillow.
    except ImportError:
        return None
    return PIL.Image


def is_pil(value: Any) -> bool:
    """Whether a value is PIL's; without loading it."""
    pil = sys.modules.get("PIL.Image")
    return pil is not None and isinstance(value, pil.Image)


def _encoded(picture: Any, kind: str) -> bytes:
    if kind in {"jpg", "jpeg"} and picture.mode not in {"L", "RGB"}:
        picture = picture.convert("RGB")
    elif kind == "png" and picture.mode in {"CMYK", "YCbCr", "HSV", "LAB", "F"}:
        picture = picture.convert("RGB" if picture.mode != "F" else "L")
    out = io.BytesIO()
    more = {"compress_level": 1} if kind == "png" else {"quality": JPEG_QUALITY} if kind in {"jpg", "jpeg"} else {}
    picture.save(out, format="JPEG" if kind == "jpg" else kind.upper(), **more)
    return out.getvalue()


def _box_set(key: str, given: Any) -> dict[str, Any]:
    """Check boxes as W&B does, and make them plain."""
    if isinstance(given, BoundingBoxes2D):
        return given.boxes
    if not isinstance(given, Mapping) or not isinstance(given.get("box_data"), Sequence | Mapping):
        raise TypeError(f"the boxes {key!r} are a dict with a list of boxes as 'box_data'")
    boxes = []
    for box in given["box_data"]:
        position = box.get("position") if isinstance(box, Mapping) else None
        if not isinstance(position, Mapping) or not (
            {"minX", "maxX", "minY", "maxY"} <= set(position) or {"middle", "width", "height"} <= set(position)
        ):
            raise TypeError("a box has a 'position': minX, maxX, minY and maxY, or middle, width and height")
        made = plain(box, lenient=True)
        if not isinstance(made.get("class_id", 0), int) or isinstance(made.get("class_id"), bool):
            raise TypeError("a box's 'class_id' is a whole number")
        scores = made.get("scores")
        if scores is not None and not (
            isinstance(scores, dict) and all(isinstance(score, int | float) for score in scores.values())
        ):
            raise TypeError("a box's 'scores' are a dict of numbers")
        boxes.append(made)
    labels = {str(number): str(label) for number, label in (given.get("class_labels") or {}).items()}
    return {"box_data": boxes, "class_labels": labels}


def _mask(key: str, given: Any) -> dict[str, Any]:
    """Check a mask as W&B does, and make a picture of it whose shades are classes."""
    if isinstance(given, ImageMask):
        return given.mask
    if not isinstance(given, Mapping) or not {"mask_data", "path"} & set(given):
        raise TypeError(f"the mask {key!r} is a dict with 'mask_data', an array of classes, or a 'path'")
    labels = {str(number): str(label) for number, label in (given.get("class_labels") or {}).items()}
    if "path" in given:
        return {"source": Path(given["path"]).read_bytes(), "class_labels": labels}
    data = _arrays().array(given["mask_data"])
    if data.ndim != 2:
        raise TypeError(f"the mask {key!r} has the shape {data.shape}; it has height × width")
    return {"source": png.encode(data.astype("uint8")[:, :, None]), "class_labels": labels}


def _arrays() -> ModuleType:
    return import_module("runcast.media.arrays")  # numpy is loaded by whoever has arrays.
