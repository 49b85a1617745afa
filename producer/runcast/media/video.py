"""A film: a file or its bytes as they are, or frames, encoded by Pillow (GIF) or by ffmpeg (MP4, WebM)."""

from __future__ import annotations

import importlib
import io
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from runcast.errors import UsageError
from runcast.events import Plain
from runcast.media.shelf import BatchableMedia, Shelf, captions_of, of_file

FOLDER = "videos"
FORMATS = ("gif", "mp4", "webm", "ogg")
FPS_DEFAULT = 4
ENCODE_SECONDS_MAX = 600.0
_CODECS = {
    "mp4": ["-c:v", "libx264", "-movflags", "+faststart"],
    "webm": ["-c:v", "libvpx-vp9", "-b:v", "0", "-crf", "33"],
    "ogg": ["-c:v", "libtheora", "-q:v", "7"],
}


class Video(BatchableMedia):
    """A film to be logged: a path, bytes in an io.BytesIO, or frames (time, channel, height, width)."""

    def __init__(
        self,
        data_or_path: Any,
        caption: str | None = None,
        fps: int | None = None,
        format: str | None = None,  # noqa: A002
    ) -> None:
        self.caption = str(caption) if caption is not None else None
        self.format = (format or "gif").lower()
        self.width: int | None = None
        self.height: int | None = None
        self._source: bytes | Path
        if isinstance(data_or_path, str | os.PathLike):
            path = Path(data_or_path)
            path.stat()
            self.format = path.suffix.lower().removeprefix(".")
            self._source = path.absolute()
        elif isinstance(data_or_path, io.BytesIO | bytes):
            self._source = data_or_path if isinstance(data_or_path, bytes) else data_or_path.getvalue()
        self._check_format()
        if hasattr(self, "_source"):
            return
        arrays = import_module("runcast.media.arrays")  # numpy is loaded by whoever has them.

        frames = arrays.frames(data_or_path)
        _, self.height, self.width, _ = frames.shape
        self._source = encode(frames, fps or FPS_DEFAULT, self.format)

    def _check_format(self) -> None:
        if self.format not in FORMATS:
            raise ValueError(f"wandb.Video accepts {', '.join(FORMATS)} formats, not {self.format!r}")

    def shelve(self, shelf: Shelf) -> dict[str, Plain]:
        """Write the dict of a `video-file`."""
        file = shelf.add(self._source, FOLDER, "ogv" if self.format == "ogg" else self.format)
        return of_file("video-file", file, width=self.width, height=self.height, caption=self.caption)

    @classmethod
    def shelve_all(cls, items: Sequence[Any], shelf: Shelf) -> dict[str, Plain]:
        """Write the dict of several."""
        return {
            "_type": "videos",
            "count": len(items),
            "videos": [item.shelve(shelf) for item in items],
            "captions": captions_of(items),
        }


def encode(frames: Any, fps: int, kind: str) -> bytes:
    """Encode frames (uint8, time × height × width × 3); raises UsageError when there is no encoder for it."""
    if kind == "gif":
        return _gif(frames, fps)
    program = ffmpeg()
    if program is None:
        raise UsageError(f"{kind} of frames needs ffmpeg: pip install imageio-ffmpeg; format='gif' needs Pillow alone")
    _, height, width, _ = frames.shape
    with tempfile.TemporaryDirectory(prefix="runcast-") as folder:
        path = Path(folder) / f"film.{'ogv' if kind == 'ogg' else kind}"
        command = [program, "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"]
        # Browsers show only this colour format, and it wants even sides.
        command += ["-r", str(fps), "-i", "-", "-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p"]
        done = subprocess.run(  # noqa: S603  # No word of it is a user's.
            [*command, *_CODECS[kind], str(path)],
            input=frames.tobytes(),
            capture_output=True,
            timeout=ENCODE_SECONDS_MAX,
            check=False,
        )
        if done.returncode:
            raise UsageError(f"ffmpeg cannot write {kind}: {done.stderr.decode('utf-8', 'replace').strip()[:300]}")
        return path.read_bytes()


def ffmpeg() -> str | None:
    """Find ffmpeg: the one that imageio-ffmpeg brings, or the system's."""
    try:
        return str(importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        return shutil.which("ffmpeg")


def _gif(frames: Any, fps: int) -> bytes:
    try:
        pictures = importlib.import_module("PIL.Image")
    except ImportError:
        raise UsageError("a gif of frames needs Pillow: pip install pillow") from None
    first, *rest = [pictures.fromarray(frame) for frame in frames]
    out = io.BytesIO()
    first.save(out, "GIF", save_all=True, append_images=rest, duration=round(1000 / fps), loop=0)
    return out.getvalue()
