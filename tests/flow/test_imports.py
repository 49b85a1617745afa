"""The direction of the arrows: who may import whom, read from the sources themselves."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import runcast

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "runcast": ROOT / "producer" / "runcast",
    "runcast_ingest": ROOT / "ingest" / "runcast_ingest",
    "runcast_dashboard": ROOT / "dashboard" / "runcast_dashboard",
}

# What service and dashboard share with the client: what is said and written, and the doors to it.
VOCABULARY = {
    "runcast.artifact_names",
    "runcast.blocks",
    "runcast.conditions",
    "runcast.definitions",
    "runcast.discovery",
    "runcast.errors",
    "runcast.events",
    "runcast.expressions",
    "runcast.frames",
    "runcast.gate",
    "runcast.names",
    "runcast.paths",
    "runcast.rules",
    "runcast.settings",
    "runcast.streams",
    "runcast.tickets",
    "runcast.told",
    "runcast.transport",
    "runcast.window",
    "runcast.wire",
}

PUBLIC = [
    "AlertLevel",
    "Api",
    "AuthenticationError",
    "CommError",
    "ConfigError",
    "Error",
    "Histogram",
    "NameRefused",
    "Run",
    "RuncastError",
    "Settings",
    "UnsupportedError",
    "UsageError",
    "config",
    "ensure_configured",
    "finish",
    "init",
    "log",
    "login",
    "require",
    "restore",
    "run",
    "setup",
    "subscribe",
    "summary",
    "teardown",
    "termerror",
    "termlog",
    "termwarn",
]


def _modules(package: str) -> dict[str, Path]:
    """Every module of a package by its dotted name."""
    root = PACKAGES[package]
    found = {}
    for path in root.rglob("*.py"):
        parts = path.relative_to(root.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


ALL = {name: path for package in PACKAGES for name, path in _modules(package).items()}


def _imports(path: Path, *, among: str = "all") -> set[str]:
    """The modules of ours that a file imports: all, those it loads when it is imported, or those in functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    loaded = list(_statements(tree))
    hidden = [
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
    ]
    found: set[str] = set()
    for node in {"all": list(ast.walk(tree)), "loaded": loaded, "hidden": hidden}[among]:
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in ALL else str(node.module))
    return {name for name in found if name.partition(".")[0] in PACKAGES}


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk what runs at import: not the bodies of functions, not what is there for the types alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from _statements(node)


def test_the_client_knows_neither_service_nor_dashboard() -> None:
    for name, path in _modules("runcast").items():
        if not name.startswith("runcast.cli"):
            others = {found for found in _imports(path) if not found.startswith("runcast.") and found != "runcast"}
            assert not others, f"{name} imports {others}"
            cli = {found for found in _imports(path) if found.startswith("runcast.cli")}
            assert not cli, f"{name} imports {cli}"


@pytest.mark.parametrize("package", ["runcast_ingest", "runcast_dashboard"])
def test_service_and_dashboard_import_the_vocabulary_alone_and_never_each_other(package: str) -> None:
    for name, path in _modules(package).items():
        strangers = {
            found
            for found in _imports(path)
            if found.partition(".")[0] != package and found not in VOCABULARY and found != "runcast"
        }
        assert not strangers, f"{name} imports {strangers}"


def test_no_imports_hide_inside_functions() -> None:
    """An import that has to hide says that two files have swapped a responsibility."""
    for name, path in ALL.items():
        hidden = _imports(path, among="hidden")
        assert not hidden, f"{name} hides its import of {hidden}"


def test_there_is_no_cycle() -> None:
    graph = {name: _imports(path, among="loaded") & ALL.keys() for name, path in ALL.items()}
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " → ".join((*way[way.index(name) :], name))
        if name not in done:
            for other in sorted(graph[name]):
                if not name.startswith(f"{other}."):  # A package's own __init__ comes before its modules.
                    visit(other, (*way, name))
            done.add(name)

    for name in sorted(graph):
        visit(name, ())


def test_the_public_names_are_these() -> None:
    assert sorted(runcast.__all__) == PUBLIC
    for name in PUBLIC:
        assert hasattr(runcast, name)


def test_import_runcast_loads_neither_server_nor_numpy_nor_redis() -> None:
    """What a training pays for `import runcast` is the client alone; Redis comes with the sender's thread."""
    heavy = "numpy redis asyncio fastapi uvicorn streamlit aiosqlite pyarrow pandas httpx websockets sklearn click"
    program = f"import sys, runcast; print([name for name in {heavy.split()} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_loads_no_command() -> None:
    program = (
        "import sys; sys.argv = ['runcast', '--help']; from runcast.cli import cli; "
        "cli.main(standalone_mode=False); "
        "print([name for name in sys.modules if name.startswith(('runcast_', 'runcast.cli.', 'numpy'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "['runcast.cli.group']"
