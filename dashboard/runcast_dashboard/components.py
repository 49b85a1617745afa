"""The components of our own: plain ES modules, which Streamlit has to be told about once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

NAMES = ("board", "table", "compare", "alerts", "health", "address")
ASSETS = "assets"


def declare() -> None:
    """Tell Streamlit where the components' files lie, unless it knows.

    It looks for them in the package that has the distribution's name; ours lie in another one of the same
    distribution, so the manifest that it would look for is handed to it.
    """
    manager = get_bidi_component_manager()
    if manager.get_component_asset_root(f"runcast.{NAMES[0]}") is None:
        manifest = ComponentManifest("runcast", "1", [ComponentConfig(name, asset_dir=ASSETS) for name in NAMES])
        manager.register_from_manifest(manifest, Path(__file__).parent)


def component(name: str, *, styled: bool = True) -> Any:
    """Make a component of `assets/<name>.js` and, where it is `styled`, `.css`."""
    declare()
    return st.components.v2.component(f"runcast.{name}", js=f"{name}.js", css=f"{name}.css" if styled else None)


def ignored() -> None:
    """Exist: without a callback the result has no attribute of the name."""
