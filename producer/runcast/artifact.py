"""An artifact: files under a name, which a run makes or uses; each change of them is a version.

Until it is logged it is a draft that takes files. Then, or when `use_artifact` gave it, it can be read and downloaded.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit

from runcast import artifact_names, fetching, manifest, paths
from runcast.errors import CommError, RuncastError, UsageError
from runcast.events import File, Plain
from runcast.manifest import Content
from runcast.media.shelf import WBValue
from runcast.media.table import Table
from runcast.rows import plain
from runcast.service import Service
from runcast.session import CURRENT
from runcast.spool import Bytes, weigh, weigh_file
from runcast.staging import Staging

FILES_MAX = 1_000_000
POLL_SECONDS = 0.1
WAIT_SECONDS = 60.0


class ArtifactNotLoggedError(RuncastError):
    """It has no version yet: it was not logged, or the service has not stored it."""


@dataclass(frozen=True)
class Entry:
    """A file of an artifact."""

    artifact: Artifact
    path: str
    content: Content

    @property
    def digest(self) -> str:
        """The SHA-256 of its bytes."""
        return self.content.digest

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return self.content.size

    @property
    def ref(self) -> str | None:
        """Where it lies, if the artifact only names it."""
        return self.content.ref or None

    def ref_target(self) -> str:
        """Where it lies; raises ValueError for a file that the artifact holds."""
        if not self.content.ref:
            raise ValueError("Only reference entries support ref_target().")
        return self.content.ref

    def download(self, root: str | os.PathLike[str] | None = None, **_: Any) -> str:
        """Have it in a folder; returns where."""
        return str(self.artifact.fetch(self.path, self.artifact.folder(root)))


class Artifact:
    """Files under a name: `add_file`, `add_dir`, `new_file`, then `run.log_artifact`. Raises UsageError for a name
    that cannot be one.
    """

    def __init__(
        self,
        name: str,
        type: str,  # noqa: A002  # W&B's keyword.
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> None:
        self._name = artifact_names.check_name(name)
        self.type = str(type)
        self.description = description
        self.metadata: dict[str, Any] = dict(metadata or {})
        self.aliases: list[str] = []
        self._contents: dict[str, Content] = {}
        self._sources: dict[str, Path] = {}  # By digest, of a draft.
        self._staging: Staging | None = None
        self._final = False
        self.project = ""
        self._version: str | None = None
        self._service: Service | None = None
        self._told: Mapping[str, Any] = {}

    @classmethod
    def of_service(cls, service: Service, project: str, told: Mapping[str, Any]) -> Artifact:
        """Give a version that a service described."""
        artifact = cls(str(told["name"]), str(told["type"]), told.get("description") or None, told.get("metadata"))
        artifact._know(service, project, told)
        artifact._contents = fetching.contents(service, str(told["digest"]))
        artifact._final = True
        return artifact

    def _know(self, service: Service, project: str, told: Mapping[str, Any]) -> None:
        self._service, self.project, self._told = service, project, told
        self._version, self.aliases = str(told["version"]), list(told["aliases"])

    # What it is.

    @property
    def name(self) -> str:
        """Its name, with its version once it has one."""
        return f"{self._name}:{self._version}" if self._version else self._name

    @property
    def collection_name(self) -> str:
        """Its name without a version."""
        return self._name

    source_name = name

    @property
    def qualified_name(self) -> str:
        """With its project."""
        return f"{self.project}/{self.name}" if self.project else self.name

    @property
    def version(self) -> str:
        """v0, v1 …; raises ArtifactNotLoggedError before it has one."""
        if self._version is None:
            raise ArtifactNotLoggedError(
                f"'Artifact.version' used prior to logging artifact {self._name!r} or while in offline mode; "
                "log it, then call wait()"
            )
        return self._version

    @property
    def digest(self) -> str:
        """Of its manifest."""
        return weigh(manifest.encode(self._contents)).digest

    id = digest

    @property
    def size(self) -> int:
        """Of its files together."""
        return manifest.size_of(self._contents)

    @property
    def file_count(self) -> int:
        """How many files it has."""
        return len(self._contents)

    @property
    def state(self) -> str:
        """PENDING while it is a draft or on its way, COMMITTED once it has a version."""
        return "COMMITTED" if self._version else "PENDING"

    @property
    def contents(self) -> Mapping[str, Content]:
        """What lies at which path."""
        return self._contents

    @property
    def manifest(self) -> Manifest:
        """What lies at which path, as W&B's class says it."""
        return Manifest({path: Entry(self, path, content) for path, content in self._contents.items()})

    def is_draft(self) -> bool:
        """Whether it has no version yet."""
        return self._version is None

    # What is put into it.

    def add_file(
        self,
        local_path: str | os.PathLike[str],
        name: str | None = None,
        is_tmp: bool | None = False,
        skip_cache: bool | None = False,
        policy: str | None = "mutable",
        overwrite: bool = False,
    ) -> Entry:
        """Add a file as it is now; with `policy="immutable"` it is not copied, and must not change until it is stored.

        Raises ValueError for what is no file, and for another file under a name that is taken.
        """
        del is_tmp, skip_cache
        path = Path(local_path)
        if not path.is_file():
            raise ValueError(f"Path is not a file: {str(local_path)!r}")
        return self._put(paths.check_path(_posix(name or path.name)), path, policy=policy, overwrite=overwrite)

    def add_dir(
        self,
        local_path: str | os.PathLike[str],
        name: str | None = None,
        skip_cache: bool | None = False,
        policy: str | None = "mutable",
        merge: bool = False,
    ) -> None:
        """Add every file of a folder; raises ValueError for what is none."""
        del skip_cache
        root = Path(local_path)
        if not root.is_dir():
            raise ValueError(f"Path is not a directory: {str(local_path)!r}")
        for path in sorted(root.rglob("*")):
            if path.is_file():
                inside = path.relative_to(root).as_posix()
                place = f"{_posix(name).rstrip('/')}/{inside}" if name else inside
                self._put(paths.check_path(place), path, policy=policy, overwrite=merge)

    @contextmanager
    def new_file(self, name: str, mode: str = "x", encoding: str | None = None) -> Iterator[IO[Any]]:
        """Open a file to be written into it; it belongs to it when the block ends well."""
        paths.check_path(_posix(name))
        self._check_open()
        path = self._stage().path(name)
        overwrite = mode.startswith("w")
        if not overwrite and _posix(name) in self._contents:
            raise ValueError(f"File with name {name!r} already exists")
        binary = "b" in mode
        with path.open("xb" if binary else "x", encoding=None if binary else encoding or "utf-8") as file:
            yield file
        try:
            self._put(_posix(name), path, policy="immutable", overwrite=overwrite)
        finally:
            path.unlink(missing_ok=True)

    def add_reference(
        self, uri: Any, name: str | None = None, checksum: bool = True, max_objects: int | None = None
    ) -> Sequence[Entry]:
        """Name what lies elsewhere, without its bytes; only files of this machine are looked at."""
        del max_objects
        self._check_open()
        if isinstance(uri, Entry):
            return [self._set(name or uri.path, Content(uri.digest, uri.size, uri.ref or f"{uri.artifact.name}"))]
        target = str(uri)
        parts = urlsplit(target)
        if not parts.scheme:
            raise ValueError("References must be URIs. To reference a local file, use file://")
        if parts.scheme != "file":
            name = name or paths.safe_part(parts.path.rstrip("/").rpartition("/")[2] or parts.netloc)
            return [self._set(name, Content(hashlib.sha256(target.encode()).hexdigest(), 0, target))]
        path = Path(unquote(parts.path))
        if not path.exists():
            raise ValueError(f"Path {str(uri)!r} must be a valid file or directory path")
        found = [path] if path.is_file() else [each for each in sorted(path.rglob("*")) if each.is_file()]
        made = []
        for each in found:
            inside = each.name if path.is_file() else each.relative_to(path).as_posix()
            place = (name or inside) if path.is_file() else f"{name}/{inside}" if name else inside
            digest = weigh_file(each).digest if checksum else hashlib.sha256(each.as_uri().encode()).hexdigest()
            made.append(self._set(place, Content(digest, each.stat().st_size, each.as_uri())))
        return made

    def add(self, obj: WBValue, name: str, overwrite: bool = False) -> Entry:
        """Add a table, a picture or the like; `get` gives a table back."""
        if not isinstance(obj, WBValue):
            raise ValueError(f"an artifact takes a data type such as wandb.Table, not a {type(obj).__name__}")
        shelf = _ArtifactShelf(self)
        if isinstance(obj, Table):
            data = obj.encode(obj.data, shelf)
            place = name if name.endswith(".table.json") else f"{name}.table.json"
        else:
            data = json.dumps(obj.shelve(shelf), sort_keys=True).encode()
            place = name if name.endswith(".json") else f"{name}.{type(obj).__name__.lower()}.json"
        return self._put(paths.check_path(_posix(place)), data, overwrite=overwrite)

    def __setitem__(self, name: str, item: WBValue) -> None:
        self.add(item, name)

    def remove(self, item: str | os.PathLike[str] | Entry) -> None:
        """Take a file, or a folder with all that is in it, out again; raises FileNotFoundError."""
        self._check_open()
        path = item.path if isinstance(item, Entry) else _posix(os.fspath(item))
        gone = [each for each in self._contents if each == path or each.startswith(f"{path}/")]
        if not gone:
            raise FileNotFoundError(f"No such file or directory: {path}")
        for each in gone:
            del self._contents[each]

    def finalize(self) -> None:
        """Take no more files."""
        self._final = True

    def put(self, path: str, source: Bytes | Path) -> Content:
        """Add bytes or a file under a path that may be there already."""
        return self._put(path, source, overwrite=True).content

    def _put(
        self, path: str, source: Bytes | Path, *, policy: str | None = "mutable", overwrite: bool = False
    ) -> Entry:
        self._check_open()
        if policy not in {"mutable", "immutable", None}:
            raise ValueError(f"policy is {policy!r}; it is 'mutable' or 'immutable'")
        spool = self._stage().spool
        kept = spool.copy(source, stays=policy == "immutable") if isinstance(source, Path) else spool.put(source)
        self._sources[kept.digest] = self._stage().place(kept.digest)
        return self._set(path, Content(*kept), overwrite=overwrite)

    def _set(self, path: str, content: Content, *, overwrite: bool = False) -> Entry:
        paths.check_path(path)
        before = self._contents.get(path)
        if before is not None and before != content and not overwrite:
            raise ValueError(f"Cannot add the same path twice: {path!r}")
        if len(self._contents) >= FILES_MAX:
            raise UsageError(f"an artifact has at most {FILES_MAX} files; put more into archives")
        self._contents[path] = content
        return Entry(self, path, content)

    def _stage(self) -> Staging:
        if self._staging is None:
            settings = CURRENT.settings()
            self._staging = Staging(settings.cache or settings.directory)
        return self._staging

    def _check_open(self) -> None:
        if self._final:
            raise RuncastError(f"artifact {self._name!r} is finalized: nothing can be added; make a new version of it")

    # How it is logged.

    def drafted(self) -> Iterator[tuple[str, Path]]:
        """Give each file that it holds, once: its digest and where it lies."""
        for digest in {each.digest for each in self._contents.values() if not each.ref}:
            yield digest, self._sources[digest]

    def plain_metadata(self) -> dict[str, Plain]:
        """Give what is known about it, as events have it."""
        made: dict[str, Plain] = plain(self.metadata, lenient=True)
        return made

    def sent_to(self, find: Any, project: str, token: str | None) -> None:
        """Note where it goes: `wait` asks there."""
        self.project = project
        self._final = True
        self._find, self._token = find, token

    def told_as(self, stored: Callable[[float], bool]) -> None:
        """Note who says whether its event is stored: an older version of the same files has the same digest."""
        self._stored = stored

    _find: Any = None
    _token: str | None = None
    _stored: Callable[[float], bool] = staticmethod(lambda _: True)

    def wait(self, timeout: float | None = None) -> Artifact:
        """Wait until the service has stored it; raises ArtifactNotLoggedError after `timeout` seconds (60)."""
        if self._version is not None:
            return self
        if self._find is None:
            raise ArtifactNotLoggedError(f"artifact {self._name!r} was not logged; give it to run.log_artifact")
        deadline = time.monotonic() + (WAIT_SECONDS if timeout is None else timeout)
        digest = self.digest
        while True:
            url = self._find()
            told = None
            with suppress(CommError):  # A service that restarts.
                if url is not None and self._stored(POLL_SECONDS):
                    service = Service(url, self._token)
                    told = fetching.describe(service, self.project, self._name, digest)
            if told is not None and told.get("stored"):
                self._know(service, self.project, told)
                return self
            if time.monotonic() > deadline:
                raise ArtifactNotLoggedError(
                    f"artifact {self._name!r} is not stored yet; it is sent as soon as a service is there"
                )
            time.sleep(POLL_SECONDS)

    # How it is read.

    def get_entry(self, name: str | os.PathLike[str]) -> Entry:
        """Give a file of it; raises KeyError."""
        path = _posix(os.fspath(name))
        if path not in self._contents:
            raise KeyError(f"Path not contained in artifact: {path}")
        return Entry(self, path, self._contents[path])

    get_path = get_entry

    def get(self, name: str) -> Any:
        """Give a table that was added under a name; None if there is none."""
        path = name if name in self._contents else f"{name}.table.json"
        if path not in self._contents:
            return None
        return Table.decode(self.fetch(path, self.folder(None)).read_bytes())

    def __getitem__(self, name: str) -> Any:
        return self.get(name)

    def files(self, names: Iterable[str] | None = None, **_: Any) -> list[Entry]:
        """List the files."""
        wanted = set(names) if names is not None else None
        return [Entry(self, path, each) for path, each in self._contents.items() if wanted is None or path in wanted]

    def folder(self, root: str | os.PathLike[str] | None) -> Path:
        """Say where it is downloaded to: `root`, or `artifacts/NAME:VERSION`."""
        if root is not None:
            return Path(root).absolute()

        parent = CURRENT.settings().artifacts or Path("artifacts")
        return (parent / (self.name if os.name != "nt" else self.name.replace(":", "-"))).absolute()

    def download(
        self,
        root: str | os.PathLike[str] | None = None,
        allow_missing_references: bool = False,
        skip_cache: bool | None = None,
        path_prefix: str | None = None,
        **_: Any,
    ) -> str:
        """Have all its files in a folder, each as its digest says; returns the folder.

        What it only names is fetched if it is a file of this machine. Raises CommError and Damaged.
        """
        del skip_cache
        place = self.folder(root)
        place.mkdir(parents=True, exist_ok=True)
        for path in self._contents:
            if path_prefix is None or path.startswith(path_prefix):
                try:
                    self.fetch(path, place)
                except FileNotFoundError:
                    if not allow_missing_references:
                        raise
        return str(place)

    def fetch(self, path: str, root: Path) -> Path:
        """Have one of its files in a folder; returns where."""
        content = self._contents[path]
        if content.ref:
            return _refer(content.ref, root / paths.check_path(path))
        if content.digest in self._sources and self._sources[content.digest].exists():
            place = root / paths.check_path(path)
            if not fetching.is_whole(place, content):
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self._sources[content.digest], place)
            return place
        if self._service is None:
            self.wait()
        assert self._service is not None  # noqa: S101  # `wait` found it, or raised.
        return fetching.fetch(self._service, path, content, root)

    def checkout(self, root: str | os.PathLike[str] | None = None) -> str:
        """Have exactly its files in a folder: others that lie there are deleted."""
        place = self.folder(root)
        if place in {Path(place.anchor), Path.home()}:
            raise UsageError(f"a checkout into {place} would delete everything there; name a folder of its own")
        for path in sorted(place.rglob("*"), reverse=True) if place.is_dir() else ():
            if path.is_symlink() or not path.is_dir():
                if path.relative_to(place).as_posix() not in self._contents:
                    path.unlink()
            else:
                with suppress(OSError):
                    path.rmdir()  # One that is not empty stays.
        return self.download(place)

    def verify(self, root: str | os.PathLike[str] | None = None) -> None:
        """Compare a folder with it; raises ValueError for a file that is missing, damaged or too many."""
        place = self.folder(root)
        for found in place.rglob("*") if place.is_dir() else ():
            inside = found.relative_to(place).as_posix()
            if not found.is_dir() and inside not in self._contents:
                raise ValueError(f"Found file {inside} which is not a member of {self.name}")
        for path, content in self._contents.items():
            if not content.ref and not fetching.is_whole(place / path, content):
                raise ValueError(f"Digest mismatch for file: {path}")

    def logged_by(self) -> Any:
        """Give the run that made it, as `Api().run` does; None for a draft."""
        run = self._told.get("run")
        return None if run is None else self._run({"project": self.project, "run": run})

    def used_by(self) -> list[Any]:
        """List the runs that used it."""
        return [self._run(each) for each in self._told.get("used_by", ())]

    def _run(self, told: Mapping[str, Any]) -> Any:
        # What reads runs reads artifacts too, and is loaded by whoever reads.
        assert self._service is not None  # noqa: S101  # It told us of them.
        return import_module("runcast.apis.run").Run(self._service, self._service.run(told["project"], told["run"]))

    def __repr__(self) -> str:
        return f"<Artifact {self.qualified_name}>"


class Manifest:
    """The files of an artifact, as W&B's class shows them."""

    def __init__(self, entries: dict[str, Entry]) -> None:
        self.entries = entries

    def __len__(self) -> int:
        return len(self.entries)


class _ArtifactShelf:
    """The place for the files of what is added to an artifact."""

    def __init__(self, artifact: Artifact) -> None:
        self._artifact = artifact

    def add(self, source: Bytes | str | Path, folder: str, ending: str) -> File:
        """Add a file under `media/<folder>`, named by its digest."""
        source = Path(source) if isinstance(source, str) else source
        kept = weigh_file(source) if isinstance(source, Path) else weigh(source)
        name = f"media/{folder}/{kept.digest[:20]}.{ending}"
        self._artifact.put(name, source)
        return File(time.time_ns(), name, *kept)

    def say_once(self, topic: str, line: str) -> None:
        """Say nothing: there is no run yet whose lines these would be."""


def _posix(path: str) -> str:
    return path.replace(os.sep, "/") if os.sep != "/" else path


def _refer(ref: str, place: Path) -> Path:
    """Copy what a reference names, if it lies on this machine; raises FileNotFoundError."""
    parts = urlsplit(ref)
    source = Path(unquote(parts.path))
    if parts.scheme != "file" or not source.is_file():
        raise FileNotFoundError(f"{ref} lies elsewhere; fetch it with what you have for that")
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, place)
    return place
