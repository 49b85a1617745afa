"""A graph of nodes and edges, such as a model's layers; kept as JSON."""

from __future__ import annotations

import json
from typing import Any

from runcast.events import Plain
from runcast.media.shelf import Media, Shelf, of_file
from runcast.rows import plain


class Graph(Media):
    """A graph to be logged; nodes and edges are dicts."""

    def __init__(self, format: str = "keras") -> None:  # noqa: A002  # W&B's keyword.
        self.format = format
        self.nodes: list[dict[str, Any]] = []
        self.edges: list[dict[str, Any]] = []

    def add_node(self, node: Any = None, **more: Any) -> dict[str, Any]:
        """Add a node."""
        made = {**(dict(node) if isinstance(node, dict) else {}), **more}
        self.nodes.append(made)
        return made

    def add_edge(self, from_node: Any, to_node: Any) -> dict[str, Any]:
        """Add an edge between two nodes."""
        edge = {"from": _id(from_node), "to": _id(to_node)}
        self.edges.append(edge)
        return edge

    @classmethod
    def from_keras(cls, model: Any) -> Graph:
        """List the layers of a Keras model."""
        graph = cls("keras")
        for number, layer in enumerate(model.layers):
            graph.add_node(id=number, name=str(layer.name), class_name=type(layer).__name__)
        return graph

    def shelve(self, shelf: Shelf) -> dict[str, Plain]:
        """Write the dict of a `graph-file`."""
        data = {"format": self.format, "nodes": plain(self.nodes, lenient=True), "edges": plain(self.edges)}
        return of_file("graph-file", shelf.add(json.dumps(data).encode(), "graph", "graph.json"))


def _id(node: Any) -> Any:
    return node.get("id") if isinstance(node, dict) else str(node)
