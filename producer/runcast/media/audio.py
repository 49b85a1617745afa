"""A sound: samples, written as WAV, or a file as it is."""

from __future__ import annotations

import io
import os
import wave
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from runcast.errors import UsageError
from runcast.events import Plain
from runcast.media.shelf import BatchableMedia, Shelf, captions_of, of_file

FOLDER = "audio"
ENDINGS = {"wav", "mp3", "ogg", "flac", "m4a"}


class Audio(BatchableMedia):
    """A sound to be logged: a file's path, or samples with their `sample_rate`."""

    def __init__(self, data_or_path: Any, sample_rate: int | None = None, caption: str | None = None) -> None:
        self.caption = str(caption) if caption is not None else None
        self.sample_rate = int(sample_rate) if sample_rate is not None else None
        self.duration: float | None = None
        self._source: bytes | Path
        if isinstance(data_or_path, str | os.PathLike):
            path = Path(data_or_path)
            path.stat()
            self._ending = path.suffix.lower().removeprefix(".") or "wav"
            self._source = path.absolute()
            return
        if self.sample_rate is None:
            raise ValueError('Argument "sample_rate" is required when instantiating wandb.Audio with raw data.')
        arrays = import_module("runcast.media.arrays")  # numpy is loaded by whoever has them.

        samples = arrays.sound(data_or_path)
        self._ending = "wav"
        self.duration = len(samples) / self.sample_rate
        out = io.BytesIO()
        with wave.open(out, "wb") as file:
            file.setnchannels(samples.shape[1] if samples.ndim == 2 else 1)
            file.setsampwidth(2)
            file.setframerate(self.sample_rate)
            file.writeframes(samples.tobytes())
        self._source = out.getvalue()

    @classmethod
    def of_wav(cls, data: bytes) -> Audio:
        """Take a sound that is encoded already; raises UsageError for what is no WAV file."""
        try:
            with wave.open(io.BytesIO(data)) as file:
                rate, length = file.getframerate(), file.getnframes()
        except (wave.Error, EOFError) as error:
            raise UsageError(f"this is no WAV file: {error}") from error
        made = cls.__new__(cls)
        made.caption, made.sample_rate, made.duration = None, rate, length / rate
        made._ending, made._source = "wav", data
        return made

    def shelve(self, shelf: Shelf) -> dict[str, Plain]:
        """Write the dict of an `audio-file`."""
        file = shelf.add(self._source, FOLDER, self._ending)
        return of_file("audio-file", file, caption=self.caption, sample_rate=self.sample_rate, duration=self.duration)

    @classmethod
    def shelve_all(cls, items: Sequence[Any], shelf: Shelf) -> dict[str, Plain]:
        """Write the dict of several."""
        return {
            "_type": "audio",
            "count": len(items),
            "audio": [item.shelve(shelf) for item in items],
            "sampleRates": [item.sample_rate for item in items],
            "durations": [item.duration for item in items],
            "captions": captions_of(items),
        }
