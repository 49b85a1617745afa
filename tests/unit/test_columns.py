"""Which keys runs have: counted of nested and odd documents, and never without end."""

from __future__ import annotations

import pytest

from runcast_ingest.store import columns
from runcast_ingest.store.codec import pack_document
from runcast_ingest.store.columns import Column, columns_of


def test_keys_are_counted_with_what_their_values_are() -> None:
    documents = [{"a": 1, "b": {"c": "x", "d": {}}}, {"a": float("nan"), "b": {"c": "y"}}, {"a": "auto", "n": None}]
    assert columns_of([*map(pack_document, documents), b"\xc1 damaged", pack_document(["no", "dict"])]) == [
        Column("a", 3, 2, 3),
        Column("b.c", 2, 0, 2),
    ]


def test_wide_runs_are_looked_at_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "VALUES_MAX", 10)
    [first, *_] = columns_of(pack_document({f"k{at}": at for at in range(8)}) for _ in range(1000))
    assert first.runs == 2
