"""What a browser is told about a file that somebody logged: never more than that it may be looked at.

The type follows from the name's ending and an allow list; what is not on it is a download. Nothing is sniffed. A page
or a drawing may run in a world of its own, without this server's origin, and may load nothing from anywhere.
"""

from __future__ import annotations

from urllib.parse import quote

DOWNLOAD = "application/octet-stream"
FILE_NAME_CHARS_MAX = 150

_TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "bmp": "image/bmp",
    "svg": "image/svg+xml",
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "flac": "audio/flac",
    "m4a": "audio/mp4",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "ogv": "video/ogg",
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "txt": "text/plain; charset=utf-8",
    "log": "text/plain; charset=utf-8",
    "md": "text/plain; charset=utf-8",
    "csv": "text/plain; charset=utf-8",
    "py": "text/plain; charset=utf-8",
    "yaml": "text/plain; charset=utf-8",
    "patch": "text/plain; charset=utf-8",
    "diff": "text/plain; charset=utf-8",
}
# `sandbox` takes the origin away: no cookie, no storage, no request that this server would answer.
_ALONE = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox"
_STYLED = "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; media-src data: blob:"
_POLICIES = {
    "html": f"{_STYLED}; script-src 'unsafe-inline' 'unsafe-eval'; {_ALONE} allow-scripts",
    "svg": f"{_STYLED}; {_ALONE}",
}


def content_type(name: str) -> str:
    """Choose the type of a file by its name."""
    return _TYPES.get(_ending(name), DOWNLOAD)


def headers(name: str, digest: str, *, lasting: bool = False) -> dict[str, str]:
    """Say how a browser must treat a file; `lasting`: what it asked for can never be another one."""
    kind = content_type(name)
    how = "attachment" if kind == DOWNLOAD else "inline"
    return {
        "content-disposition": f"{how}; filename*=UTF-8''{_file_name(name)}",
        "content-security-policy": _POLICIES.get(_ending(name), _ALONE),
        "x-content-type-options": "nosniff",
        "x-frame-options": "SAMEORIGIN",
        "cross-origin-resource-policy": "same-origin",
        "cache-control": "private, max-age=31536000, immutable" if lasting else "private, no-cache",
        "etag": f'"{digest}"',
    }


def _ending(name: str) -> str:
    return name.rpartition("/")[2].rpartition(".")[2].lower()


def _file_name(name: str) -> str:
    """Write a name for a header: what a system might take for a path or for a command becomes `_`."""
    last = name.replace("\\", "/").rpartition("/")[2]
    kept = "".join(char if char.isalnum() or char in "._- " else "_" for char in last)
    return quote(kept.strip(". ")[-FILE_NAME_CHARS_MAX:] or "file", safe="")
