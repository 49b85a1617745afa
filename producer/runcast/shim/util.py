"""`wandb.util`: the few of its functions that programs and libraries call."""

from __future__ import annotations

import importlib
import json
import math
import re
import secrets
import string
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import IO, Any

from runcast.errors import RuncastError
from runcast.rows import plain

ARTIFACT_NAME_CHARACTERS_MAX = 128  # W&B's own limit.

_BASE36 = string.ascii_lowercase + string.digits


def generate_id(length: int = 8) -> str:
    """Draw a run id: so many characters of a to z and 0 to 9."""
    return "".join(secrets.choice(_BASE36) for _ in range(length))


def random_string(length: int = 12) -> str:
    """Draw a string as `generate_id` does."""
    return generate_id(length)


def get_module(name: str, required: str | bool | None = None, lazy: bool = True) -> ModuleType | None:
    """Import a module that may be missing: None then, or, when it is required, an Error with the caller's sentence."""
    del lazy
    try:
        return importlib.import_module(name)
    except Exception as error:  # A broken package raises anything when it is imported.
        if required:
            raise RuncastError(required if isinstance(required, str) else f"{name} is needed: {error}") from error
        return None


def get_optional_module(name: str) -> ModuleType | None:
    """Import a module, or give None when there is none."""
    return get_module(name)


def get_full_typename(value: Any) -> str:
    """Name a value's type with its module."""
    kind = type(value)
    return f"{kind.__module__}.{kind.__qualname__}"


def is_numpy_array(value: Any) -> bool:
    """Whether a value is numpy's array."""
    return get_full_typename(value) == "numpy.ndarray"


def is_pytorch_tensor(value: Any) -> bool:
    """Whether a value is a tensor of PyTorch."""
    return is_pytorch_tensor_typename(get_full_typename(value))


def is_pytorch_tensor_typename(typename: str) -> bool:
    """Whether a type's name is that of a tensor of PyTorch."""
    return typename.startswith("torch.") and ("Tensor" in typename or "Variable" in typename)


def is_tf_tensor(value: Any) -> bool:
    """Whether a value is a tensor of TensorFlow."""
    return get_full_typename(value).startswith("tensorflow.") and "Tensor" in type(value).__name__


def is_pandas_data_frame(value: Any) -> bool:
    """Whether a value is pandas' table."""
    return type(value).__module__.startswith("pandas.") and type(value).__name__ == "DataFrame"


def is_matplotlib_typename(typename: str) -> bool:
    """Whether a type's name is one of matplotlib's."""
    return typename.startswith("matplotlib.")


def is_plotly_typename(typename: str) -> bool:
    """Whether a type's name is one of plotly's."""
    return typename.startswith("plotly.")


def json_friendly(value: Any) -> tuple[Any, bool]:
    """Give a value as JSON knows it, and whether it had to be changed."""
    made = plain(value, lenient=True)
    return made, made is not value


def json_friendly_val(value: Any) -> Any:
    """Give a value as JSON knows it."""
    return plain(value, lenient=True)


def json_dumps_safer(value: Any, **more: Any) -> str:
    """Write a value as JSON, whatever is in it."""
    more.setdefault("default", json_friendly_val)
    return json.dumps(value, **more)


def json_dumps_safer_history(value: Any, **more: Any) -> str:
    """Write a row as JSON, whatever is in it."""
    return json_dumps_safer(value, **more)


def json_dump_safer(value: Any, file: IO[str], **more: Any) -> None:
    """Write a value as JSON to a file."""
    file.write(json_dumps_safer(value, **more))


def make_safe_for_json(value: Any) -> Any:
    """Put strings in the place of the numbers that strict JSON has not."""
    if isinstance(value, Mapping):
        return {key: make_safe_for_json(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [make_safe_for_json(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def make_artifact_name_safe(name: str) -> str:
    """Put `_` in the place of what an artifact's name may not hold, and `..` in the middle of one too long."""
    safe = re.sub(r"[^\w.-]", "_", name, flags=re.ASCII)
    if len(safe) <= ARTIFACT_NAME_CHARACTERS_MAX:
        return safe
    half = ARTIFACT_NAME_CHARACTERS_MAX // 2 - 1
    return f"{safe[:half]}..{safe[-half:]}"


def to_forward_slash_path(path: str) -> str:
    """Write a path with forward slashes."""
    return path.replace("\\", "/")
