"""Arrays of any library as numpy's, and numbers of any range as pixels. Loads numpy, so it is loaded late."""

from __future__ import annotations

from typing import Any

import numpy as np

from runcast.errors import UsageError

BYTES_MAX = 255


def array(value: Any) -> Any:
    """Give an array as numpy's: torch's from any device and out of any graph, TensorFlow's, JAX's, a list."""
    if hasattr(value, "detach") and hasattr(value, "cpu"):
        value = value.detach().cpu()
        if "bfloat16" in str(getattr(value, "dtype", "")):
            value = value.float()
        value = value.numpy()
    elif callable(getattr(value, "numpy", None)):
        value = value.numpy()
    return np.asarray(value)


def count_bins(value: Any, bins: int) -> tuple[list[int], list[float]]:
    """Count an array's finite numbers into bins of equal width: counts, and edges; raises TypeError for others."""
    data = array(value).ravel()
    if data.dtype.kind not in "biuf":
        raise TypeError(f"an array of {data.dtype} has no numbers to count")
    data = data.astype(np.float64, copy=False)
    counts, edges = np.histogram(data[np.isfinite(data)], bins)
    if counts.sum() == 0:
        edges = np.linspace(-0.5, 0.5, bins + 1)  # Of nothing: around nothing, as without numpy.
    return counts.tolist(), edges.tolist()


def is_tensor(value: Any) -> bool:
    """Whether the channels of a picture stand first in it, as torch has them."""
    return hasattr(value, "detach") and hasattr(value, "cpu")


def pixels(value: Any, *, normalize: bool = True) -> Any:
    """Make a picture of an array: uint8, height × width × channels.

    Floats up to 1 are shades from black to white; other ranges are brought to it, with `normalize`. A batch of
    torch's becomes a sheet of pictures. Raises UsageError for what has no such shape.
    """
    data = array(value)
    if is_tensor(value):
        data = _channels_last(data)
    while data.ndim > 2 and data.shape[0] == 1:
        data = data[0]
    if data.ndim == 2:
        data = data[:, :, None]
    if data.ndim != 3 or not 1 <= data.shape[2] <= 4 or not data.size:
        raise UsageError(
            f"an array of shape {np.shape(value)} is no picture; it has height × width (× 1 to 4 channels)"
        )
    return np.ascontiguousarray(shades(data, normalize=normalize))


def shades(data: Any, *, normalize: bool = True) -> Any:
    """Bring numbers to 0 … 255."""
    if data.dtype == np.uint8:
        return data
    if data.dtype == np.bool_:
        return data.astype(np.uint8) * BYTES_MAX
    if np.issubdtype(data.dtype, np.floating):
        data = np.nan_to_num(data.astype(np.float32, copy=False), nan=0.0)
        if normalize:
            low, high = float(data.min()), float(data.max())
            if low < 0:
                data = (data - low) / ((high - low) or 1.0)
                high = 1.0
            if high <= 1:
                data = data * BYTES_MAX
    return data.clip(0, BYTES_MAX).astype(np.uint8)


def _channels_last(data: Any) -> Any:
    if data.ndim == 4:
        return sheet(data.transpose(0, 2, 3, 1))
    if data.ndim == 3 and data.shape[0] in {1, 3, 4}:
        return data.transpose(1, 2, 0)
    return data


def sheet(pictures: Any) -> Any:
    """Put pictures of one size (n × height × width × channels) beside and below each other."""
    count, height, width, channels = pictures.shape
    columns = int(np.ceil(np.sqrt(count)))
    rows = -(-count // columns)
    made = np.zeros((rows * height, columns * width, channels), pictures.dtype)
    for at, picture in enumerate(pictures):
        y, x = divmod(at, columns)
        made[y * height : (y + 1) * height, x * width : (x + 1) * width] = picture
    return made


def frames(value: Any) -> Any:
    """Make a film of an array (time × channels × height × width, or a batch of them): uint8, t × h × w × 3."""
    data = array(value)
    if data.ndim == 5:
        data = np.stack([sheet(moment) for moment in data.transpose(1, 0, 3, 4, 2)])
    elif data.ndim == 4:
        data = data.transpose(0, 2, 3, 1)
    else:
        raise UsageError(f"an array of shape {data.shape} is no video; it has time × channels × height × width")
    if data.shape[3] not in {1, 3, 4} or not data.size:
        raise UsageError(f"a video of {data.shape[3]} channels; it has 1, 3 or 4, behind the time")
    data = shades(data)
    return np.ascontiguousarray(np.repeat(data, 3, axis=3) if data.shape[3] == 1 else data[..., :3])


def sound(value: Any) -> Any:
    """Make samples of 16 bits of an array: one channel, or samples × channels."""
    data = array(value)
    if data.ndim == 2 and data.shape[0] < data.shape[1] and data.shape[0] <= 8:
        data = data.T  # Channels first, as torchaudio has them.
    if data.ndim not in {1, 2} or not data.size:
        raise UsageError(f"an array of shape {data.shape} is no sound; it has samples, or samples × channels")
    if np.issubdtype(data.dtype, np.floating):
        data = np.nan_to_num(data.astype(np.float64)).clip(-1, 1) * 32767
    elif data.dtype == np.int32:
        data = data >> 16
    elif data.dtype == np.uint8:
        data = (data.astype(np.int16) - 128) << 8
    return np.ascontiguousarray(data.clip(-32768, 32767).astype("<i2"))
