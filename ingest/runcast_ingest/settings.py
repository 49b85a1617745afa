"""What the service's environment says: read once, at the door, and passed down as values."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from runcast import told
from runcast.errors import UsageError
from runcast.settings import PAGE_URL, URL, directory, read_token

HOST, PORT = "RUNCAST_HOST", "RUNCAST_PORT"
HOSTS, ORIGINS = "RUNCAST_HOSTS", "RUNCAST_ORIGINS"
SOCKETS_MAX = "RUNCAST_SOCKETS_MAX"
WEBHOOK = "RUNCAST_WEBHOOK"
FILE_BYTES_MAX, FILES_BYTES_MAX = "RUNCAST_FILE_BYTES_MAX", "RUNCAST_FILES_BYTES_MAX"
PORT_DEFAULT = 8484
SOCKETS_MAX_DEFAULT = 64  # Live sockets of one address: a person with many tabs, and not a flood.
FILE_BYTES_MAX_DEFAULT = 50 * 1000**3  # A checkpoint of a large model in one file.
_UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A service's settings. Each field's variable is in docs/settings.md."""

    directory: Path
    redis_url: str | None = None  # None: a private server of our own.
    host: str = "127.0.0.1"
    port: int = PORT_DEFAULT  # 0: any that is free.
    token: str | None = None
    hosts: tuple[str, ...] = ()  # Names that it is served under, beside those of this machine.
    origins: tuple[str, ...] = ()  # Of pages elsewhere that may open /live.
    sockets_max: int = SOCKETS_MAX_DEFAULT
    file_bytes_max: int = FILE_BYTES_MAX_DEFAULT
    files_bytes_max: int = 0  # Of all files together; 0: as the disk has room.
    webhook: str | None = None  # Where alerts are sent; only the operator names it.
    public_url: str | None = None  # Where trainers elsewhere, and people, reach it; None: where it listens.

    def __post_init__(self) -> None:
        """Refuse what would serve others without asking who they are; raises UsageError."""
        if not self.is_local and not self.token:
            raise UsageError(
                f"--host {self.host} lets others in, and there is no token to ask them for; set RUNCAST_TOKEN or "
                "RUNCAST_TOKEN_FILE, or leave the host at 127.0.0.1"
            )

    @property
    def is_local(self) -> bool:
        """Whether only this machine can connect."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False

    @property
    def database(self) -> Path:
        """Where everything is stored."""
        return self.directory / "runcast.db"

    @classmethod
    def from_env(cls, environ: Mapping[str, str], *, host: str | None = None, port: int | None = None) -> Settings:
        """Read the variables; what is given goes first. Raises UsageError, which says what a value may be."""
        return cls(
            directory=directory(environ),
            redis_url=told.redis_url(URL, environ[URL]) if environ.get(URL) else None,
            host=host or environ.get(HOST) or "127.0.0.1",
            port=port if port is not None else _number(environ, PORT, PORT_DEFAULT, most=65535),
            token=read_token(environ),
            hosts=_list(environ, HOSTS),
            origins=_list(environ, ORIGINS),
            sockets_max=_number(environ, SOCKETS_MAX, SOCKETS_MAX_DEFAULT, most=1_000_000),
            file_bytes_max=_bytes(environ, FILE_BYTES_MAX, FILE_BYTES_MAX_DEFAULT),
            files_bytes_max=_bytes(environ, FILES_BYTES_MAX, 0),
            webhook=_webhook(environ),
            public_url=told.page_url(PAGE_URL, environ[PAGE_URL]) if environ.get(PAGE_URL) else None,
        )


def _webhook(environ: Mapping[str, str]) -> str | None:
    url = environ.get(WEBHOOK, "").strip()
    if not url:
        return None
    # Its path may be a secret, as Slack's is: nothing of it is repeated, nor what urlsplit says of it.
    if not url.isascii() or not url.isprintable() or " " in url:
        raise UsageError(f"{WEBHOOK} has a space or another character that no address has; %20 stands for a space")
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna")
    except ValueError:
        raise UsageError(f"{WEBHOOK} names a host that is none; give it as its receiver does") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise UsageError(f"{WEBHOOK} is no address; it begins with https:// or http:// and names a host")
    if "@" in parts.netloc:
        raise UsageError(
            f"{WEBHOOK} has a user or a password before its host, which is not sent; give the receiver's secret in its "
            "path or after its `?`, or put a proxy before it that adds the header"
        )
    try:
        valid = parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise UsageError(f"{WEBHOOK} names a port that is none; it is a number from 1 to 65535")
    return url


def _number(environ: Mapping[str, str], name: str, default: int, *, most: int) -> int:
    text = environ.get(name, "").strip()
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) > most:
        raise UsageError(f"{name} is {text!r}; it is a whole number from 0 to {most}")
    return int(text)


def _bytes(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, "").strip().lower().removesuffix("b").strip()
    if not text:
        return default
    digits, unit = (text[:-1].strip(), text[-1]) if text[-1] in _UNITS else (text, "")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 15:
        raise UsageError(f"{name} is {environ[name]!r}; it is a size such as 500M, 20G or 1T, and 0 is no bound")
    return int(digits) * _UNITS[unit]


def _list(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in environ.get(name, "").split(",") if part.strip())
