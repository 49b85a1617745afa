"""Things with three dimensions: clouds of points, scenes and molecules. They are kept and served as they are."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from runcast.events import Plain
from runcast.media.shelf import BatchableMedia, Shelf, of_file
from runcast.rows import plain

SOLIDS = ("obj", "gltf", "glb", "babylon", "stl", "pts.json")
MOLECULES = ("pdb", "pqr", "mmcif", "mcif", "cif", "sdf", "sd", "gro", "mol2", "mmtf")
CLOUD = "pts.json"


class _Solid(BatchableMedia):
    kind, folder = "", ""
    endings: tuple[str, ...] = ()

    def __init__(self, data_or_path: Any, caption: str | None = None, file_type: str | None = None) -> None:
        self.caption = str(caption) if caption is not None else None
        self._source: bytes | Path
        if isinstance(data_or_path, str | os.PathLike):
            path = Path(data_or_path)
            path.stat()
            self._ending = self._ending_of(path.name.lower())
            self._source = path.absolute()
            return
        if not hasattr(data_or_path, "read"):
            raise ValueError(f"{type(self).__name__} takes a path or an open file with a file_type")
        self._ending = self._ending_of(f".{file_type}")
        if hasattr(data_or_path, "seek"):
            data_or_path.seek(0)
        read = data_or_path.read()
        self._source = read.encode() if isinstance(read, str) else read

    def _ending_of(self, name: str) -> str:
        for ending in self.endings:
            if name.endswith(f".{ending}"):
                return ending
        raise ValueError(f"{type(self).__name__} accepts files that end in {', '.join(self.endings)}")

    def shelve(self, shelf: Shelf) -> dict[str, Plain]:
        """Write the dict of the file."""
        return of_file(self.kind, shelf.add(self._source, self.folder, self._ending), caption=self.caption)

    @classmethod
    def shelve_all(cls, items: Sequence[Any], shelf: Shelf) -> dict[str, Plain]:
        """Write the dict of several."""
        made = [item.shelve(shelf) for item in items]
        filenames: list[Any] = [one["path"] for one in made]
        return {"_type": cls.folder, "count": len(items), "filenames": filenames, "objects": [*made]}


class Object3D(_Solid):
    """A scene or a cloud of points: a path, an open file, an array (n × 3, 4 or 6), or a dict of `lidar/beta`."""

    kind, folder, endings = "object3D-file", "object3D", SOLIDS

    def __init__(self, data_or_path: Any, caption: str | None = None, file_type: str | None = None, **_: Any) -> None:
        if isinstance(data_or_path, Mapping):
            self.caption = str(caption) if caption is not None else None
            cloud = {name: _listed(value) for name, value in data_or_path.items()}
            self._source, self._ending = json.dumps(cloud).encode(), CLOUD
        elif hasattr(data_or_path, "shape") or isinstance(data_or_path, list | tuple):
            self.caption = str(caption) if caption is not None else None
            points = _listed(data_or_path)
            if not points or not isinstance(points[0], list) or len(points[0]) not in {3, 4, 6}:
                raise ValueError("a cloud of points has 3 (x y z), 4 (and a class) or 6 (and a colour) columns")
            self._source, self._ending = json.dumps(points).encode(), CLOUD
        else:
            super().__init__(data_or_path, caption, file_type)

    @classmethod
    def from_file(cls, data_or_path: Any, file_type: str | None = None) -> Object3D:
        """Take a file."""
        return cls(data_or_path, file_type=file_type)

    @classmethod
    def from_numpy(cls, data: Any) -> Object3D:
        """Take an array of points."""
        return cls(data)

    @classmethod
    def from_point_cloud(
        cls, points: Any, boxes: Any = (), vectors: Any = None, point_cloud_type: str = "lidar/beta"
    ) -> Object3D:
        """Take points with boxes and vectors between them."""
        return cls({"type": point_cloud_type, "points": points, "boxes": boxes, "vectors": vectors or []})


class Molecule(_Solid):
    """A molecule: a path, or an open file with its `file_type`."""

    kind, folder, endings = "molecule-file", "molecule", MOLECULES


def box3d(
    center: Sequence[float],
    size: Sequence[float],
    orientation: Sequence[float] = (1.0, 0.0, 0.0, 0.0),
    color: Sequence[int] = (0, 0, 0),
    label: str | None = None,
    score: float | None = None,
) -> dict[str, Plain]:
    """Write a box around something in a cloud of points, with its eight corners; `orientation` is a quaternion."""
    r, i, j, k = map(float, orientation)
    turn = (
        (1 - 2 * (j * j + k * k), 2 * (i * j - k * r), 2 * (i * k + j * r)),
        (2 * (i * j + k * r), 1 - 2 * (i * i + k * k), 2 * (j * k - i * r)),
        (2 * (i * k - j * r), 2 * (j * k + i * r), 1 - 2 * (i * i + j * j)),
    )
    corners: list[Any] = []
    for x, y, z in ((x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)):
        at = (x * size[0], y * size[1], z * size[2])
        corners.append([float(center[n]) + sum(turn[n][m] * at[m] for m in range(3)) for n in range(3)])
    box: dict[str, Plain] = {"corners": corners, "color": [int(part) for part in color]}
    if label is not None:
        box["label"] = label
    if score is not None:
        box["score"] = float(score)
    return box


def _listed(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else plain(value, lenient=True)
